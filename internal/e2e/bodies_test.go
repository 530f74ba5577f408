package e2e_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contract"
)

const (
	// bodySize is the limit of a batch's body, and peakMiB that of the server's memory.
	bodySize = 8 << 20
	peakMiB  = 512
)

// fill repeats the text between a prefix and a suffix, up to the size of a body.
func fill(prefix, text, separator, suffix string) string {
	n := (bodySize - len(prefix) - len(suffix)) / (len(text) + len(separator))
	return prefix + strings.Repeat(text+separator, n-1) + text + suffix
}

// numbered returns the texts for 0 to n-1.
func numbered(n int, separator string, text func(i int) string) string {
	var all []string
	for i := range n {
		all = append(all, text(i))
	}
	return strings.Join(all, separator)
}

// batchOf returns a batch of valid items, each with the project versions.
func batchOf(items, versions int) string {
	version := numbered(versions, ",", func(i int) string { return fmt.Sprintf(`{"project_name":"p","project_version_name":"%d"}`, i) })
	return `{"deployments":[` + numbered(items, ",", func(i int) string {
		return fmt.Sprintf(`{"environment_name":"e","deployment_name":"d%d","kind":"HELM_CHART","artifact_digest":"sha256:%064d","project_versions":[%s]}`, i, 1, version)
	}) + `]}`
}

// bodyShapes are bodies that are cheap to send and may take much memory to read.
var bodyShapes = map[string]func() string{
	"objects":               func() string { return fill("[", `{"":0}`, ",", "]") },
	"empty objects":         func() string { return fill("[", "{}", ",", "]") },
	"numbers":               func() string { return fill("[", "0", ",", "]") },
	"an unknown list":       func() string { return fill(`{"deployments":[{}],"x":[`, `{"":0}`, ",", "]}") },
	"an unknown list first": func() string { return fill(`{"x":[`, `[[[]]]`, ",", `],"deployments":[{}]}`) },
	"unknown members": func() string {
		item := "{" + numbered(32, ",", func(i int) string { return fmt.Sprintf(`"%s%d":0`, strings.Repeat("u", 40), i) }) + "}"
		return `{"deployments":[` + numbered(4800, ",", func(int) string { return item }) + "]}"
	},
	"many members": func() string {
		return "{" + numbered(640_000, ",", func(i int) string { return fmt.Sprintf(`"k%d":0`, i) }) + `,"k0":1}`
	},
	"many levels": func() string {
		const levels = 9900
		return strings.Repeat(`{"`+strings.Repeat("k", 800)+`":`, levels) + `{"a":1,"a":2}` + strings.Repeat("}", levels)
	},
	"objects in project versions": func() string {
		versions := numbered(100, ",", func(int) string { return `{"":0}` })
		return `{"deployments":[` + numbered(5000, ",", func(int) string { return `{"project_versions":[` + versions + `]}` }) + "]}"
	},
	"a long name":            func() string { return fill(`{"`, "n", "", `":0}`) },
	"a long value":           func() string { return fill(`{"deployments":[{"environment_name":"`, "v", "", `"}]}`) },
	"white space":            func() string { return fill(`{"deployments":`, " ", "", `[]}`) },
	"valid project versions": func() string { return batchOf(4400, 35) },
	"valid small items":      func() string { return batchOf(5000, 1) },
	"rejected items": func() string {
		item := `{"deployment_name":"` + strings.Repeat("d", 1500) + `","kind":0,"a":0,"b":0,"c":0,"d":0}`
		return `{"deployments":[` + numbered(5000, ",", func(int) string { return item }) + `],"partial":true}`
	},
}

var peakMemory = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// peakOfBodies sends a body many times at once, for three organizations, and returns the peak of the server's resident
// memory in MiB and the number of responses by status.
func peakOfBodies(t *testing.T, body string, clients int) (peak int, statuses map[int]int) {
	t.Helper()
	p := serve(t, []string{"DATABASE_URL=sqlite://" + t.TempDir() + "/bodies.db"})
	var bearers []string
	for _, organization := range []string{"a", "b", "c"} {
		bearers = append(bearers, token(t, organization, "--scope", "deployments:write"))
	}
	statuses = make(map[int]int)
	var (
		mu    sync.Mutex
		group sync.WaitGroup
	)
	for i := range clients {
		group.Go(func() {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+contract.RecordingPath+"/batch", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("Authorization", "Bearer "+bearers[i%len(bearers)])
			request.Header.Set("Content-Type", "application/json")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[response.StatusCode]++
		})
	}
	group.Wait()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("needs /proc for the peak of the server's memory")
	}
	kib, _ := strconv.Atoi(peakMemory.FindStringSubmatch(string(status))[1])
	return kib >> 10, statuses
}

// checkPeaks sends each shape and reports its peak.
func checkPeaks(t *testing.T, clients int, shapes ...string) {
	t.Helper()
	for _, shape := range shapes {
		body := bodyShapes[shape]()
		if len(body) > bodySize {
			t.Fatalf("%s has %d bytes", shape, len(body))
		}
		peak, statuses := peakOfBodies(t, body, clients)
		t.Logf("%d bodies of %.1f MB at once, %s: peak %d MiB, responses %v", clients, float64(len(body))/1e6, shape, peak, statuses)
		if peak >= peakMiB {
			t.Errorf("%s: the server's memory had a peak of %d MiB, the limit is %d", shape, peak, peakMiB)
		}
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			// A 429 is for the organization whose own bodies would wait too long, as on a busy machine.
			if !slices.Contains([]int{200, 400, 429, 503}, status) {
				t.Errorf("%s: got %d", shape, status)
			}
		}
	}
}

func TestBodiesTakeBoundedMemory(t *testing.T) {
	checkPeaks(t, 8, "objects", "an unknown list", "objects in project versions", "valid project versions")
}
