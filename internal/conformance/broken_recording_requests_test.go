package conformance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/contract"
)

// brokenRecordingRequests are servers that read requests to record, or write the answers, wrongly.
var brokenRecordingRequests = []struct {
	name  string
	rule  string
	front middleware
}{
	{"201 for a recording", "record.valid", rewritePost(func(w *httptest.ResponseRecorder) {
		if w.Code == http.StatusOK {
			w.Code = http.StatusCreated
		}
	})},
	{"422 for an invalid recording", "record.invalid", rewritePost(func(w *httptest.ResponseRecorder) {
		if w.Code == http.StatusBadRequest {
			w.Code = http.StatusUnprocessableEntity
		}
	})},
	{"an error that names no field", "record.invalid", replacePosted(http.StatusBadRequest, `"details":\[.*?\],"message"`, `"details":["query: no"],"message"`)},
	{"an unknown property is ignored", "record.invalid", rewriteBody(func(body map[string]any) { delete(body, "region") })},
	{"null is absent", "record.invalid", rewriteBody(func(body map[string]any) {
		if body["artifact_name"] == nil {
			delete(body, "artifact_name")
		}
	})},
	{"a digest in any case", "record.invalid", rewriteBody(func(body map[string]any) {
		if digest, ok := body["artifact_digest"].(string); ok {
			body["artifact_digest"] = strings.ToLower(digest)
		}
	})},
	{"names are trimmed", "record.invalid", rewriteBody(func(body map[string]any) {
		if name, ok := body["deployment_name"].(string); ok {
			body["deployment_name"] = strings.TrimSpace(name)
		}
	})},
	{"the version is lost", "record.stored", rewriteBody(func(body map[string]any) {
		if body["observed_at"] == nil && body["artifact_name"] != nil && body["artifact_name"] != "api" {
			delete(body, "artifact_version")
		}
	})},
	{"the answer has another time than the list", "record.stored", replacePosted(http.StatusOK, `"created_at":"2\d\d\d`, `"created_at":"2001`)},
	{"the answer has another id than the list", "record.stored", replacePosted(http.StatusOK, `"id":"........`, `"id":"00000000`)},
	{"an answer lacks what its document requires", "body.required", replacePosted(http.StatusOK, `"artifact_id":"[^"]*",`, ``)},
	{"results in reverse order", "batch.results", reverseResults},
	{"an error does not name the item", "batch.atomic", replacePosted(http.StatusBadRequest, `deployments\[\d+\]\.`, `deployments: `)},
	{"partial is ignored", "batch.partial", rewriteBody(func(body map[string]any) { delete(body, "partial") })},
	{"the count of a snapshot is 0", "snapshot.complete", replacePosted(http.StatusOK, `"decommissioned_count":\d+`, `"decommissioned_count":0`)},
	{"an empty snapshot is meant", "snapshot.invalid", rewriteBody(func(body map[string]any) {
		if body["complete"] == true {
			body["allow_empty"] = true
		}
	})},
	{"a snapshot without a time is of now", "snapshot.invalid", rewriteBody(func(body map[string]any) {
		if body["complete"] == true && body["observed_at"] == nil {
			body["observed_at"] = time.Now().UTC().Format(time.RFC3339Nano)
		}
	})},
	{"items of other environments are of this one", "snapshot.invalid", rewriteBody(func(body map[string]any) {
		items, _ := body["deployments"].([]any)
		for _, item := range items {
			if body["complete"] == true {
				item.(map[string]any)["environment_name"] = body["environment_name"]
			}
		}
	})},
	{"complete is ignored", "snapshot.complete", rewriteBody(func(body map[string]any) {
		for _, name := range []string{"complete", "scope", "environment_name", "allow_empty"} {
			if body["deployments"] != nil {
				delete(body, name)
			}
		}
	})},
	{"each part is a snapshot", "snapshot.parts", rewriteBody(func(body map[string]any) {
		for _, name := range []string{"snapshot_id", "part", "final", "parts"} {
			delete(body, name)
		}
	})},
	{"a missing part is not named", "snapshot.parts", replacePosted(http.StatusConflict, `"message":"[^"]*"`, `"message":"parts of the 12 of conform-2ab are missing at 2:32"`)},
	{"keys are ignored", "key.repeat", withoutKey(contract.RecordingPath)},
	{"a key returns the first answer", "key.repeat", repeatAnswers},
	{"a batch takes a key", "key.batch", withoutKey(contract.RecordingPath + "/batch")},
	{"a recording beside another fails", "record.concurrent", failConcurrent},
}

// rewritePost changes the answers to POST.
func rewritePost(change func(w *httptest.ResponseRecorder)) middleware {
	return rewriteAnswer(func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.Method == http.MethodPost {
			change(w)
		}
	})
}

// replacePosted replaces matches of the pattern in answers to POST.
func replacePosted(status int, pattern, with string) middleware {
	find := regexp.MustCompile(pattern)
	return rewritePost(func(w *httptest.ResponseRecorder) {
		if w.Code == status {
			w.Body = bytes.NewBuffer(find.ReplaceAll(w.Body.Bytes(), []byte(with)))
		}
	})
}

// rewriteBody changes the bodies of requests before the server reads them.
func rewriteBody(change func(map[string]any)) middleware {
	return func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			var body map[string]any
			if r.Method == http.MethodPost && json.Unmarshal(text, &body) == nil {
				change(body)
				text, _ = json.Marshal(body)
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			r.Header.Set("Content-Length", strconv.Itoa(len(text)))
			next.ServeHTTP(w, r)
		})
	}
}

func reverseResults(t testing.TB, next http.Handler) http.Handler {
	return rewritePost(func(w *httptest.ResponseRecorder) {
		var body struct {
			Results []json.RawMessage `json:"results"`
			Count   int               `json:"decommissioned_count"`
		}
		if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &body) != nil || body.Results == nil {
			return
		}
		for i, j := 0, len(body.Results)-1; i < j; i, j = i+1, j-1 {
			body.Results[i], body.Results[j] = body.Results[j], body.Results[i]
		}
		text, _ := json.Marshal(body)
		w.Body = bytes.NewBuffer(text)
	})(t, next)
}

// withoutKey removes the Idempotency-Key of requests for a path.
func withoutKey(path string) middleware {
	return func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				r.Header.Del("Idempotency-Key")
			}
			next.ServeHTTP(w, r)
		})
	}
}

// repeatAnswers answers a key that was used with the first answer.
func repeatAnswers(_ testing.TB, next http.Handler) http.Handler {
	first := map[string]*httptest.ResponseRecorder{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(text))
		key := r.Header.Get("Idempotency-Key") + string(text)
		if r.Header.Get("Idempotency-Key") == "" || strings.Contains(key, "raced") {
			next.ServeHTTP(w, r)
			return
		}
		if first[key] == nil {
			first[key] = httptest.NewRecorder()
			next.ServeHTTP(first[key], r)
		}
		maps.Copy(w.Header(), first[key].Header())
		w.WriteHeader(first[key].Code)
		_, _ = w.Write(first[key].Body.Bytes())
	})
}

// failConcurrent answers a request with 500 while another one records.
func failConcurrent(_ testing.TB, next http.Handler) http.Handler {
	var running atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		defer running.Add(-1)
		if running.Add(1) > 1 {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"code":13,"message":"database is locked","details":[]}`))
			return
		}
		time.Sleep(time.Millisecond)
		next.ServeHTTP(w, r)
	})
}
