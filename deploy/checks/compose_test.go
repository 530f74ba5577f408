package checks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func TestComposeRunsTheProgramWithLeastRights(t *testing.T) {
	t.Parallel()
	directory, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: directory, ConfigFiles: types.ToConfigFiles([]string{filepath.Join(directory, "compose.yaml")}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"migrate", "server"} {
		service := project.Services[name]
		env := map[string]string{}
		for name, value := range service.Environment {
			env[name] = *value
		}
		deployed{"compose.yaml", service.Command, env}.check(t)
		checkSecrets(t, name, service, env)
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || !slices.Equal(service.SecurityOpt, []string{"no-new-privileges:true"}) {
			t.Errorf("%s: %+v", name, service)
		}
	}
	server := project.Services["server"]
	if port := server.Ports[0]; port.HostIP != "127.0.0.1" || ":"+port.Published != *server.Environment["LISTEN_ADDR"] || port.Target != 8080 {
		t.Errorf("the server publishes %+v", port)
	}
	if grace := time.Duration(*server.StopGracePeriod); grace <= duration(t, *server.Environment["SHUTDOWN_TIMEOUT"]) {
		t.Errorf("the server is killed after %s", grace)
	}
	if server.DependsOn["migrate"].Condition != types.ServiceConditionCompletedSuccessfully ||
		project.Services["migrate"].DependsOn["database"].Condition != types.ServiceConditionHealthy {
		t.Error("the server does not wait for the migration, or the migration not for the database")
	}

	database := project.Services["database"]
	env := map[string]string{}
	for name, value := range database.Environment {
		env[name] = *value
	}
	checkSecrets(t, "database", database, env)
	if database.HealthCheck == nil || len(database.Ports) != 0 {
		t.Errorf("the database: %+v", database)
	}
	for _, volume := range database.Volumes {
		if _, err := os.Stat(volume.Source); volume.Type == types.VolumeTypeBind && err != nil {
			t.Error(err)
		}
	}
}

// checkSecrets checks that the secrets of a service are the files that its settings name.
func checkSecrets(t *testing.T, name string, service types.ServiceConfig, env map[string]string) {
	t.Helper()
	var got, want []string
	for _, secret := range service.Secrets {
		got = append(got, "/run/secrets/"+secret.Source)
	}
	for _, value := range env {
		if strings.HasPrefix(value, "/run/secrets/") {
			want = append(want, value)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has the secrets %q and uses %q", name, got, want)
	}
}

func TestTheSecretsOfComposeAreCreatedOnce(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	script := filepath.Join(directory, "compose-secrets.sh")
	if err := os.WriteFile(script, []byte(read(t, "compose-secrets.sh")), 0o600); err != nil {
		t.Fatal(err)
	}
	var before map[string]string
	for range 2 {
		if out, err := exec.Command("sh", script).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		after := map[string]string{}
		entries, err := os.ReadDir(filepath.Join(directory, "secrets"))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			text, err := os.ReadFile(filepath.Join(directory, "secrets", entry.Name()))
			if err != nil || len(text) < 32 {
				t.Errorf("%s: %q, %v", entry.Name(), text, err)
			}
			after[entry.Name()] = string(text)
			if before != nil && before[entry.Name()] != string(text) {
				t.Errorf("%s was created again", entry.Name())
			}
			if !strings.Contains(read(t, "compose.yaml"), "file: secrets/"+entry.Name()+"\n") {
				t.Errorf("compose.yaml does not use %s", entry.Name())
			}
		}
		before = after
	}
	if want := "*:*:*:deployrecords_server:" + before["server-password"] + "\n"; before["server-pgpass"] != want {
		t.Errorf("the password file is %q", before["server-pgpass"])
	}
	info, err := os.Stat(filepath.Join(directory, "secrets"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info.Mode(), err)
	}
}
