package checks_test

import (
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// kustomize returns the objects of a kustomization.
func kustomize(t *testing.T, directory string) objects {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../"+directory)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, manifests)
}

func TestTheManifestsAgreeWithTheProgram(t *testing.T) {
	t.Parallel()
	server, migrate := kustomize(t, "kubernetes/server"), kustomize(t, "kubernetes/migrate")
	checkServer(t, "kubernetes/server", server, "deployrecords")
	job := get[*batchv1.Job](t, migrate, "Job/deployrecords-migrate")
	secrets := []string{checkMigration(t, "kubernetes/migrate", job)}

	spec := get[*appsv1.Deployment](t, server, "Deployment/deployrecords").Spec.Template.Spec
	for _, variable := range spec.Containers[0].Env {
		if variable.ValueFrom != nil {
			secrets = append(secrets, variable.ValueFrom.SecretKeyRef.Name)
		}
	}
	for _, volume := range spec.Volumes {
		secrets = append(secrets, volume.Secret.SecretName)
	}
	if spec.Containers[0].Image != job.Spec.Template.Spec.Containers[0].Image {
		t.Errorf("the server has the image %s, and the migration %s", spec.Containers[0].Image, job.Spec.Template.Spec.Containers[0].Image)
	}

	example := decode(t, []byte(read(t, "kubernetes/secrets.example.yaml")))
	for _, name := range secrets {
		secret := get[*corev1.Secret](t, example, "Secret/"+name)
		for key, value := range secret.StringData {
			if !strings.Contains(value, "CHANGE-ME") || secret.Namespace != "deployrecords" {
				t.Errorf("the example of %s has the value %s of %s", name, value, key)
			}
		}
	}
	if len(example) != len(secrets) {
		t.Errorf("%d secrets are used, and the example has %d", len(secrets), len(example))
	}

	namespace := get[*corev1.Namespace](t, decode(t, []byte(read(t, "kubernetes/namespace.yaml"))), "Namespace/deployrecords")
	if namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("the namespace has the labels %v", namespace.Labels)
	}
	monitor := get[*monitoringv1.PodMonitor](t, decode(t, []byte(read(t, "kubernetes/server/podmonitor.yaml"))), "PodMonitor/deployrecords")
	checkMonitor(t, monitor, &spec, server)
}

// checkMonitor checks that the monitor scrapes the servers, with the job that the alerts expect.
func checkMonitor(t *testing.T, monitor *monitoringv1.PodMonitor, spec *corev1.PodSpec, all objects) {
	t.Helper()
	template := &get[*appsv1.Deployment](t, all, "Deployment/"+monitor.Name).Spec.Template
	selects(t, "the monitor", selector(t, &monitor.Spec.Selector), template)
	endpoint := monitor.Spec.PodMetricsEndpoints[0]
	if !slices.ContainsFunc(spec.Containers[0].Ports, func(port corev1.ContainerPort) bool { return endpoint.Port != nil && port.Name == *endpoint.Port }) {
		t.Errorf("the monitor scrapes %+v", endpoint)
	}
	job := `job="` + template.Labels[monitor.Spec.JobLabel] + `"`
	if rules := read(t, "prometheus/rules.yaml"); !strings.Contains(rules, job) {
		t.Errorf("the alerts expect another job than %s", job)
	}
}
