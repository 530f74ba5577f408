package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxRecords limits the records of a response. A record has at least 512 bytes, so no response within maxResponse has more.
const maxRecords = maxResponse / 512

var errNoList = errors.New("responded 200 without a list of records: is --url right?")

// parsePage returns the page in a response. It keeps the records as parts of the body. A response with more records than
// its page_size is not a page of a list.
func parsePage(body []byte) (recordPage, error) {
	page := recordPage{body: body}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '{' {
		return recordPage{}, errNoList
	}
	paginated := false
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return recordPage{}, errNoList
		}
		switch {
		case name.String() == "deployment_records" && decoder.PeekKind() == '[':
			page.records, err = parseRecords(decoder, body)
		case name.String() == "pagination" && decoder.PeekKind() == '{':
			paginated = true
			var value jsontext.Value
			if value, err = decoder.ReadValue(); err == nil && json.Unmarshal(value, &page.pagination) != nil {
				err = errNoList
			}
		default:
			err = decoder.SkipValue()
		}
		if tooMany, ok := errors.AsType[tooManyRecordsError](err); ok {
			return recordPage{}, tooMany
		}
		if err != nil {
			return recordPage{}, errNoList
		}
	}
	if _, err := decoder.ReadToken(); err != nil || !paginated {
		return recordPage{}, errNoList
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return recordPage{}, errNoList
	}
	if size := int(page.pagination.PageSize); size > 0 && len(page.records) > size {
		return recordPage{}, fmt.Errorf("responded with %d records and a page_size of %d", len(page.records), size)
	}
	return page, nil
}

// tooManyRecordsError is the limit that a response exceeds.
type tooManyRecordsError int

func (e tooManyRecordsError) Error() string {
	return fmt.Sprintf("responded with more than %d records", int(e))
}

// parseRecords returns the records of the list that is next.
func parseRecords(decoder *jsontext.Decoder, body []byte) (records []json.RawMessage, err error) {
	if _, err := decoder.ReadToken(); err != nil {
		return nil, err
	}
	for decoder.PeekKind() != ']' {
		if len(records) == maxRecords {
			return nil, tooManyRecordsError(maxRecords)
		}
		start := decoder.InputOffset()
		if err := decoder.SkipValue(); err != nil {
			return nil, err
		}
		end := decoder.InputOffset()
		records = append(records, bytes.TrimLeft(body[start:end:end], ", \t\r\n"))
	}
	_, err = decoder.ReadToken()
	return records, err
}
