package api

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// listAnswer is the generated answer to a list, written in another way: encoding/json, which looks at each time twice, took
// nearly as long for a page of 100 as reading it from the database. Of what can be stored, the bytes are the same. Their
// number goes out before them, so that a client can tell an answer that was cut off.
type listAnswer struct {
	records    []deployments.Record
	pagination server.OffsetPagination
}

// asGenerated has strings written as encoding/json does.
var asGenerated = json.JoinOptions(jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true), jsontext.AllowInvalidUTF8(true))

// page is the memory that an answer is made in. What was in it is gone when it is kept for another one.
type page struct {
	list   server.ListDeploymentRecords200JSONResponse
	buffer bytes.Buffer
}

var pages = sync.Pool{New: func() any {
	p := new(page)
	p.list.DeploymentRecords = []server.DeploymentRecord{} // an array in every answer, the empty one too (R1)
	return p
}}

// largestKept is the size in bytes of a buffer that is kept for other answers, with the records that were written into it:
// that of 100 with long names.
const largestKept = 256 << 10

func (p *page) keep() {
	clear(p.list.DeploymentRecords)
	if p.buffer.Reset(); p.buffer.Cap() <= largestKept {
		pages.Put(p)
	}
}

// VisitListDeploymentRecordsResponse implements server.ListDeploymentRecordsResponseObject. Nothing is sent unless all of
// it can be.
func (a listAnswer) VisitListDeploymentRecordsResponse(w http.ResponseWriter) error {
	p := pages.Get().(*page)
	defer p.keep()
	p.list.Pagination = a.pagination
	p.list.DeploymentRecords = appendRecords(p.list.DeploymentRecords[:0], a.records)
	if err := json.MarshalWrite(&p.buffer, &p.list, asGenerated); err != nil {
		return err
	}
	p.buffer.WriteByte('\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(p.buffer.Len()))
	w.WriteHeader(http.StatusOK)
	_, err := p.buffer.WriteTo(w)
	return err
}

func appendRecords(list []server.DeploymentRecord, records []deployments.Record) []server.DeploymentRecord {
	for i := range records {
		list = append(list, fromRecord(&records[i]))
	}
	return list
}
