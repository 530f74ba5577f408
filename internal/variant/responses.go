package variant

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rewriteResponses changes the Content-Type of JSON, and the bodies of lists.
func (s Set) rewriteResponses(next http.Handler) http.Handler {
	if s[oneEmptyPage] || s[omitEmpty] || s[offsetTimes] {
		next = s.rewriteLists(next)
	}
	if s[charset] {
		next = addCharset(next)
	}
	return next
}

// addCharset adds a parameter to the Content-Type of JSON.
func addCharset(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&charsetWriter{ResponseWriter: w}, r)
	})
}

type charsetWriter struct {
	http.ResponseWriter
	wroteHeader bool
}

// Unwrap returns the writer for http.ResponseController.
func (w *charsetWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *charsetWriter) WriteHeader(status int) {
	if !w.wroteHeader && w.Header().Get("Content-Type") == jsonMediaType {
		w.Header().Set("Content-Type", jsonMediaType+"; charset=utf-8")
	}
	w.wroteHeader = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *charsetWriter) Write(p []byte) (int, error) {
	if !w.wroteHeader {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// rewriteLists changes the bodies of lists.
func (s Set) rewriteLists(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isList(r) {
			next.ServeHTTP(w, r)
			return
		}
		r.Header.Del("Accept-Encoding") // a compressed body cannot be rewritten
		whole := &response{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(whole, r)
		body := whole.body.Bytes()
		if whole.status == http.StatusOK {
			body = s.rewriteList(body)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(whole.status)
		_, _ = w.Write(body) // an error means that the client hung up
	})
}

// response keeps a status and a body until both are complete.
type response struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *response) WriteHeader(status int)      { r.status = status }
func (r *response) Write(p []byte) (int, error) { return r.body.Write(p) }

// rewriteList returns a list in other words. It returns a body that is no list as it is.
func (s Set) rewriteList(body []byte) []byte {
	var list map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // keeps the digits
	if decoder.Decode(&list) != nil {
		return body
	}
	pagination, _ := list["pagination"].(map[string]any)
	if s[oneEmptyPage] && pagination["total_count"] == json.Number("0") {
		pagination["total_pages"] = json.Number("1")
	}
	if s[offsetTimes] {
		records, _ := list["deployment_records"].([]any)
		for _, record := range records {
			if fields, ok := record.(map[string]any); ok {
				addOffsets(fields)
			}
		}
	}
	if s[omitEmpty] {
		omitEmptyFields(list)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(list) != nil {
		return body
	}
	return text.Bytes()
}

// zone is two hours ahead of UTC, without a name.
var zone = time.FixedZone("", 2*60*60)

// addOffsets writes the times of a record with an offset.
func addOffsets(record map[string]any) {
	for name, value := range record {
		text, ok := value.(string)
		if !ok || !strings.HasSuffix(name, "_at") {
			continue
		}
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			record[name] = t.In(zone).Format(time.RFC3339Nano)
		}
	}
}

// omitEmptyFields removes the fields of an object, and of the objects in it, that are empty or 0.
func omitEmptyFields(object map[string]any) {
	for name, value := range object {
		empty := false
		switch value := value.(type) {
		case string:
			empty = value == ""
		case json.Number:
			empty = value == "0"
		case map[string]any:
			omitEmptyFields(value)
		case []any:
			empty = len(value) == 0
			for _, item := range value {
				if fields, ok := item.(map[string]any); ok {
					omitEmptyFields(fields)
				}
			}
		}
		if empty {
			delete(object, name)
		}
	}
}
