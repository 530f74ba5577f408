package checks_test

import (
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

const chart = "../helm/deployrecords"

// render renders the chart with values in YAML, as helm install of a release does.
func render(t *testing.T, release, values string) (map[string]string, error) {
	t.Helper()
	loaded, err := loader.Load(chart)
	if err != nil {
		t.Fatal(err)
	}
	given, err := common.ReadValues([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	all, err := util.ToRenderValues(loaded, given, common.ReleaseOptions{Name: release, Namespace: "apps", IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	return engine.Render(loaded, all)
}

// install returns the objects of a release.
func install(t *testing.T, release, values string) objects {
	t.Helper()
	files, err := render(t, release, values)
	if err != nil {
		t.Fatal(err)
	}
	var manifests strings.Builder
	for name, text := range files {
		if strings.HasSuffix(name, ".yaml") && strings.TrimSpace(text) != "" {
			manifests.WriteString("---\n" + text + "\n")
		}
	}
	return decode(t, []byte(manifests.String()))
}

// every is values that switch everything on.
var every = `
image: {repository: registry.example.com/team/deployrecords, digest: "sha256:` + digest + `"}
imagePullSecrets: [{name: registry}]
database: {replicaUrlKey: standbys}
trust: |
  ` + strings.ReplaceAll(strings.TrimSpace(trustRules), "\n", "\n  ") + `
settings:
  MAX_BODY_BYTES: 16777216
  GZIP: true
  OIDC_ISSUER: https://login.example.com
  OIDC_CLIENT_ID: deployrecords
  OIDC_CLIENT_SECRET_FILE: /etc/deployrecords/keys/oidc-client-secret
podMonitor: {enabled: true, labels: {release: prometheus}}
service: {annotations: {example.com/a: b}}
serviceAccount: {annotations: {example.com/a: b}}
podAnnotations: {example.com/a: b}
podLabels: {team: platform}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: a, operator: Exists}]
affinity: {podAntiAffinity: {}}
drainDelaySeconds: 20
shutdownTimeoutSeconds: 40
`

const digest = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"

func TestTheChartAgreesWithTheProgram(t *testing.T) {
	t.Parallel()
	for what, values := range map[string]string{
		"the defaults":   "",
		"everything":     every,
		"keys of a JWKS": "{keys: {existingSecret: ''}, settings: {JWKS_URL: 'https://issuer.example.com/keys', JWT_AUDIENCE: deployrecords}}",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			all := install(t, "deployrecords", values)
			checkServer(t, what, all, "deployrecords")
			job := get[*batchv1.Job](t, all, "Job/deployrecords-migrate")
			owner := checkMigration(t, what, job)
			if job.Annotations["helm.sh/hook"] != "pre-install,pre-upgrade" {
				t.Errorf("the migration has the annotations %v", job.Annotations)
			}
			spec := &get[*appsv1.Deployment](t, all, "Deployment/deployrecords").Spec.Template.Spec
			for _, variable := range spec.Containers[0].Env {
				if variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef.Name == owner {
					t.Errorf("the server gets the secret of the owner as %s", variable.Name)
				}
			}
			if spec.Containers[0].Image != job.Spec.Template.Spec.Containers[0].Image {
				t.Errorf("the server has the image %s", spec.Containers[0].Image)
			}
		})
	}
}

func TestValuesOfTheChart(t *testing.T) {
	t.Parallel()
	all := install(t, "inventory", every)
	const name = "inventory-deployrecords"
	spec := &get[*appsv1.Deployment](t, all, "Deployment/"+name).Spec.Template.Spec
	env := environment(t, spec)
	for variable, want := range map[string]string{"MAX_BODY_BYTES": "16777216", "GZIP": "true", "LOG_FORMAT": "json", "DRAIN_DELAY": "20s"} {
		if env[variable] != want {
			t.Errorf("%s is %q, want %q", variable, env[variable], want)
		}
	}
	if got := spec.Containers[0].Image; got != "registry.example.com/team/deployrecords@sha256:"+digest {
		t.Errorf("the image is %s", got)
	}
	if got := get[*corev1.ConfigMap](t, all, "ConfigMap/"+name+"-trust").Data["trust.yaml"]; got != trustRules {
		t.Errorf("the trust file is\n%s", got)
	}
	checkMonitor(t, get[*monitoringv1.PodMonitor](t, all, "PodMonitor/"+name), spec, all)

	less := install(t, "deployrecords", "{migration: {enabled: false}, podDisruptionBudget: {enabled: false}, networkPolicy: {enabled: false}}")
	if len(less) != 3 {
		t.Errorf("without what can be disabled there are %v", less)
	}
	limited := install(t, "deployrecords", "{networkPolicy: {from: [{podSelector: {matchLabels: {app: proxy}}}], egressPorts: [6432]}}")
	policy := get[*networkingv1.NetworkPolicy](t, limited, "NetworkPolicy/deployrecords").Spec
	if len(policy.Ingress[0].From) != 1 || policy.Ingress[0].From[0].PodSelector == nil || policy.Egress[1].Ports[0].Port.IntVal != 6432 {
		t.Errorf("the network policy is %+v", policy)
	}
	if files, err := render(t, "deployrecords", ""); err != nil || !strings.Contains(files["deployrecords/templates/NOTES.txt"], "http://deployrecords.apps.svc:80\n") {
		t.Errorf("the notes are %s, %v", files["deployrecords/templates/NOTES.txt"], err)
	}
}

func TestInvalidValuesOfTheChartAreRejected(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]string{
		"{replicas: 3}":                              "replicas",
		"{settings: {LOG_LEVL: debug}}":              "LOG_LEVL",
		"{settings: {LISTEN_ADDR: ':80'}}":           "LISTEN_ADDR", // the chart sets it
		"{settings: {MAX_BODY_BYTES: 1.5}}":          "MAX_BODY_BYTES",
		"{settings: {DATABASE_URL: 'postgres://x'}}": "DATABASE_URL", // values are no place for secrets
		"{image: {digest: latest}}":                  "digest",
		"{networkPolicy: {from: []}}":                "from", // it would admit everyone
		"{keys: {existingSecret: ''}}":               "there is no key",
	} {
		if _, err := render(t, "deployrecords", values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", values, err, want)
		}
	}
}

func TestTheChartPassesHelmsLinter(t *testing.T) {
	t.Parallel()
	result := lint.RunAll(chart, nil, "apps")
	for _, message := range result.Messages {
		if message.Severity > support.InfoSev {
			t.Error(message)
		}
	}
}
