package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/deployrecords/deployrecords/generated/client"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// walk returns every record of a server, read with the generated client.
func walk(t *testing.T, url, bearer string, size int32, history bool) []client.DeploymentRecord {
	t.Helper()
	c, err := client.NewClientWithResponses(url, client.WithHTTPClient(checked(t)),
		client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+bearer)
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	var all []client.DeploymentRecord
	for page := int32(0); ; page++ {
		answer, err := c.ListDeploymentRecordsWithResponse(t.Context(), &client.ListDeploymentRecordsParams{Page: &page, PageSize: &size, FullHistory: &history})
		if err != nil {
			t.Fatal(err)
		}
		if answer.JSON200 == nil {
			t.Fatalf("page %d: %s %s", page, answer.Status(), answer.Body)
		}
		all = append(all, answer.JSON200.DeploymentRecords...)
		if page+1 >= answer.JSON200.Pagination.TotalPages {
			if len(all) != int(answer.JSON200.Pagination.TotalCount) {
				t.Errorf("walked %d records, total_count is %d", len(all), answer.JSON200.Pagination.TotalCount)
			}
			return all
		}
	}
}

func ndjson(t *testing.T, records []client.DeploymentRecord) []byte {
	t.Helper()
	var file bytes.Buffer
	encoder := json.NewEncoder(&file)
	for _, r := range records {
		if err := encoder.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

func TestI5_AnEmptyDatabaseImportsTheAPIsRecords(t *testing.T) {
	t.Parallel()
	demo := absolute(t, "testdata/demo.ndjson")
	lines, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			env := []string{"DATABASE_URL=" + engine.URL(t)}
			mustRun(t, env, "import", "--organization", "demo", demo)
			server := serve(t, env)
			bearer := token(t, "demo")
			history := walk(t, server.url, bearer, 37, true)
			if want := bytes.Count(lines, []byte("\n")); len(history) != want {
				t.Errorf("read %d records of %d", len(history), want)
			}
			latest := walk(t, server.url, bearer, 5, false)
			if len(latest) == 0 || len(latest) >= len(history) {
				t.Errorf("%d latest of %d", len(latest), len(history))
			}
			slots := map[[2]string]bool{}
			for _, r := range latest {
				slots[[2]string{r.EnvironmentId, r.DeploymentName}] = true
			}
			if len(slots) != len(latest) {
				t.Errorf("%d latest records of %d slots", len(latest), len(slots))
			}

			// Import into an empty database of the other engine, gzipped, from standard input.
			file := filepath.Join(t.TempDir(), "walk.ndjson")
			if err := os.WriteFile(file, gzipped(t, ndjson(t, history)), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, other := range storetest.Engines {
				env := []string{"DATABASE_URL=" + other.URL(t)}
				mustRun(t, env, "import", "--organization", "copy", file)
				if again := mustRun(t, env, "import", "--organization", "copy", file); !strings.Contains(again, fmt.Sprintf("0 added, 0 changed, %d unchanged", len(history))) {
					t.Errorf("the same file again: %s", again)
				}
				copied := serve(t, env)
				for _, all := range []bool{true, false} {
					got, want := walk(t, copied.url, token(t, "copy"), 100, all), walk(t, server.url, bearer, 100, all)
					if !bytes.Equal(ndjson(t, got), ndjson(t, want)) {
						t.Errorf("full_history=%v: the copy in %s has other pages", all, other.Name)
					}
				}
			}
		})
	}
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestImportOfStandardInputAndInvalidFiles(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "x.db")}
	line := `{"id":"00000001-0000-4000-8000-000000000000","environment_name":"eu","deployment_name":"api","status":"DEPLOYED","created_at":"2026-03-01T12:00:00Z","artifact":{"kind":"CONTAINER_IMAGE","digest":"` + storetest.Digest(1) + `"}}` + "\n"
	cmd := command(t, env, "import", "--organization", "acme", "-")
	cmd.Stdin = strings.NewReader(line)
	if out, err := cmd.Output(); err != nil || string(out) != "-: 1 added, 0 changed, 0 unchanged\n" {
		t.Errorf("got %s, %v", out, err)
	}

	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.ndjson", strings.Replace(line, "00000001", "00000002", 1))
	bad := write("bad.ndjson", strings.Replace(line, "00000001", "00000003", 1)+strings.Replace(line, "DEPLOYED", "RUNNING", 1))
	never := write("never.ndjson", strings.Replace(line, "00000001", "00000004", 1))
	stdout, stderr, code := run(t, env, "import", "--organization", "acme", good, bad, never)
	if code != 1 || stdout != good+": 1 added, 0 changed, 0 unchanged\n" {
		t.Errorf("exit code %d, standard output %s", code, stdout)
	}
	for _, want := range []string{bad + " has faults; nothing was loaded", "line 2: status: ", "RUNNING", "not read: " + never} {
		if !strings.Contains(stderr, want) {
			t.Errorf("standard error lacks %q:\n%s", want, stderr)
		}
	}
	server := serve(t, env)
	if got := walk(t, server.url, token(t, "acme"), 100, true); len(got) != 2 {
		t.Errorf("%d records", len(got))
	}
}

