//go:build soak

package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// A module proxy has the commit of this clone as the latest version. The go command then installs it as a user does, who has
// no other module of it.
func TestGoInstallBuildsTheLatestVersion(t *testing.T) {
	version := module.Version{Path: "github.com/deployrecords/deployrecords", Version: "v1.98.7"}
	proxy := t.TempDir()
	dir := filepath.Join(proxy, version.Path, "@v")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	info, err := json.Marshal(map[string]any{"Version": version.Version, "Time": time.Now().UTC()})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"list": version.Version + "\n", version.Version + ".info": string(info), version.Version + ".mod": read(t, "go.mod")} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	archive, err := os.Create(filepath.Join(dir, version.Version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	tree := t.TempDir()
	export := exec.CommandContext(t.Context(), "sh", "-c", `git archive HEAD | tar -x -C "$0"`, tree)
	export.Dir = root
	if out, err := export.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := zip.CreateFromDir(archive, version, tree); err != nil {
		t.Fatal(err)
	}
	modules, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	bin, cache := t.TempDir(), t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", version.Path+"/cmd/deployrecords@latest")
	install.Dir = t.TempDir()
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOMODCACHE="+cache, "GOFLAGS=-modcacherw -trimpath", "CGO_ENABLED=0", "GOSUMDB=off",
		"GOPROXY=file://"+proxy+",file://"+filepath.Join(strings.TrimSpace(string(modules)), "cache", "download"))
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "deployrecords"), "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "deployrecords v1.98.7\n") {
		t.Errorf("%v: %s", err, out)
	}
}
