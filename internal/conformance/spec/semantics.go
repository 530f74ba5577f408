package spec

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// CheckSemantics checks one answer against rules R1 to R4 and L6 of docs/semantics.md. isList is whether the request was
// for the list. The body of an answer to HEAD is not checked.
func CheckSemantics(c *report.Checks, method string, isList bool, a *client.Answer) {
	checkHeaders(c, a)
	switch {
	case method == http.MethodHead:
	case a.Status != http.StatusOK:
		checkError(c, a)
	case isList:
		checkList(c, a.Value)
	}
}

// codes maps HTTP statuses to the gRPC codes of R3.
var codes = map[int]string{
	400: "3", 401: "16", 403: "7", 404: "5", 405: "12", 409: "10", 413: "3", 415: "3", 422: "9", 429: "8", 431: "3", 500: "13", 501: "12", 503: "14", 504: "4",
}

// internals are texts that an error must not contain (R3).
var internals = regexp.MustCompile(`(?i)\bsql|sqlite|postgres|pgx|gorm|goroutine|runtime|\.go:|\bdial\b|127\.0\.0\.1|/tmp|internal/|echo\.|panic|SELECT `)

func checkHeaders(c *report.Checks, a *client.Answer) {
	got := a.Header.Values("Content-Type")
	c.Check(report.OwnContentType, slices.Equal(got, []string{jsonMediaType}), "Content-Type is %q", got)
	got = a.Header.Values("Cache-Control")
	c.Check(report.OwnNoStore, slices.Equal(got, []string{"no-store"}), "Cache-Control is %q", got)
	for _, h := range []struct {
		name   string
		wanted bool
		isList bool // which may be on several lines
	}{
		{"Allow", a.Status == 405, true},
		{"WWW-Authenticate", a.Status == 401 || a.Status == 403, true},
		{"Retry-After", a.Status == 429 || a.Status == 503, false},
	} {
		got := len(a.Header.Values(h.name))
		c.Check(report.OwnErrorHeaders, h.wanted == (got > 0) && (got <= 1 || h.isList), "with status %d, there are %d headers %s", a.Status, got, h.name)
	}
}

func checkError(c *report.Checks, a *client.Answer) {
	c.Try(report.OwnErrorForm, report.OwnInternals)
	v, status := a.Value, a.Status
	fault := func(format string, args ...any) { c.Fail(report.OwnErrorForm, format, args...) }
	if got := v.MemberNames(); !slices.Equal(got, []string{"code", "details", "message"}) {
		fault("the error's body has %q", got)
		return
	}
	if got := v.Get("code").Content; got != codes[status] {
		fault("status %d has the code %s", status, client.Cut(got))
	}
	if v.Text("message") == "" {
		fault("there is no message")
	}
	details := v.Get("details")
	if details.Kind != '[' || len(details.Items) > 20 {
		fault("details is %s with %d items", details.KindName(), len(details.Items))
	}
	ownSchema := status == 400 || status == 401 || status == 403 || status == 500
	for _, detail := range details.Items {
		if detail.Content == "" || !detail.IsText() || !ownSchema {
			fault("with status %d, details has %s", status, detail)
		}
	}
	if status == 400 && len(details.Items) == 0 {
		fault("a 400 tells no fault")
	}
	if found := internals.Find(a.Body); found != nil {
		c.Fail(report.OwnInternals, "the body tells %q", found)
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

// checkList checks fields and formats (R1, R2), the order (L6) and the totals (L7) of a list.
func checkList(c *report.Checks, v *client.Value) {
	pagination := v.Get(client.PaginationField)
	c.Check(report.OwnFields, hasAll(pagination, paginationFields), "%s has %q", client.PaginationField, pagination.MemberNames())
	records := v.Get(client.RecordsField)
	checkNoPages(c, pagination, records)
	if records == nil || records.Kind != '[' {
		c.Check(report.OwnFields, records != nil && records.Kind == '[', "%s is %s", client.RecordsField, records)
		return
	}
	for i, record := range records.Items {
		checkRecord(c, i, record)
		if i > 0 {
			c.Check(report.OwnOrder, InOrder(records.Items[i-1], record), "record %d is not older than the one before", i)
		}
	}
}

// checkNoPages checks the total_pages of a list without records (L7). A server may omit the total of 0.
func checkNoPages(c *report.Checks, pagination, records *client.Value) {
	total, ok := pagination.Integer("total_count")
	if pagination == nil || total != 0 || !ok && records != nil && len(records.Items) > 0 {
		return
	}
	pages, _ := pagination.Integer("total_pages")
	c.Check(report.OwnNoPages, pages == 0, "total_pages is %d with a total_count of 0", pages)
}

func checkRecord(c *report.Checks, i int, record *client.Value) {
	fields := recordFields
	if record.Get(logicalFields[0]) != nil || record.Get(logicalFields[1]) != nil {
		fields = slices.Concat(recordFields, logicalFields)
	}
	c.Check(report.OwnFields, hasAll(record, fields), "record %d has %q", i, record.MemberNames())
	if artifact := record.Get("artifact"); artifact != nil {
		c.Check(report.OwnFields, hasAll(artifact, artifactFields), "the artifact of record %d has %q", i, artifact.MemberNames())
	}
	status := record.Text("status")
	c.Check(report.OwnFields, status != "" && !strings.HasSuffix(status, "_UNSPECIFIED"), "record %d has the status %q", i, status)
	for _, name := range idFields {
		if id := record.Get(name); id.IsText() {
			c.Check(report.OwnUUIDs, ownUUID.MatchString(id.Content), "%s of record %d is %s", name, i, id)
		}
	}
	for _, name := range []string{"created_at", "updated_at", "last_seen_at"} {
		if text := record.Get(name); text.IsText() {
			_, err := time.Parse(time.RFC3339Nano, text.Content)
			c.Check(report.OwnTimes, err == nil && timestamp.MatchString(text.Content), "%s of record %d is %s", name, i, text)
		}
	}
	created, updated, seen := record.Time("created_at"), record.Time("updated_at"), record.Time("last_seen_at")
	c.Check(report.OwnTimeOrder, !updated.Before(created) && !seen.Before(created), "record %d was updated or seen before it was created", i)
}

// hasAll reports whether an object has the fields. The document decides on others.
func hasAll(object *client.Value, fields []string) bool {
	names := object.MemberNames()
	return !slices.ContainsFunc(fields, func(name string) bool { return !slices.Contains(names, name) })
}

// InOrder reports whether record a comes before record b in a list (L6).
func InOrder(a, b *client.Value) bool {
	if c := a.Time("created_at").Compare(b.Time("created_at")); c != 0 {
		return c > 0
	}
	return a.ID() > b.ID()
}
