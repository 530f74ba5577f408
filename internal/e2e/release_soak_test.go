//go:build soak

package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// release clones a repository, whose files get the modes of a umask, and builds the files of a release. It returns the clone and
// the lines of checksums.txt.
func release(t *testing.T, repository, umask string) (clone, checksums string) {
	t.Helper()
	clone = filepath.Join(t.TempDir(), "clone")
	output(t, "sh", "-c", `umask "$0" && git clone --quiet "$1" "$2" && exec make -C "$2" release-snapshot`, umask, repository, clone)
	lines, err := os.ReadFile(filepath.Join(clone, "bin/release/checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return clone, string(lines)
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

// platforms are those that a release has archives and SBOMs for.
var platforms = []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64", "windows_arm64"}

func TestReleaseIsReproducible(t *testing.T) {
	clone, first := release(t, absolute(t, "."), "002")
	dir := filepath.Join(clone, "bin/release")
	t.Run("checksums", func(t *testing.T) { testChecksums(t, dir, first) })
	for _, platform := range platforms {
		t.Run(platform, func(t *testing.T) { testArchive(t, dir, platform) })
	}
	t.Run("deb", func(t *testing.T) { testDeb(t, dir) })
	t.Run("rpm", func(t *testing.T) { testRPM(t, dir) })
	if _, second := release(t, clone, "077"); second != first {
		t.Errorf("a second build differs:\n%s\n%s", first, second)
	}
}

func testChecksums(t *testing.T, dir, checksums string) {
	if want := len(platforms)*2 + 4; strings.Count(checksums, "\n") != want {
		t.Errorf("want an archive and an SBOM for each platform, and four packages:\n%s", checksums)
	}
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--quiet", "checksums.txt")
	check.Dir = dir
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func testArchive(t *testing.T, dir, platform string) {
	tree := t.TempDir()
	output(t, "tar", "-xzf", only(t, dir, "deployrecords_*_"+platform+".tar.gz"), "-C", tree)
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", "man/deployrecords.1.gz", "man/deployrecords-token-check.1.gz", "completions/deployrecords.zsh"} {
		if info, err := os.Stat(filepath.Join(tree, name)); err != nil || info.Size() == 0 {
			t.Errorf("no %s: %v", name, err)
		}
	}
	program := filepath.Join(tree, "deployrecords")
	goos, goarch, _ := strings.Cut(platform, "_")
	if goos == "windows" {
		program += ".exe"
	}
	modules := output(t, "go", "version", "-m", program)
	for _, want := range []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0", "-trimpath=true"} {
		if !strings.Contains(modules, "\tbuild\t"+want+"\n") {
			t.Errorf("the program is not built with %s:\n%s", want, modules)
		}
	}
	testSBOM(t, only(t, dir, "deployrecords_*_"+platform+".cdx.json"), modules)
}

// testSBOM compares the components of an SBOM with what the go command prints about the program.
func testSBOM(t *testing.T, path, modules string) {
	type component struct{ Name, Version, PURL string }
	var sbom struct {
		BOMFormat  string
		Metadata   struct{ Component component }
		Components []component
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, &sbom); err != nil {
		t.Fatal(err)
	}
	if main := sbom.Metadata.Component; sbom.BOMFormat != "CycloneDX" || main.Name != "github.com/deployrecords/deployrecords" || !strings.Contains(main.Version, "-snapshot.") {
		t.Errorf("a %s of %+v", sbom.BOMFormat, main)
	}
	_, release, _ := strings.Cut(strings.TrimSpace(strings.SplitN(modules, "\n", 2)[0]), ": ")
	want := []string{"std " + release}
	for line := range strings.Lines(modules) {
		if fields := strings.Fields(line); fields[0] == "dep" {
			want = append(want, fields[1]+" "+fields[2])
		}
	}
	var got []string
	for _, c := range sbom.Components {
		got = append(got, c.Name+" "+c.Version)
		if !strings.HasPrefix(c.PURL, "pkg:golang/") {
			t.Errorf("%s has the package URL %q", c.Name, c.PURL)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the SBOM has %q\nthe program has %q", got, want)
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
			if info, err := os.Stat(filepath.Join(tree, name)); err != nil || info.Size() == 0 || info.Mode().Perm()&0o022 != 0 {
				t.Errorf("%s: %s is %v: %v", arch, name, info, err)
			}
		}
		if fields := output(t, "dpkg-deb", "-f", deb, "Package", "Architecture"); fields != "Package: deployrecords\nArchitecture: "+arch+"\n" {
			t.Errorf("got %s", fields)
		}
	}
	t.Run("installed", func(t *testing.T) { testInstalledDeb(t, only(t, dir, "deployrecords_*_amd64.deb")) })
}

// testInstalledDeb installs the package into an empty system, runs its program, and removes the package.
func testInstalledDeb(t *testing.T, deb string) {
	if os.Geteuid() != 0 || runtime.GOARCH != "amd64" {
		t.Skip("needs root on amd64")
	}
	system := t.TempDir()
	for _, dir := range []string{"updates", "info", "parts"} {
		if err := os.MkdirAll(filepath.Join(system, "var/lib/dpkg", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(system, "var/lib/dpkg/status"), "")
	output(t, "dpkg", "--root="+system, "--install", deb)
	program := filepath.Join(system, "usr/bin/deployrecords")
	if text := output(t, program, "version"); !strings.Contains(text, "-snapshot.") || strings.Contains(text, "commit unknown") {
		t.Errorf("got %s", text)
	}
	output(t, "dpkg", "--root="+system, "--purge", "deployrecords")
	if _, err := os.Stat(program); !os.IsNotExist(err) {
		t.Errorf("the program is still there: %v", err)
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
