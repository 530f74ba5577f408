package specupdate

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFetchReadsFilesAndHTTPSOnly(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "plain") }))
	defer plain.Close()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			_, _ = io.WriteString(w, "secure")
		case "/moved":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, plain.URL, http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, maxDocument+1))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "openapi.yaml")
	large := filepath.Join(dir, "large.yaml")
	pipe := filepath.Join(dir, "pipe")
	for _, err := range []error{os.WriteFile(file, []byte("file"), 0o600), os.WriteFile(large, make([]byte, maxDocument+1), 0o600), syscall.Mkfifo(pipe, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for from, want := range map[string]string{
		file:                                 "file",
		server.URL + "/ok":                   "secure",
		server.URL + "/moved":                "secure",
		server.URL + "/plain":                "error: a redirect to http://",
		server.URL + "/loop":                 "error: a redirect to https://",
		server.URL + "/large":                "error: larger than 16 MiB",
		server.URL + "/none":                 "error: 404 Not Found",
		plain.URL:                            "error: only https URLs and paths are read",
		"http://user:secret@example.com/a":   "error: http://user:xxxxx@example.com/a: only https",
		"file:///etc/hostname":               "error: only https URLs and paths are read",
		"https://":                           "error: only https URLs and paths are read",
		"https://user:secret@ex ample.com/a": "error: the URL cannot be parsed",
		large:                                "error: larger than 16 MiB",
		dir:                                  "error: is not a regular file",
		pipe:                                 "error: is not a regular file",
		filepath.Join(dir, "nothing"):        "error: no such file",
	} {
		text, err := fetch(context.Background(), server.Client().Transport, from)
		if wantErr, isErr := strings.CutPrefix(want, "error: "); isErr {
			if err == nil || !strings.Contains(err.Error(), wantErr) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: got %q, %v", from, text, err)
			}
			continue
		}
		if err != nil || string(text) != want {
			t.Errorf("%s: got %q, %v", from, text, err)
		}
	}
}
