package e2e_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/storetest"
)

var listeningForMetrics = regexp.MustCompile(`msg="listening for metrics" address=(\S+)`)

// fetch returns the status and the body of a page.
func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// operatorURL returns the address of the server's listener for metrics.
func (p *process) operatorURL(t *testing.T) string {
	t.Helper()
	found := listeningForMetrics.FindStringSubmatch(p.log.String())
	if found == nil {
		t.Fatalf("no metrics:\n%s", p.log)
	}
	return "http://" + found[1]
}

func TestMetricsAndProfilesHaveTheirOwnAddress(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		env := []string{"DATABASE_URL=" + url, "METRICS_LISTEN_ADDR=127.0.0.1:0"}
		server := serve(t, env)
		operators := server.operatorURL(t)
		if status, body := fetch(t, operators+"/metrics"); status != http.StatusOK || !strings.Contains(body, `deployrecords_http_requests_total{code="200",method="GET",route="/readyz"}`) {
			t.Errorf("/metrics: %d\n%s", status, body)
		}
		waitFor(t, "compaction", func() bool {
			_, body := fetch(t, operators+"/metrics")
			return !strings.Contains(body, "deployrecords_compaction_last_success_timestamp_seconds 0\n")
		})
		for _, url := range []string{server.url + "/metrics", server.url + "/debug/pprof/", operators + "/debug/pprof/", operators + "/v1/deployments"} {
			if status, _ := fetch(t, url); status != http.StatusNotFound {
				t.Errorf("%s: %d", url, status)
			}
		}
		profiled := serve(t, env, "--profiles").operatorURL(t)
		for path, want := range map[string]int{"/debug/pprof/goroutine": 200, "/debug/pprof/heap": 200, "/debug/pprof/trace?seconds=0.01": 200, "/debug/pprof/cmdline": 404} {
			if status, body := fetch(t, profiled+path); status != want || want == 200 && body == "" {
				t.Errorf("%s: %d", path, status)
			}
		}
		if code := server.stop(t); code != 0 {
			t.Errorf("exit code %d:\n%s", code, server.log)
		}
	})
}

func TestTheAddressForMetricsIsNamedIfItIsInUse(t *testing.T) {
	t.Parallel()
	server := serve(t, []string{"DATABASE_URL=" + storetest.Engines[1].Migrated(t)})
	_, stderr, code := run(t, nil, "serve", "--memory", "--listen", "127.0.0.1:0", "--metrics-listen", strings.TrimPrefix(server.url, "http://"))
	if code != 1 || !strings.Contains(stderr, "address already in use; set METRICS_LISTEN_ADDR or --metrics-listen to another address") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestAnImportWritesItsMetricsAfterASuccessOnly(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + storetest.Engines[1].Migrated(t)}
	file, faulty := filepath.Join(t.TempDir(), "import.prom"), filepath.Join(t.TempDir(), "faulty.ndjson")
	if err := os.WriteFile(faulty, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func() string { text, _ := os.ReadFile(file); return string(text) }
	if _, _, code := run(t, env, "import", "--organization", "demo", "--metrics-file", file, faulty); code != 1 || read() != "" {
		t.Errorf("exit code %d, metrics %q", code, read())
	}
	demo := absolute(t, "testdata/demo.ndjson")
	mustRun(t, env, "import", "--organization", "demo", "--metrics-file", file, demo, demo)
	for _, want := range []string{
		`deployrecords_import_records{result="added"} 400`, `deployrecords_import_records{result="unchanged"} 400`,
		"deployrecords_import_duration_seconds ", "deployrecords_import_last_success_timestamp_seconds 1.",
	} {
		if !strings.Contains(read(), "\n"+want) {
			t.Errorf("no %s:\n%s", want, read())
		}
	}
	if _, stderr, code := run(t, env, "import", "--organization", "demo", "--metrics-file", "/does/not/exist.prom", demo); code != 1 || !strings.Contains(stderr, "the files were loaded, and --metrics-file could not be written") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
