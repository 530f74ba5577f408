package e2e_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contract"
)

// memoryServer is a server with --memory, as a script sees it.
type memoryServer struct {
	*process
	token  string
	client *http.Client
}

// serveMemory starts a server in a read-only directory and reads its output. Its environment has no database and no key.
// Temporary files, if any, would be in scratch.
func serveMemory(t *testing.T, client *http.Client, scratch string, args ...string) *memoryServer {
	t.Helper()
	cmd := command(t, []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/nothing", "JWT_HMAC_SECRET=", "TMPDIR=" + scratch, "SQLITE_TMPDIR=" + scratch},
		append([]string{"serve", "--memory", "--listen", "127.0.0.1:0"}, args...)...)
	if err := os.Chmod(cmd.Dir, 0o500); err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	lines := bufio.NewReader(stdout)
	read := func(name string) string {
		line, err := lines.ReadString('\n')
		value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+"=")
		if err != nil || !ok || value == "" {
			t.Fatalf("got %q, %v\n%s", line, err, log)
		}
		return value
	}
	s := &memoryServer{client: client, process: &process{cmd: cmd, url: read("DEPLOYRECORDS_URL"), log: log}}
	s.token = read("DEPLOYRECORDS_TOKEN")
	return s
}

// ask returns the response's body and the headers that depend on the server's clock.
func (s *memoryServer) ask(t *testing.T, method, path, body string) (answer []byte, date string) {
	t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s, %v", method, path, response.Status, answer, err)
	}
	return answer, response.Header.Get("Date")
}

const deploymentOfTheAPI = `{"environment_name":"prod-eu","deployment_name":"api","kind":"CONTAINER_IMAGE",
"artifact_digest":"sha256:6d474119abde5f03938587461518da550292aae2e86c60b840cfff878981f0c8"}`

func TestMemoryServersAnswerAlikeAndAreIndependent(t *testing.T) {
	demo := absolute(t, "testdata/demo.ndjson")
	scratch, client := t.TempDir(), checked(t)
	var servers []*memoryServer
	for range 10 { // concurrently
		servers = append(servers, serveMemory(t, client, scratch, "--load", demo, "--now", "2030-01-01T01:00:00.5+01:00"))
	}
	var first []byte
	for i, server := range servers {
		answers, date := server.ask(t, http.MethodPost, contract.RecordingPath, deploymentOfTheAPI)
		if !bytes.Contains(answers, []byte(`"created_at":"2030-01-01T00:00:00.5Z"`)) || date != "Tue, 01 Jan 2030 00:00:00 GMT" {
			t.Errorf("recorded %s, dated %s", answers, date)
		}
		for _, query := range []string{"", "?full_history=true&pagination.page=3", "?environment_name=prod-eu&pagination.page_size=3"} {
			page, _ := server.ask(t, http.MethodGet, "/v1/deployments"+query, "")
			answers = append(answers, page...)
		}
		if i == 0 {
			first = answers
		}
		if !bytes.Equal(answers, first) {
			t.Errorf("server %d answered %s, the first %s", i, answers, first)
		}
	}
	for _, server := range servers {
		if code := server.stop(t); code != 0 {
			t.Errorf("exit code %d\n%s", code, server.log)
		}
		if strings.Contains(server.log.String(), server.token) {
			t.Error("the token is logged")
		}
		if left, err := os.ReadDir(server.cmd.Dir); err != nil || len(left) > 0 {
			t.Errorf("it left %v behind, %v", left, err)
		}
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("they left %v behind, %v", left, err)
	}
}

func TestAMemoryServerWithAnInvalidFileDoesNotStart(t *testing.T) {
	lines, err := os.ReadFile(absolute(t, "testdata/demo.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	eight := bytes.SplitAfterN(lines, []byte("\n"), 9)[:8]
	eight[6] = bytes.Replace(eight[6], []byte(`"environment_name":`), []byte(`"environment":`), 1)
	file := filepath.Join(t.TempDir(), "records.ndjson")
	if err := os.WriteFile(file, bytes.Join(eight, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := run(t, nil, "serve", "--memory", "--load", file, "--listen", "127.0.0.1:0", "--log-level", "error")
	want := "deployrecords: --load " + file + " has faults:\n  line 7: environment: is not a known field\n  line 7: environment_name: is missing\n"
	if code != 1 || stdout != "" || stderr != want {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
}
