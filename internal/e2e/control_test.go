package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/generated/client"
	control "github.com/deployrecords/deployrecords/generated/control/client"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

var printed = regexp.MustCompile(`(?m)^(DEPLOYRECORDS_\w+)=(\S+)$`)

// controlled is a server in memory with its control API.
type controlled struct {
	*process
	token string
	// api checks each response against the control document.
	api *control.ClientWithResponses
}

// serveControlled starts a server in memory with a control API.
func serveControlled(t *testing.T, args ...string) *controlled {
	t.Helper()
	p := serve(t, nil, append([]string{"--memory", "--control", "127.0.0.1:0"}, args...)...)
	values := map[string]string{}
	waitFor(t, "the server prints three lines", func() bool {
		for _, line := range printed.FindAllStringSubmatch(p.log.String(), -1) {
			values[line[1]] = line[2]
		}
		return len(values) == 3
	})
	if values["DEPLOYRECORDS_URL"] != p.url {
		t.Errorf("it printed %v and listens at %s", values, p.url)
	}
	api, err := control.NewClientWithResponses(values["DEPLOYRECORDS_CONTROL_URL"], control.WithHTTPClient(contracttest.ClientOf(t, contract.ControlOpenAPI())))
	if err != nil {
		t.Fatal(err)
	}
	return &controlled{p, values["DEPLOYRECORDS_TOKEN"], api}
}

// create creates a sandbox with the records of the documents.
func (c *controlled) create(t *testing.T) *control.Sandbox {
	t.Helper()
	now := time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)
	response, err := c.api.CreateSandboxWithBodyWithResponse(t.Context(), &control.CreateSandboxParams{Now: &now},
		"application/x-ndjson", strings.NewReader(read(t, "deployrecordstest/testdata/records.ndjson")))
	if err != nil || response.JSON200 == nil {
		t.Fatalf("%v, %+v", err, response)
	}
	return response.JSON200
}

// exchange sends a request without checks and returns the body.
func exchange(t *testing.T, method, url, bearer, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Errorf("%s %s: %v", method, url, err)
		return ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %s %s, %v", method, url, response.Status, text, err)
	}
	return string(text)
}

func TestFiftyTestsUseTwoHundredSandboxesAtOnce(t *testing.T) {
	c := serveControlled(t, "--log-level", "info")
	boxes := make([]*control.Sandbox, 200)
	var creating sync.WaitGroup
	for worker := range 8 {
		creating.Go(func() {
			for i := worker; i < len(boxes); i += 8 {
				boxes[i] = c.create(t)
			}
		})
	}
	creating.Wait()
	const body = `{"environment_name":"new","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":"sha256:6d474119abde5f03938587461518da550292aae2e86c60b840cfff878981f0c8"}`
	answers := make([]string, 50)
	var testing sync.WaitGroup
	for i := range answers {
		testing.Go(func() {
			box := boxes[4*i]
			answers[i] = exchange(t, http.MethodPost, box.Url+contract.RecordingPath, box.Token, body)
			answers[i] += exchange(t, http.MethodGet, box.Url+"/v1/deployments", box.Token, "")
		})
	}
	testing.Wait()
	if !strings.Contains(answers[0], `"created_at":"2026-11-01T09:30:00Z"`) || !strings.Contains(answers[0], `"total_count":5`) {
		t.Errorf("got %s", answers[0])
	}
	for i, answer := range answers {
		if answer != answers[0] {
			t.Errorf("test %d: got\n%s\nand test 0\n%s", i, answer, answers[0])
		}
	}
	for i, box := range boxes {
		want := `"total_count":4`
		if i%4 == 0 {
			want = `"total_count":5`
		}
		if list := exchange(t, http.MethodGet, box.Url+"/v1/deployments?pagination.page_size=1", box.Token, ""); !strings.Contains(list, want) {
			t.Errorf("sandbox %d: got %s, want %s", i, list, want)
		}
	}
	if list := exchange(t, http.MethodGet, c.url+"/v1/deployments", c.token, ""); !strings.Contains(list, `"total_count":0`) {
		t.Errorf("the main server has %s", list)
	}
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, c.log)
	}
}

