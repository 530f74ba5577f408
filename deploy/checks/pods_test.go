package checks_test

import (
	"fmt"
	"path"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// environment returns the variables of the only container. A reference to a secret has the value "".
func environment(t *testing.T, spec *corev1.PodSpec) map[string]string {
	t.Helper()
	if len(spec.Containers) != 1 {
		t.Fatalf("%d containers", len(spec.Containers))
	}
	env := map[string]string{}
	for _, variable := range spec.Containers[0].Env {
		if _, twice := env[variable.Name]; twice {
			t.Errorf("%s is set twice", variable.Name)
		}
		env[variable.Name] = variable.Value
	}
	return env
}

// checkPod checks what all pods have in common.
func checkPod(t *testing.T, file string, template *corev1.PodTemplateSpec) {
	t.Helper()
	spec := &template.Spec
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &template.ObjectMeta, spec))
	if !result.Allowed {
		t.Errorf("%s: the restricted standard forbids the pod: %s", file, result.ForbiddenDetail())
	}
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		t.Errorf("%s: the pod gets a token of the API", file)
	}
	container := spec.Containers[0]
	if security := container.SecurityContext; security.ReadOnlyRootFilesystem == nil || !*security.ReadOnlyRootFilesystem {
		t.Errorf("%s: the root can be written", file)
	}
	for _, resources := range []corev1.ResourceList{container.Resources.Requests, container.Resources.Limits} {
		if resources.Cpu().IsZero() || resources.Memory().IsZero() {
			t.Errorf("%s: resources %v", file, resources)
		}
	}
	deployed{file, container.Args, environment(t, spec)}.check(t)
}

// checkMigration checks the job that migrates, and returns the secret of its database.
func checkMigration(t *testing.T, file string, job *batchv1.Job) (secret string) {
	t.Helper()
	checkPod(t, file, &job.Spec.Template)
	return job.Spec.Template.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name
}

// checkServer checks the servers and the objects beside them.
func checkServer(t *testing.T, file string, all objects, name string) {
	t.Helper()
	deployment := get[*appsv1.Deployment](t, all, "Deployment/"+name)
	template := &deployment.Spec.Template
	checkPod(t, file, template)
	container, env := template.Spec.Containers[0], environment(t, &template.Spec)
	ports := map[string]string{}
	for _, port := range container.Ports {
		ports[port.Name] = fmt.Sprintf(":%d", port.ContainerPort)
	}
	if ports["http"] != env["LISTEN_ADDR"] || ports["metrics"] != env["METRICS_LISTEN_ADDR"] || len(ports) != 2 {
		t.Errorf("%s: ports %v, but the server listens on %s and %s", file, ports, env["LISTEN_ADDR"], env["METRICS_LISTEN_ADDR"])
	}
	for path, probe := range map[string]*corev1.Probe{"/healthz": container.LivenessProbe, "/readyz": container.ReadinessProbe} {
		if probe == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "http" {
			t.Errorf("%s: the probe %+v does not ask %s", file, probe, path)
		}
	}
	if start := container.StartupProbe; start.HTTPGet.Path != "/healthz" || start.PeriodSeconds*start.FailureThreshold < 60 {
		t.Errorf("%s: the start has less than DATABASE_WAIT", file)
	}
	drain, shutdown := duration(t, env["DRAIN_DELAY"]), duration(t, env["SHUTDOWN_TIMEOUT"])
	if grace := time.Duration(*template.Spec.TerminationGracePeriodSeconds) * time.Second; drain < 5*time.Second || grace <= drain+shutdown {
		t.Errorf("%s: the pod is killed after %s, with a drain delay of %s and a shutdown timeout of %s", file, grace, drain, shutdown)
	}
	checkMounts(t, file, &template.Spec, env)
	if template.Spec.ServiceAccountName != name || get[*corev1.ServiceAccount](t, all, "ServiceAccount/"+name).AutomountServiceAccountToken == nil {
		t.Errorf("%s: the service account %s", file, template.Spec.ServiceAccountName)
	}

	service := get[*corev1.Service](t, all, "Service/"+name)
	selects(t, file+": the service", labels.SelectorFromSet(service.Spec.Selector), template)
	for _, port := range service.Spec.Ports {
		if port.TargetPort.StrVal != "http" {
			t.Errorf("%s: the service publishes %s", file, port.TargetPort.String())
		}
	}
	selects(t, file+": the deployment", selector(t, deployment.Spec.Selector), template)
	selects(t, file+": the disruption budget", selector(t, get[*policyv1.PodDisruptionBudget](t, all, "PodDisruptionBudget/"+name).Spec.Selector), template)
	network := get[*networkingv1.NetworkPolicy](t, all, "NetworkPolicy/"+name)
	selects(t, file+": the network policy", selector(t, &network.Spec.PodSelector), template)
	for _, rule := range network.Spec.Ingress {
		if len(rule.From) == 0 || ports[rule.Ports[0].Port.StrVal] == "" {
			t.Errorf("%s: the network policy admits %+v", file, rule)
		}
	}
}

// checkMounts checks that each file of the settings is in a volume.
func checkMounts(t *testing.T, file string, spec *corev1.PodSpec, env map[string]string) {
	t.Helper()
	var directories []string
	for _, mount := range spec.Containers[0].VolumeMounts {
		if !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name }) || !mount.ReadOnly {
			t.Errorf("%s: the mount %+v", file, mount)
		}
		directories = append(directories, mount.MountPath)
	}
	for name, value := range env {
		if path.IsAbs(value) && !slices.Contains(directories, path.Dir(value)) {
			t.Errorf("%s: %s is %s, which no volume has", file, name, value)
		}
	}
	for _, volume := range spec.Volumes {
		if volume.Secret != nil && *volume.Secret.DefaultMode != 0o440 {
			t.Errorf("%s: the files of the secret have the mode %o", file, *volume.Secret.DefaultMode)
		}
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Error(err)
	}
	return d
}

func selector(t *testing.T, s *metav1.LabelSelector) labels.Selector {
	t.Helper()
	converted, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return converted
}

// selects checks that a selector selects the server's pods, and not those of the migration.
func selects(t *testing.T, what string, s labels.Selector, server *corev1.PodTemplateSpec) {
	t.Helper()
	migration := labels.Merge(server.Labels, labels.Set{"app.kubernetes.io/component": "migration"})
	if !s.Matches(labels.Set(server.Labels)) || s.Matches(migration) {
		t.Errorf("%s selects %s", what, s)
	}
}
