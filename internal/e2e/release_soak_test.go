//go:build soak

package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// release builds the files of a release and returns their directory, and the lines of checksums.txt.
func release(t *testing.T) (dir, checksums string) {
	t.Helper()
	build := exec.CommandContext(t.Context(), "make", "release-snapshot")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return absolute(t, "bin/release"), read(t, "bin/release/checksums.txt")
}

// only returns the path of the only file that matches a pattern.
func only(t *testing.T, pattern ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(pattern...))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: got %v, %v", filepath.Join(pattern...), found, err)
	}
	return found[0]
}

// output returns what a program prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestReleaseIsReproducible(t *testing.T) {
	dir, first := release(t)
	t.Run("archives", func(t *testing.T) { testArchives(t, dir, first) })
	t.Run("deb", func(t *testing.T) { testDeb(t, dir) })
	t.Run("rpm", func(t *testing.T) { testRPM(t, dir) })
	t.Run("SBOM", func(t *testing.T) { testSBOM(t, dir) })
	if _, second := release(t); second != first {
		t.Errorf("a second build differs:\n%s\n%s", first, second)
	}
}

func testArchives(t *testing.T, dir, checksums string) {
	for _, platform := range []string{"linux_amd64.tar.gz", "linux_arm64.tar.gz", "darwin_amd64.tar.gz", "darwin_arm64.tar.gz", "windows_amd64.tar.gz", "windows_arm64.tar.gz"} {
		archive := only(t, dir, "deployrecords_*_"+platform)
		if !strings.Contains(checksums, "  "+filepath.Base(archive)+"\n") {
			t.Errorf("checksums.txt has no %s:\n%s", archive, checksums)
		}
	}
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--quiet", "checksums.txt")
	check.Dir = dir
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	files := strings.Fields(output(t, "tar", "-tzf", only(t, dir, "deployrecords_*_linux_amd64.tar.gz")))
	for _, name := range []string{"deployrecords", "LICENSE", "README.md", "CHANGELOG.md", "man/deployrecords.1", "man/deployrecords-token-check.1", "completions/deployrecords.zsh"} {
		if !slices.Contains(files, name) {
			t.Errorf("the archive has no %s: %v", name, files)
		}
	}
}

// installed are the files that both packages install.
var installed = []string{
	"/usr/bin/deployrecords",
	"/usr/share/man/man1/deployrecords.1.gz", "/usr/share/man/man1/deployrecords-serve.1.gz", "/usr/share/man/man1/deployrecords-token-check.1.gz",
	"/usr/share/bash-completion/completions/deployrecords", "/usr/share/fish/vendor_completions.d/deployrecords.fish",
	"/usr/share/doc/deployrecords/CHANGELOG.md",
}

// units are the files of systemd that the packages install.
func units(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob(absolute(t, "deploy/systemd/*.service"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		names = append(names, "/usr/lib/systemd/system/"+filepath.Base(file))
	}
	return names
}

func testDeb(t *testing.T, dir string) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("needs dpkg-deb")
	}
	for _, arch := range []string{"amd64", "arm64"} {
		deb, tree := only(t, dir, "deployrecords_*_"+arch+".deb"), t.TempDir()
		output(t, "dpkg-deb", "-x", deb, tree)
		for _, name := range slices.Concat(installed, units(t), []string{"/usr/share/zsh/vendor-completions/_deployrecords", "/usr/share/doc/deployrecords/copyright"}) {
			if info, err := os.Stat(filepath.Join(tree, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: no %s: %v", arch, name, err)
			}
		}
		if fields := output(t, "dpkg-deb", "-f", deb, "Package", "Architecture"); fields != "Package: deployrecords\nArchitecture: "+arch+"\n" {
			t.Errorf("got %s", fields)
		}
		if arch == "amd64" {
			if text := output(t, filepath.Join(tree, "usr/bin/deployrecords"), "version"); !strings.Contains(text, "-snapshot.") || strings.Contains(text, "commit unknown") {
				t.Errorf("got %s", text)
			}
		}
	}
}

func testRPM(t *testing.T, dir string) {
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip("needs rpm")
	}
	for _, arch := range []string{"x86_64", "aarch64"} {
		names := strings.Split(output(t, "rpm", "-qpl", "--nosignature", only(t, dir, "deployrecords-*."+arch+".rpm")), "\n")
		for _, name := range slices.Concat(installed, units(t), []string{"/usr/share/zsh/site-functions/_deployrecords", "/usr/share/licenses/deployrecords/LICENSE"}) {
			if !slices.Contains(names, name) {
				t.Errorf("%s: no %s: %v", arch, name, names)
			}
		}
	}
}

func testSBOM(t *testing.T, dir string) {
	var sbom struct {
		BOMFormat  string
		Metadata   struct{ Component struct{ Name string } }
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal([]byte(read(t, strings.TrimPrefix(only(t, dir, "deployrecords_*_linux_amd64.cdx.json"), absolute(t, ".")))), &sbom); err != nil {
		t.Fatal(err)
	}
	pgx := false
	for _, c := range sbom.Components {
		pgx = pgx || c.Name == "github.com/jackc/pgx/v5" && strings.Contains(read(t, "go.mod"), c.Name+" "+c.Version+"\n") && c.PURL != ""
	}
	if sbom.BOMFormat != "CycloneDX" || sbom.Metadata.Component.Name != "github.com/deployrecords/deployrecords" || !pgx {
		t.Errorf("got %+v", sbom)
	}
}
