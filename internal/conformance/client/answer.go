package client

import "net/http"

// Names of the parts of the list of deployment records.
const (
	RecordsField    = "deployment_records"
	PaginationField = "pagination"
)

// Answer is a response. Status 0 means that no response arrived.
type Answer struct {
	Request Request
	Status  int
	Header  http.Header
	Body    []byte
	// Value is the body as JSON, or nil. Malformed is the reason why the body is not exactly one JSON value.
	Value     *Value
	Malformed error
	// List is the content of a list, or nil.
	List *List
}

// NewAnswer returns an answer with its body read.
func NewAnswer(status int, header http.Header, body []byte) *Answer {
	a := &Answer{Status: status, Header: header, Body: body}
	a.Value, a.Malformed = ReadJSON(body)
	return a
}

// List is a page of records. Missing numbers are -1.
type List struct {
	Records                  []*Value
	Page, Size, Total, Pages int64
}

// IDs returns the ids of records.
func IDs(records []*Value) []string {
	ids := make([]string, len(records))
	for i, record := range records {
		ids[i] = record.ID()
	}
	return ids
}

// MaxWalk is the maximum number of pages in a walk.
const MaxWalk = 12

// Walk is a list that was read page by page.
type Walk struct {
	Answers []*Answer
	Records []*Value
	// Complete reports that the walk reached the end and that every page was readable.
	Complete           bool
	Total, Pages, Size int64
}

// WalkPages reads every page of a query; size 0 leaves the size to the server. Get sends a query, and pageOf returns the
// value of the parameter of the page for a page, counted from 0. Without pageOf, the walk ends after one page.
func (l *Layout) WalkPages(q Query, size int64, get func(Query) *Answer, pageOf func(page, size int64) string) *Walk {
	w := &Walk{}
	if size > 0 {
		q = q.With(l.SizeParameter, itoa(size))
	}
	for i := range int64(MaxWalk) {
		page := q
		if i > 0 {
			page = q.With(l.PageParameter, pageOf(i, w.Size))
		}
		a := get(page)
		w.Answers = append(w.Answers, a)
		if a.List == nil || a.List.Total < 0 {
			return w
		}
		if i == 0 {
			w.Total, w.Size = a.List.Total, a.List.Size
			if w.Size <= 0 {
				w.Size = max(size, int64(len(a.List.Records)), 1)
			}
			w.Pages = (w.Total + w.Size - 1) / w.Size
		}
		w.Records = append(w.Records, a.List.Records...)
		if i+1 >= w.Pages {
			w.Complete = true
			return w
		}
		if pageOf == nil {
			return w
		}
	}
	return w
}
