package main

import (
	"archive/tar"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// container runs the image in an empty root that nobody can write.
type container struct {
	root, volume string
	config       v1.Config
}

// unpack builds the program and its image, and unpacks the file for docker load.
func unpack(t *testing.T) *container {
	t.Helper()
	if os.Geteuid() != 0 || exec.Command("unshare", "--mount", "true").Run() != nil {
		t.Skip("only root with the right to mount can run the image in an empty root")
	}
	directory := t.TempDir()
	binary := filepath.Join(directory, "deployrecords")
	const cli = "github.com/deployrecords/deployrecords/internal/cli"
	linked := fmt.Sprintf("-X %s.Version=%s -X %s.Commit=%s", cli, release.Version, cli, release.Commit)
	compile := exec.Command("go", "build", "-ldflags", linked, "-o", binary, "./cmd/deployrecords")
	compile.Dir, compile.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := run(release, directory, []string{runtime.GOARCH + "=" + binary}, io.Discard); err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(filepath.Join(directory, "image-"+runtime.GOARCH+".tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := &container{filepath.Join(directory, "root"), filepath.Join(directory, "volume"), file.Config}
	extract(t, image, c.root)
	// A new volume has the owner and the mode of the directory in the image.
	if err := errors.Join(os.Mkdir(c.volume, 0o700), os.Chown(c.volume, user, user)); err != nil {
		t.Fatal(err)
	}
	return c
}

func extract(t *testing.T, image v1.Image, root string) {
	t.Helper()
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	content := mutate.Extract(image)
	defer content.Close()
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path, mode := filepath.Join(root, header.Name), header.FileInfo().Mode().Perm()
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, mode)
		} else {
			var file []byte
			if file, err = io.ReadAll(reader); err == nil {
				err = os.WriteFile(path, file, mode)
			}
		}
		if err := errors.Join(err, os.Chown(path, header.Uid, header.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// command returns a command of the image, with settings in addition to those of the image.
func (c *container) command(t *testing.T, settings []string, args ...string) *exec.Cmd {
	t.Helper()
	const isolate = `mount --bind "$0" "$0" && mount --bind "$1" "$0/data" && mount -o remount,bind,ro "$0" || exit 125
root=$0
shift
exec unshare --root="$root" "$@"`
	line := []string{"--mount", "/bin/sh", "-c", isolate, c.root, c.volume, "--wd=" + c.config.WorkingDir}
	uid, gid, _ := strings.Cut(c.config.User, ":")
	line = append(line, "--setgid="+gid, "--setuid="+uid)
	cmd := exec.Command("unshare", slices.Concat(line, c.config.Entrypoint, args)...)
	cmd.Env = slices.Concat(c.config.Env, settings)
	return cmd
}

// mustRun returns the output of a command of the image.
func (c *container) mustRun(t *testing.T, stdin string, settings []string, args ...string) string {
	t.Helper()
	cmd := c.command(t, settings, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	return string(out)
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// serve starts the image's own command and returns its URL, its log and a function that stops it.
func (c *container) serve(t *testing.T, settings ...string) (url string, log *lockedBuffer, stop func()) {
	t.Helper()
	log = &lockedBuffer{}
	server := c.command(t, append(settings, "LISTEN_ADDR=127.0.0.1:0"), c.config.Cmd...)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill() })
	for deadline := time.Now().Add(30 * time.Second); listening.FindStringSubmatch(log.String()) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not listen:\n%s", log)
		}
	}
	return "http://" + listening.FindStringSubmatch(log.String())[1], log, func() {
		if err := errors.Join(server.Process.Signal(syscall.SIGTERM), server.Wait()); err != nil {
			t.Errorf("the server did not stop: %v\n%s", err, log)
		}
	}
}

// becomes waits until a path has the status.
func becomes(t *testing.T, address string, want int) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get(address)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == want {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v, %v instead of %d", address, response, err, want)
		}
	}
}

func TestTheImageRunsInAnEmptyRoot(t *testing.T) {
	t.Parallel()
	c := unpack(t)
	t.Run("it serves records of a volume", func(t *testing.T) { servesRecords(t, c) })
	t.Run("it trusts its authorities", func(t *testing.T) { trustsAuthorities(t, c) })
}

func servesRecords(t *testing.T, c *container) {
	if out := c.mustRun(t, "", nil, "--help"); !strings.HasPrefix(out, "Usage: deployrecords <command>") {
		t.Errorf("--help: %s", out)
	}
	labels := c.config.Labels
	want := fmt.Sprintf("deployrecords %s\ncommit %s\n", labels["org.opencontainers.image.version"], labels["org.opencontainers.image.revision"])
	if out := c.mustRun(t, "", nil, "--version"); !strings.HasPrefix(out, want) {
		t.Errorf("--version: %s\nwant %s", out, want)
	}
	key := []string{"JWT_HMAC_SECRET=a secret of the test of the image, long enough"}
	records := c.mustRun(t, "", nil, "demo", "--records", "20")
	if out := c.mustRun(t, records, nil, "import", "--organization", "demo", "-"); !strings.HasPrefix(out, "-: 20 added") && !strings.Contains(out, "\n-: 20 added") {
		t.Errorf("import: %s", out)
	}
	url, _, stop := c.serve(t, key...)
	becomes(t, url+"/healthz", http.StatusOK)
	becomes(t, url+"/readyz", http.StatusOK)
	token := strings.TrimSpace(c.mustRun(t, "", key, "token", "--organization", "demo"))
	listed := c.mustRun(t, "", []string{"DEPLOYRECORDS_TOKEN=" + token, "DEPLOYRECORDS_URL=" + url}, "list", "--full-history", "--all", "--output", "ndjson")
	if got := strings.Count(listed, "\n"); got != 20 {
		t.Errorf("the server lists %d records of 20", got)
	}
	stop()

	info, err := os.Stat(filepath.Join(c.volume, "deployrecords.db"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != user {
		t.Errorf("the user %d wrote the database", owner)
	}
	cmd := c.command(t, append(key, "DATABASE_URL=sqlite:///outside.db"), "serve")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "/outside.db") {
		t.Errorf("outside of the volume: %v\n%s", err, out)
	}
}

// A server reads the authorities of the image when it fetches keys by https.
func trustsAuthorities(t *testing.T, c *container) {
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := signing.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	issuer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"k","x":%q,"y":%q}]}`, encode(point[1:33]), encode(point[33:]))
	}))
	defer issuer.Close()

	url, log, stop := c.serve(t, "JWKS_URL="+issuer.URL)
	becomes(t, url+"/readyz", http.StatusServiceUnavailable)
	stop()
	if !strings.Contains(log.String(), "certificate signed by unknown authority") {
		t.Errorf("an unknown authority:\n%s", log)
	}

	file, err := os.OpenFile(filepath.Join(c.root, "etc/ssl/certs/ca-certificates.crt"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw}), file.Close()); err != nil {
		t.Fatal(err)
	}
	url, _, stop = c.serve(t, "JWKS_URL="+issuer.URL)
	becomes(t, url+"/readyz", http.StatusOK)
	stop()
}
