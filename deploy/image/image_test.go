package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

var release = Release{Version: "v1.2.3", Commit: "0123abcd", Created: time.Unix(1790000000, 0).UTC()}

// files returns every file of a directory by its path.
func files(t *testing.T, directory string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(directory, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(directory, path)
		found[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheSameBinariesMakeTheSameFiles(t *testing.T) {
	t.Parallel()
	arguments := programs(t)
	var built []map[string]string
	for range 2 {
		directory := t.TempDir()
		if err := run(release, directory, arguments, io.Discard); err != nil {
			t.Fatal(err)
		}
		built = append(built, files(t, directory))
	}
	if len(built[0]) < 8 || len(built[0]) != len(built[1]) {
		t.Errorf("got %d and %d files", len(built[0]), len(built[1]))
	}
	for name, content := range built[0] {
		if built[1][name] != content {
			t.Errorf("%s differs", name)
		}
	}

	if err := run(release, t.TempDir(), nil, io.Discard); err == nil {
		t.Error("there is an image without binaries")
	}
	for _, wrong := range []string{"amd64", "amd64=" + filepath.Join(t.TempDir(), "missing")} {
		if err := run(release, t.TempDir(), []string{wrong}, io.Discard); err == nil {
			t.Errorf("%s is accepted", wrong)
		}
	}
}

func TestTheLayoutAndTheTarballsAreValid(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	if err := run(release, directory, programs(t), io.Discard); err != nil {
		t.Fatal(err)
	}
	root, err := layout.ImageIndexFromPath(filepath.Join(directory, "image"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(root); err != nil {
		t.Error(err)
	}
	manifest, err := root.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 || manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "v1.2.3" {
		t.Fatalf("the layout has %+v, %v", manifest, err)
	}
	index, err := root.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err = index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, descriptor := range manifest.Manifests {
		platforms = append(platforms, descriptor.Platform.String())
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := tarball.ImageFromPath(filepath.Join(directory, "image-"+descriptor.Platform.Architecture+".tar"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(loaded); err != nil {
			t.Error(err)
		}
		want, _ := image.ConfigName()
		if got, err := loaded.ConfigName(); err != nil || got != want {
			t.Errorf("the tarball has the image %s instead of %s: %v", got, want, err)
		}
	}
	if !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("the platforms are %v", platforms)
	}
}

// build returns an image of this machine's architecture.
func build(t *testing.T, architecture string, program []byte) v1.Image {
	t.Helper()
	image, err := Build(release, architecture, program)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestTheImageHasTheProgramAuthoritiesAndADirectoryForData(t *testing.T) {
	t.Parallel()
	content := mutate.Extract(build(t, "amd64", []byte("a program")))
	defer content.Close()
	got := map[string]tar.Header{}
	var authorities []byte
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.Equal(release.Created) {
			t.Errorf("%s has the time %s", header.Name, header.ModTime)
		}
		got[strings.TrimSuffix(header.Name, "/")] = *header
		if header.Name == "etc/ssl/certs/ca-certificates.crt" {
			if authorities, err = io.ReadAll(reader); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, want := range map[string]struct {
		mode  int64
		owner int
	}{
		"usr/bin/deployrecords":             {0o755, 0},
		"etc/ssl/certs/ca-certificates.crt": {0o644, 0},
		"etc":                               {0o755, 0},
		"data":                              {0o700, 65532},
	} {
		if header, found := got[name]; !found || header.Mode != want.mode || header.Uid != want.owner || header.Gid != want.owner {
			t.Errorf("%s: %+v", name, header)
		}
	}

	names := map[string]bool{}
	for block, rest := pem.Decode(authorities); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		names[certificate.Subject.CommonName] = true
	}
	for _, name := range []string{"ISRG Root X1", "DigiCert Global Root G2", "GTS Root R1", "Amazon Root CA 1"} {
		if !names[name] {
			t.Errorf("there is no authority %s among %d", name, len(names))
		}
	}
	if !x509.NewCertPool().AppendCertsFromPEM(bytes.TrimSpace(authorities)) {
		t.Error("the authorities are not PEM")
	}
}
