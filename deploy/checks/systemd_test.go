package checks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unit returns the value of each setting of the unit; the last one counts. It returns Environment as it is.
func unit(t *testing.T) (values map[string]string, env map[string]string) {
	t.Helper()
	values, env = map[string]string{}, map[string]string{}
	for line := range strings.Lines(read(t, "systemd/deployrecords.service")) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found || strings.HasPrefix(name, "#") {
			continue
		}
		values[name] = value
		if name == "Environment" {
			variable, value, _ := strings.Cut(value, "=")
			env[variable] = value
		}
	}
	return values, env
}

func TestTheUnitAgreesWithTheProgram(t *testing.T) {
	t.Parallel()
	values, env := unit(t)
	args := strings.Fields(values["ExecStart"])
	deployed{"deployrecords.service", args[1:], env}.check(t)
	credential, _, _ := strings.Cut(values["LoadCredential"], ":")
	if env["JWT_HMAC_SECRET_FILE"] != "%d/"+credential {
		t.Errorf("the credential %s is not %s", credential, env["JWT_HMAC_SECRET_FILE"])
	}
	if want := "sqlite:///var/lib/" + values["StateDirectory"] + "/deployrecords.db"; env["DATABASE_URL"] != want {
		t.Errorf("the database is %s, and the directory %s", env["DATABASE_URL"], values["StateDirectory"])
	}
	// Settings that are invalid end the program with 2, and a restart does not help.
	if _, code := run(t, []string{"DRAIN_DELAY=soon"}, "serve"); values["RestartPreventExitStatus"] != "2" || code != 2 {
		t.Errorf("invalid settings exit with %d", code)
	}
}

// analyze runs systemd-analyze, or skips the test without it.
func analyze(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed (Debian's package systemd)")
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestTheUnitIsValidAndHardened(t *testing.T) {
	t.Parallel()
	// Only a unit whose program and targets exist is valid.
	machine := t.TempDir()
	for _, file := range []struct {
		name, content string
		mode          os.FileMode
	}{
		{"etc/systemd/system/deployrecords.service", read(t, "systemd/deployrecords.service"), 0o644},
		{"etc/systemd/system/sysinit.target", "[Unit]\nDescription=What every service needs\n", 0o644},
		{"usr/bin/deployrecords", "#!/bin/sh\n", 0o755},
	} {
		path := filepath.Join(machine, file.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file.content), file.mode); err != nil {
			t.Fatal(err)
		}
	}
	if out := analyze(t, "--root="+machine, "verify", "deployrecords.service"); out != "" {
		t.Errorf("systemd-analyze verify:\n%s", out)
	}
	// The exposure is at most 2.0 of 10; a unit without hardening has 9.6.
	analyze(t, "security", "--offline=true", "--threshold=20", filepath.Join(machine, "etc/systemd/system/deployrecords.service"))
}
