package contracttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// codes are the gRPC codes of R3, by HTTP status.
var codes = map[int]float64{
	400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 409: 10, 413: 3, 415: 3, 422: 9, 429: 8, 431: 3, 500: 13, 501: 12, 503: 14, 504: 4,
}

// internals must not be told to a client (R3).
var internals = regexp.MustCompile(`(?i)\bsql|sqlite|postgres|pgx|gorm|goroutine|runtime|\.go:|\bdial\b|127\.0\.0\.1|/tmp|internal/|echo\.|panic|SELECT `)

// generalFaults holds every answer against R1 to R4.
func generalFaults(request *http.Request, status int, header http.Header, body []byte) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if header.Get("X-Request-Id") == "" {
		fault("there is no X-Request-Id")
	}
	if status == http.StatusOK && strings.HasPrefix(request.URL.Path, "/openapi.") {
		return faults
	}
	if got := header.Values("Content-Type"); !slices.Equal(got, []string{"application/json"}) {
		fault("R2: Content-Type is %q", got)
	}
	if got := header.Values("Cache-Control"); !slices.Equal(got, []string{"no-store"}) {
		fault("R2: Cache-Control is %q", got)
	}
	for name, wanted := range map[string]bool{
		"Allow":            status == 405,
		"WWW-Authenticate": status == 401 || status == 403,
		"Retry-After":      status == 429 || status == 503,
	} {
		if got := header.Values(name); wanted && len(got) != 1 || !wanted && len(got) > 0 {
			fault("R3: with status %d, %s is %q", status, name, got)
		}
	}
	if request.Method == http.MethodHead {
		return faults
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&value); err != nil {
		return append(faults, fmt.Errorf("the body is not JSON: %w", err))
	}
	if rest := body[decoder.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		fault("R1: %q follows the JSON value", rest)
	}
	if path := nullAt(value, "$"); path != "" {
		fault("R1: %s is null", path)
	}
	switch {
	case status == http.StatusOK && request.URL.Path == "/v1/deployments" && request.Method == http.MethodGet:
		faults = append(faults, listFaults(value)...)
	case status != http.StatusOK:
		faults = append(faults, errorFaults(status, value, body)...)
	}
	return faults
}

func nullAt(value any, path string) string {
	switch v := value.(type) {
	case nil:
		return path
	case []any:
		for i, item := range v {
			if found := nullAt(item, fmt.Sprintf("%s[%d]", path, i)); found != "" {
				return found
			}
		}
	case map[string]any:
		for name, item := range v {
			if found := nullAt(item, path+"."+name); found != "" {
				return found
			}
		}
	}
	return ""
}

func errorFaults(status int, value any, body []byte) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("R3: "+format, args...)) }
	object, _ := value.(map[string]any)
	if got := members(object); !slices.Equal(got, []string{"code", "details", "message"}) {
		fault("the error body has the members %q", got)
	}
	if want, ok := codes[status]; !ok || object["code"] != want {
		fault("status %d has code %v", status, object["code"])
	}
	if message, _ := object["message"].(string); message == "" {
		fault("there is no message")
	}
	details, ok := object["details"].([]any)
	if !ok || len(details) > 20 {
		fault("details is %v", object["details"])
	}
	ownSchema := status == 400 || status == 401 || status == 403 || status == 500
	for _, detail := range details {
		if text, ok := detail.(string); !ok || text == "" || !ownSchema {
			fault("with status %d, details has %v", status, detail)
		}
	}
	if status == 400 && len(details) == 0 {
		fault("a 400 tells no fault")
	}
	if found := internals.Find(body); found != nil {
		fault("the body tells internals: %q", found)
	}
	return faults
}

var (
	recordFields      = []string{"artifact", "artifact_id", "created_at", "deployment_name", "environment_id", "environment_name", "id", "last_seen_at", "status", "updated_at"}
	logicalFields     = []string{"logical_environment_id", "logical_environment_name"}
	artifactFields    = []string{"digest", "kind", "name", "version"}
	paginationFields  = []string{"page", "page_size", "total_count", "total_pages"}
	timestamp         = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$`)
	errNotListForm    = errors.New("R1: the answer is not {deployment_records: [...], pagination: {...}}")
	statusesOfRecords = []string{"DEPLOYED", "DECOMMISSIONED", "SUPERSEDED"}
)

// listFaults holds a list against R1 and R2, which are stricter than the document, and its page against L7.
func listFaults(value any) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	object, _ := value.(map[string]any)
	records, isArray := object["deployment_records"].([]any)
	pagination, isObject := object["pagination"].(map[string]any)
	if !isArray || !isObject || len(object) != 2 {
		return []error{errNotListForm}
	}
	if got := members(pagination); !slices.Equal(got, paginationFields) {
		return append(faults, fmt.Errorf("R1: pagination has %q", got))
	}
	size, _ := pagination["page_size"].(float64)
	total, _ := pagination["total_count"].(float64)
	pages, _ := pagination["total_pages"].(float64)
	if float64(len(records)) > min(size, total) || pages != float64((int64(total)+int64(size)-1)/int64(max(size, 1))) {
		fault("L7: %d records with the pagination %v", len(records), pagination)
	}
	for i, item := range records {
		record, _ := item.(map[string]any)
		fields := recordFields
		if record["logical_environment_id"] != nil {
			fields = slices.Concat(recordFields, logicalFields)
			slices.Sort(fields)
		}
		if got := members(record); !slices.Equal(got, fields) {
			fault("R1: record %d has %q", i, got)
			continue
		}
		artifact, _ := record["artifact"].(map[string]any)
		if got := members(artifact); !slices.Equal(got, artifactFields) {
			fault("R1: the artifact of record %d has %q", i, got)
		}
		if status, _ := record["status"].(string); !slices.Contains(statusesOfRecords, status) {
			fault("R1: record %d has the status %q", i, status)
		}
		times := map[string]time.Time{}
		for _, name := range []string{"created_at", "updated_at", "last_seen_at"} {
			text, _ := record[name].(string)
			when, err := time.Parse(time.RFC3339Nano, text)
			if err != nil || !timestamp.MatchString(text) {
				fault("R2: %s of record %d is %q", name, i, text)
			}
			times[name] = when
		}
		if times["updated_at"].Before(times["created_at"]) || times["last_seen_at"].Before(times["created_at"]) {
			fault("R2: record %d was updated or seen before it was created", i)
		}
		if i > 0 {
			before, _ := records[i-1].(map[string]any)
			if !ordered(before, record) {
				fault("L6: record %d is not older than the one before", i)
			}
		}
	}
	return faults
}

// ordered says whether a comes before b in a list (L6).
func ordered(a, b map[string]any) bool {
	timeA, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(a["created_at"]))
	timeB, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(b["created_at"]))
	if c := timeA.Compare(timeB); c != 0 {
		return c > 0
	}
	return fmt.Sprint(a["id"]) > fmt.Sprint(b["id"])
}

func members(object map[string]any) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
