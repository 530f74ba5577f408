package conformance

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Finding is a rule of docs/semantics.md that an answer breaks.
type Finding struct {
	Rule Rule
	Text string
}

// OwnFindings holds one answer against what R1 to R4 and L6 say beyond the document. isList says that a list was asked
// for. The body of an answer to HEAD is not judged.
func OwnFindings(request *http.Request, isList bool, status int, header http.Header, body []byte) []Finding {
	j := &judgement{}
	var v *value
	if request.Method != http.MethodHead {
		v, _ = readJSON(body)
	}
	judgeOwnHeaders(j, status, header)
	if request.Method != http.MethodHead {
		judgeOwnBody(j, isList, status, v, body)
	}
	found := make([]Finding, 0, len(j.broken))
	for _, f := range j.broken {
		found = append(found, Finding{*f.rule, f.text})
	}
	return found
}

// codes are the gRPC codes of R3, by HTTP status.
var codes = map[int]string{
	400: "3", 401: "16", 403: "7", 404: "5", 405: "12", 409: "10", 413: "3", 415: "3", 422: "9", 429: "8", 431: "3", 500: "13", 501: "12", 503: "14", 504: "4",
}

// internals must not be told to a client (R3).
var internals = regexp.MustCompile(`(?i)\bsql|sqlite|postgres|pgx|gorm|goroutine|runtime|\.go:|\bdial\b|127\.0\.0\.1|/tmp|internal/|echo\.|panic|SELECT `)

func judgeOwnHeaders(j *judgement, status int, header http.Header) {
	got := header.Values("Content-Type")
	j.check(ownContentType, slices.Equal(got, []string{jsonMediaType}), "Content-Type is %q", got)
	got = header.Values("Cache-Control")
	j.check(ownNoStore, slices.Equal(got, []string{"no-store"}), "Cache-Control is %q", got)
	for _, c := range []struct {
		name   string
		wanted bool
	}{
		{"Allow", status == 405},
		{"WWW-Authenticate", status == 401 || status == 403},
		{"Retry-After", status == 429 || status == 503},
	} {
		got := len(header.Values(c.name))
		j.check(ownErrorHeaders, c.wanted && got == 1 || !c.wanted && got == 0, "with status %d, there are %d headers %s", status, got, c.name)
	}
}

func judgeOwnBody(j *judgement, isList bool, status int, v *value, body []byte) {
	switch {
	case status != http.StatusOK:
		judgeOwnError(j, status, v, body)
	case isList:
		judgeOwnList(j, v)
	}
}

func judgeOwnError(j *judgement, status int, v *value, body []byte) {
	j.try(ownErrorForm, ownInternals)
	fault := func(format string, args ...any) { j.fault(ownErrorForm, format, args...) }
	if got := v.memberNames(); !slices.Equal(got, []string{"code", "details", "message"}) {
		fault("the error's body has %q", got)
		return
	}
	if got := v.member("code").text; got != codes[status] {
		fault("status %d has the code %s", status, cut(got))
	}
	if message, _ := v.string("message"); message == "" {
		fault("there is no message")
	}
	details := v.member("details")
	if details.kind != '[' || len(details.items) > 20 {
		fault("details is %s with %d items", details.kindName(), len(details.items))
	}
	ownSchema := status == 400 || status == 401 || status == 403 || status == 500
	for _, detail := range details.items {
		if detail.kind != '"' || detail.text == "" || !ownSchema {
			fault("with status %d, details has %s", status, shown(detail))
		}
	}
	if status == 400 && len(details.items) == 0 {
		fault("a 400 tells no fault")
	}
	if found := internals.Find(body); found != nil {
		j.fault(ownInternals, "the body tells %q", found)
	}
}

var (
	recordFields     = []string{"artifact", "artifact_id", "created_at", "deployment_name", "environment_id", "environment_name", "id", "last_seen_at", "status", "updated_at"}
	logicalFields    = []string{"logical_environment_id", "logical_environment_name"}
	artifactFields   = []string{"digest", "kind", "name", "version"}
	paginationFields = []string{"page", "page_size", "total_count", "total_pages"}
	idFields         = []string{"id", "environment_id", "artifact_id", "logical_environment_id"}
	timestamp        = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$`)
	ownUUID          = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// judgeOwnList holds a list against R1 and R2, its order against L6, and its totals against L7.
func judgeOwnList(j *judgement, v *value) {
	pagination := v.member(pageField)
	j.check(ownFields, hasAll(pagination, paginationFields), "%s has %q", pageField, pagination.memberNames())
	if pagination != nil {
		if total, ok := pagination.integer("total_count"); ok && total == 0 {
			pages, _ := pagination.integer("total_pages")
			j.check(ownNoPages, pages == 0, "total_pages is %d with a total_count of 0", pages)
		}
	}
	records := v.member(recordsField)
	if records == nil || records.kind != '[' {
		j.check(ownFields, records != nil && records.kind == '[', "%s is %s", recordsField, shown(records))
		return
	}
	var before *value
	for i, record := range records.items {
		judgeOwnRecord(j, i, record)
		if before != nil {
			j.check(ownOrder, inOwnOrder(before, record), "record %d is not older than the one before", i)
		}
		before = record
	}
}

func judgeOwnRecord(j *judgement, i int, record *value) {
	fields := recordFields
	if record.member(logicalFields[0]) != nil || record.member(logicalFields[1]) != nil {
		fields = slices.Concat(recordFields, logicalFields)
	}
	j.check(ownFields, hasAll(record, fields), "record %d has %q", i, record.memberNames())
	if artifact := record.member("artifact"); artifact != nil {
		j.check(ownFields, hasAll(artifact, artifactFields), "the artifact of record %d has %q", i, artifact.memberNames())
	}
	status, _ := record.string("status")
	j.check(ownFields, status != "" && !strings.HasSuffix(status, "_UNSPECIFIED"), "record %d has the status %q", i, status)
	for _, name := range idFields {
		if id, ok := record.string(name); ok {
			j.check(ownUUIDs, ownUUID.MatchString(id), "%s of record %d is %q", name, i, cut(id))
		}
	}
	for _, name := range []string{"created_at", "updated_at", "last_seen_at"} {
		if text, ok := record.string(name); ok {
			_, err := time.Parse(time.RFC3339Nano, text)
			j.check(ownTimes, err == nil && timestamp.MatchString(text), "%s of record %d is %q", name, i, cut(text))
		}
	}
	created, updated, seen := timeOf(record, "created_at"), timeOf(record, "updated_at"), timeOf(record, "last_seen_at")
	j.check(ownTimeOrder, !updated.Before(created) && !seen.Before(created), "record %d was updated or seen before it was created", i)
}

// hasAll says whether the fields are there. What is there besides, the document judges.
func hasAll(object *value, fields []string) bool {
	names := object.memberNames()
	return !slices.ContainsFunc(fields, func(name string) bool { return !slices.Contains(names, name) })
}

// timeOf reads a time of a record; one that is missing or no time is the zero time.
func timeOf(record *value, name string) time.Time {
	text, _ := record.string(name)
	when, _ := time.Parse(time.RFC3339Nano, text)
	return when
}

// inOwnOrder says whether a comes before b in a list (L6).
func inOwnOrder(a, b *value) bool {
	if c := timeOf(a, "created_at").Compare(timeOf(b, "created_at")); c != 0 {
		return c > 0
	}
	idA, _ := a.string("id")
	idB, _ := b.string("id")
	return idA > idB
}