// seenFault is a fault with what clients see of it.
var seenFaults = map[string]struct {
	fault control.Fault
	// curl is what curl prints and its exit code.
	curl string
	exit int
	// goClient reports whether the generated client saw the fault.
	goClient func(*client.ListDeploymentRecordsResponse, error) bool
}{
	"status": {
		control.Fault{Kind: "status", Status: new(int32(503)), RetryAfter: new(int32(3))},
		"503 application/json retry=3 104", 0,
		func(r *client.ListDeploymentRecordsResponse, err error) bool {
			return err == nil && r.StatusCode() == 503 && r.HTTPResponse.Header.Get("Retry-After") == "3" && r.JSONDefault != nil && r.JSONDefault.Code == 14
		},
	},
	"delay": {
		control.Fault{Kind: "delay", Delay: &control.Delay{Fixed: new("1500ms")}},
		"200 application/json retry= late", 0,
		func(r *client.ListDeploymentRecordsResponse, err error) bool { return err == nil && r.JSON200 != nil },
	},
	"trickle": {
		control.Fault{Kind: "trickle", Bytes: new(int32(200)), Pause: new("200ms")},
		"200 application/json retry= late", 0,
		func(r *client.ListDeploymentRecordsResponse, err error) bool {
			return err == nil && r.JSON200 != nil && len(r.JSON200.DeploymentRecords) == 4
		},
	},
	"truncate": {
		control.Fault{Kind: "truncate", Bytes: new(int32(50))},
		"200 application/json retry= 50", 18,
		func(_ *client.ListDeploymentRecordsResponse, err error) bool {
			return errors.Is(err, io.ErrUnexpectedEOF)
		},
	},
	"reset": {
		control.Fault{Kind: "reset"},
		"000  retry= 0", 56,
		func(_ *client.ListDeploymentRecordsResponse, err error) bool {
			return errors.Is(err, syscall.ECONNRESET)
		},
	},
	"malformed-json": {
		control.Fault{Kind: "malformed-json"},
		"200 application/json retry= whole", 0,
		func(_ *client.ListDeploymentRecordsResponse, err error) bool {
			return err != nil && strings.Contains(err.Error(), "unexpected end of JSON input")
		},
	},
	"content-type": {
		control.Fault{Kind: "content-type"},
		"200 text/html retry= whole", 0,
		func(r *client.ListDeploymentRecordsResponse, err error) bool {
			return err == nil && r.StatusCode() == 200 && r.JSON200 == nil
		},
	},
}

func TestCurlAndTheGoClientSeeEachKindOfFault(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl")
	}
	c := serveControlled(t, "--log-level", "info")
	for kind, seen := range seenFaults {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			box := c.create(t)
			seen.fault.Times = new(int32(2))
			if added, err := c.api.AddFaultWithResponse(t.Context(), box.Organization, seen.fault); err != nil || added.JSON200 == nil {
				t.Fatalf("%v, %s", err, added.Body)
			}
			cmd := exec.CommandContext(t.Context(), curl, "-sS", "-o", "/dev/null", "-H", "Authorization: Bearer "+box.Token,
				"-w", "%{http_code} %{content_type} retry=%header{retry-after} %{size_download} %{time_total}", box.Url+"/v1/deployments")
			out, _ := cmd.Output()
			var size int
			var seconds float64
			if fields := strings.Fields(string(out)); len(fields) > 2 {
				_, _ = fmt.Sscan(strings.Join(fields[len(fields)-2:], " "), &size, &seconds)
			}
			got := strings.TrimSuffix(string(out), fmt.Sprintf(" %d", size)+string(out)[strings.LastIndex(string(out), " "):])
			switch {
			case strings.HasSuffix(seen.curl, " late") && seconds >= 1 && size > 1000:
				got += " late"
			case strings.HasSuffix(seen.curl, " whole") && size > 500:
				got += " whole"
			default:
				got += fmt.Sprintf(" %d", size)
			}
			if code := cmd.ProcessState.ExitCode(); strings.HasPrefix(seen.curl, "503") && !strings.HasPrefix(got, "503 application/json retry=3") || !strings.HasPrefix(seen.curl, "503") && got != seen.curl || code != seen.exit {
				t.Errorf("curl saw %q with exit code %d, want %q and %d\n%s", got, code, seen.curl, seen.exit, out)
			}

			api, err := client.NewClientWithResponses(box.Url, client.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}),
				client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
					r.Header.Set("Authorization", "Bearer "+box.Token)
					return nil
				}))
			if err != nil {
				t.Fatal(err)
			}
			if answer, err := api.ListDeploymentRecordsWithResponse(t.Context(), nil); !seen.goClient(answer, err) {
				t.Errorf("the Go client saw %+v, %v", answer, err)
			}
			// The fault is used up.
			if answer, err := api.ListDeploymentRecordsWithResponse(t.Context(), nil); err != nil || answer.JSON200 == nil {
				t.Errorf("the next request: %+v, %v", answer, err)
			}
		})
	}
}

// Without --control, the server has neither the third line nor the header Prefer.
func TestWithoutControlNothingChanges(t *testing.T) {
	p := serve(t, nil, "--memory", "--now", "2026-11-01T09:30:00Z")
	c := serveControlled(t, "--now", "2026-11-01T09:30:00Z")
	values := printed.FindAllStringSubmatch(p.log.String(), -1)
	if len(values) != 2 {
		t.Fatalf("it printed %q", values)
	}
	raw := func(url, bearer, prefer string) string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/deployments?status=x", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+bearer)
		request.Header.Set("X-Request-Id", "one")
		if prefer != "" {
			request.Header.Set("Prefer", prefer)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var text strings.Builder
		if err := response.Write(&text); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	plain := raw(p.url, values[1][2], "")
	if got := raw(p.url, values[1][2], "code=503"); got != plain || !strings.HasPrefix(got, "HTTP/1.1 400") {
		t.Errorf("with Prefer: %s, without: %s", got, plain)
	}
	if got := raw(c.url, c.token, ""); got != plain {
		t.Errorf("with --control: %s, without: %s", got, plain)
	}
	if got := raw(c.url, c.token, "code=503"); !strings.HasPrefix(got, "HTTP/1.1 503") {
		t.Errorf("with --control and Prefer: %s", got)
	}
	_, stderr, code := run(t, []string{"DATABASE_URL=sqlite://x.db"}, "serve", "--control", "127.0.0.1:0")
	if code != 2 || !strings.Contains(stderr, "--control: goes with --memory only") {
		t.Errorf("with a database: exit code %d, %s", code, stderr)
	}
}
