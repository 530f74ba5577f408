package e2e_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// newReleases serves a release whose program is a script that calls the built program.
func newReleases(t *testing.T) (url, digest string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	program := "#!/bin/sh\nexec '" + path + `' "$@"` + "\n"
	var archive bytes.Buffer
	zipped := gzip.NewWriter(&archive)
	files := tar.NewWriter(zipped)
	if err := files.WriteHeader(&tar.Header{Name: "deployrecords", Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	_, _ = files.Write([]byte(program))
	_, _ = files.Close(), zipped.Close()
	digest = fmt.Sprintf("%x", sha256.Sum256(archive.Bytes()))
	const name = "deployrecords_1.2.3_linux_amd64.tar.gz"
	routes := http.NewServeMux()
	serve := func(path, text string) {
		routes.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	}
	for _, release := range []string{"/latest/download/", "/download/v1.2.3/"} {
		serve(release+"checksums.txt", strings.Repeat("0", 64)+"  deployrecords_1.2.3_linux_arm64.tar.gz\n"+digest+"  "+name+"\n")
		serve(release+name, archive.String())
	}
	serve("/download/v5.5.5/checksums.txt", strings.Repeat("0", 64)+"  deployrecords_1.2.3_plan9_amd64.tar.gz\n")
	serve("/download/v6.6.6/checksums.txt", strings.Repeat("0", 64)+"  "+name+"\n")
	serve("/download/v6.6.6/"+name, archive.String())
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	return server.URL, digest
}

func TestTheActionVerifiesWhatItDownloads(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	job, with, _ := newGitHubJob(t)
	releases, digest := newReleases(t)
	for _, c := range []struct {
		release, digest string
		code            int
		want            string
	}{
		{"latest", "", 0, `"status":"DEPLOYED"`},
		{"v1.2.3", digest, 0, `"status":"DEPLOYED"`},
		{"v1.2.3", strings.Repeat("1", 64), 1, "instead of " + strings.Repeat("1", 64)},
		{"v5.5.5", "", 1, "checksums.txt of the release has no archive for linux and amd64"},
		{"v6.6.6", "", 1, "instead of " + strings.Repeat("0", 64)},
		{"v9.9.9", "", 22, "404"},
	} {
		t.Run(c.release, func(t *testing.T) {
			t.Parallel()
			inputs := with("binary", "", "environment", "e", "deployment", "d", "image", "web@"+actionDigest, "download-url", releases, "release", c.release, "sha256", c.digest)
			if out, _, code := a.run(t, inputs, job...); code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d\n%s", code, out)
			}
		})
	}
}

func TestTheGitLabIncludeVerifiesWhatItDownloads(t *testing.T) {
	t.Parallel()
	var include map[string]struct {
		Variables    map[string]string
		IDTokens     map[string]struct{ Aud string } `yaml:"id_tokens"`
		BeforeScript []string                        `yaml:"before_script"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/gitlab/deployrecords.gitlab-ci.yml")), &include); err != nil {
		t.Fatal(err)
	}
	job := include[".deployrecords"]
	if job.IDTokens["DEPLOYRECORDS_TOKEN"].Aud != "$DEPLOYRECORDS_URL" || len(job.BeforeScript) != 1 {
		t.Fatalf("got %+v", job)
	}
	releases, digest := newReleases(t)
	const installed = "contract sha256:"
	for _, c := range []struct{ release, digest, want string }{
		{"latest", "", installed},
		{"v1.2.3", digest, installed},
		{"v1.2.3", strings.Repeat("1", 64), "FAILED"},
		{"v5.5.5", "", "checksums.txt of the release has no archive for linux_amd64"},
		{"v6.6.6", "", "FAILED"},
		{"v9.9.9", "", "404"},
	} {
		for _, shell := range []string{"sh -e", "bash -eo pipefail"} {
			cmd := exec.CommandContext(t.Context(), strings.Fields(shell)[0], append(strings.Fields(shell)[1:], "-c", job.BeforeScript[0]+"\ndeployrecords version")...)
			cmd.Dir = t.TempDir()
			cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
			for name, value := range job.Variables {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			cmd.Env = append(cmd.Env, "DEPLOYRECORDS_DOWNLOAD_URL="+releases, "DEPLOYRECORDS_RELEASE="+c.release, "DEPLOYRECORDS_SHA256="+c.digest)
			out, err := cmd.CombinedOutput()
			if (err == nil) != (c.want == installed) || !strings.Contains(string(out), c.want) {
				t.Errorf("%s %s: %v\n%s", shell, c.release, err, out)
			}
		}
	}
}