func TestSIGTERMFinishesRunningRequests(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	server := serve(t, []string{"DATABASE_URL=" + database})
	// A lock in the database delays the response until after the signal.
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "BEGIN; LOCK TABLE current_slots IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan []client.DeploymentRecord)
	go func() { answered <- walk(t, server.url, token(t, "acme"), 10, false) }()
	waitFor(t, "the question waits for the lock", func() bool {
		var waiting int
		err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'current_slots'::regclass").Scan(&waiting)
		return err == nil && waiting > 0
	})
	if err := server.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the server stops", func() bool { return strings.Contains(server.log.String(), "stopping") })
	waitFor(t, "it takes no more connections", func() bool {
		_, err := net.Dial("tcp", strings.TrimPrefix(server.url, "http://"))
		return err != nil
	})
	if _, err := conn.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if records := <-answered; len(records) != 0 {
		t.Errorf("got %v", records)
	}
	if err := server.cmd.Wait(); err != nil || !strings.Contains(server.log.String(), "msg=stopped") {
		t.Errorf("%v\n%s", err, server.log)
	}
}

// waitFor fails the test unless the condition becomes true in time.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}

func TestADatabaseThatIsDownAtStart(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	cluster.Stop()
	env := []string{"DATABASE_URL=" + cluster.URL()}
	_, stderr, code := run(t, append(env, "DATABASE_WAIT=300ms"), "serve")
	if code != 1 || !strings.Contains(stderr, "gave up on the database") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	server := start(t, env)
	waitFor(t, "the server waits", func() bool { return strings.Contains(server.log.String(), "the database is unreachable") })
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	server.waitReady(t)
	if code := server.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The lines that make run prints for another terminal.
var pasted = regexp.MustCompile(`(?m)^(  export TOKEN=(\S+)\n  DEPLOYRECORDS_TOKEN=\$TOKEN bin/deployrecords list .*\n)  curl -s -H "Authorization: Bearer \$TOKEN" '([^']+)'$`)

func TestMakeRunPrintsARequestThatWorks(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	// A clone whose binary is already built.
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"bin/deployrecords": path, "testdata": absolute(t, "testdata"), "scripts": absolute(t, "scripts")} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()

	for range 2 { // the second time on the database and with the secret of the first
		cmd := exec.Command("sh", "scripts/run-demo.sh")
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LISTEN_ADDR=" + address}
		log := &lockedBuffer{}
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the lines to paste", func() bool { return pasted.MatchString(log.String()) })
		printed := pasted.FindStringSubmatch(log.String())
		if before, _, _ := strings.Cut(log.String(), printed[0]); !strings.Contains(before, "msg=listening") {
			t.Errorf("the lines are printed before the server listens: %s", log)
		}
		list := exec.Command("sh", "-euc", printed[1])
		list.Dir = dir
		if out, err := list.CombinedOutput(); err != nil || bytes.Count(out, []byte("\n")) != 5 { // header, records, "3 of 55"
			t.Errorf("%s\n%v\n%s", printed[1], err, out)
		}
		request, err := http.NewRequest(http.MethodGet, printed[3], nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+printed[2])
		response, err := checked(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != http.StatusOK || bytes.Count(body, []byte(`"artifact_id"`)) != 3 {
			t.Errorf("%d %s", response.StatusCode, body)
		}
		other := exec.Command("sh", "scripts/run-demo.sh")
		other.Dir, other.Env = dir, cmd.Env
		if out, err := other.CombinedOutput(); err == nil || bytes.Contains(out, []byte("TOKEN")) || !bytes.Contains(out, []byte("set LISTEN_ADDR")) {
			t.Errorf("with the address in use: %v\n%s", err, out)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// The README's responses are those of the demo.
func TestTheREADMEsResponsesAreTheDemos(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "x.db")}
	mustRun(t, env, "import", "--organization", "demo", absolute(t, "testdata/demo.ndjson"))
	server := serve(t, env)
	ask := func(query string) (list client.DeploymentRecordList) {
		request, err := http.NewRequest(http.MethodGet, server.url+"/v1/deployments?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token(t, "demo"))
		response, err := checked(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	readme, err := os.ReadFile(absolute(t, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "| jq\n")
	block, _, _ = strings.Cut(block, "```")
	var printed client.DeploymentRecordList
	if err := json.Unmarshal([]byte(block), &printed); err != nil {
		t.Fatalf("%v in %s", err, block)
	}
	got := ask("environment_name=edge-store-117&pagination.page_size=1")
	if !bytes.Equal(ndjson(t, got.DeploymentRecords), ndjson(t, printed.DeploymentRecords)) || got.Pagination != printed.Pagination {
		t.Errorf("got %s, the README prints %s", ndjson(t, got.DeploymentRecords), block)
	}
	for _, r := range ask("environment_name=edge-store-117&deployment_name=till-sync&full_history=true").DeploymentRecords {
		line := fmt.Sprintf("%s\t%s\t%s\n", r.CreatedAt.Format(time.RFC3339Nano), r.Artifact.Version, r.Status)
		if !strings.Contains(string(readme), line) {
			t.Errorf("the README does not print %q", line)
		}
	}
}
