package conformance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/auth"
)

const emptyList = `{"deployment_records":[],"pagination":{"page":0,"page_size":20,"total_count":0,"total_pages":0}}`

type middleware = func(testing.TB, http.Handler) http.Handler

// rewriteAnswer changes answers before they are sent.
func rewriteAnswer(change func(r *http.Request, w *httptest.ResponseRecorder)) middleware {
	return func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			change(r, answer)
			maps.Copy(w.Header(), answer.Header())
			w.Header().Del("Content-Length") // of what it was before
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
		})
	}
}

// replaceBody replaces matches of the pattern in the bodies of a status.
func replaceBody(status int, pattern, with string) middleware {
	find := regexp.MustCompile(pattern)
	return rewriteAnswer(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == status {
			w.Body = bytes.NewBuffer(find.ReplaceAll(w.Body.Bytes(), []byte(with)))
		}
	})
}

// replaceHeader sets or deletes a header in the answers with a status.
func replaceHeader(status int, name, value string) middleware {
	return rewriteAnswer(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == status {
			w.Header().Del(name)
			if value != "" {
				w.Header().Set(name, value)
			}
		}
	})
}

// replaceStatus replaces the status and the body of answers with a status.
func replaceStatus(status, other int, text string) middleware {
	return rewriteAnswer(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == status {
			w.Code, w.Body = other, bytes.NewBufferString(text)
		}
	})
}

// rewritePagination changes a number of the list's pagination.
func rewritePagination(name string, change func(n int, q url.Values) int) middleware {
	find := regexp.MustCompile(`"` + name + `":\d+`)
	return rewriteAnswer(func(r *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == 200 {
			w.Body = bytes.NewBuffer(find.ReplaceAllFunc(w.Body.Bytes(), func(text []byte) []byte {
				n, _ := strconv.Atoi(string(text[len(name)+3:]))
				return []byte(`"` + name + `":` + strconv.Itoa(change(n, r.URL.Query())))
			}))
		}
	})
}

// rewriteTotals changes total_count and total_pages consistently, so that only the records contradict them.
func rewriteTotals(change func(n int, q url.Values) int) middleware {
	find := regexp.MustCompile(`"page_size":(\d+),"total_count":(\d+),"total_pages":\d+`)
	return rewriteAnswer(func(r *http.Request, w *httptest.ResponseRecorder) {
		found := find.FindSubmatch(w.Body.Bytes())
		if w.Code != 200 || found == nil {
			return
		}
		size, _ := strconv.Atoi(string(found[1]))
		total, _ := strconv.Atoi(string(found[2]))
		total = change(total, r.URL.Query())
		told := fmt.Sprintf(`"page_size":%d,"total_count":%d,"total_pages":%d`, size, total, (total+size-1)/size)
		w.Body = bytes.NewBuffer(find.ReplaceAll(w.Body.Bytes(), []byte(told)))
	})
}

// countFilters returns the number of filters in a query.
func countFilters(q url.Values) (n int) {
	for name, values := range q {
		if name != "full_history" && !strings.HasPrefix(name, "pagination.") && values[0] != "" {
			n++
		}
	}
	return n
}

// replaceVersion replaces the version of records in the answers to some queries.
func replaceVersion(which func(url.Values) bool) middleware {
	find := regexp.MustCompile(`"version":"[^"]*"`)
	return rewriteAnswer(func(r *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == 200 && which(r.URL.Query()) {
			w.Body = bytes.NewBuffer(find.ReplaceAll(w.Body.Bytes(), []byte(`"version":"0.0.0"`)))
		}
	})
}

// replacePastEnd answers pages past the end with another status.
func replacePastEnd(status, code int) middleware {
	return rewriteAnswer(func(r *http.Request, w *httptest.ResponseRecorder) {
		var list struct {
			Pagination struct {
				Page       int `json:"page"`
				TotalPages int `json:"total_pages"`
			} `json:"pagination"`
		}
		if w.Code == 200 && json.Unmarshal(w.Body.Bytes(), &list) == nil && list.Pagination.Page > 0 && list.Pagination.Page >= list.Pagination.TotalPages {
			w.Code, w.Body = status, bytes.NewBufferString(`{"code":`+strconv.Itoa(code)+`,"message":"there is no such page","details":[]}`)
		}
	})
}

// rewriteQuery changes the query before the server reads it. Malformed parts of the query are lost.
func rewriteQuery(change func(url.Values)) middleware {
	return func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			before := r.URL.Query()
			q := r.URL.Query()
			change(q)
			// An unchanged query is passed on byte for byte, unless it is malformed.
			if lossy := strings.Contains(r.URL.RawQuery, "%zz") || strings.Contains(r.URL.RawQuery, ";"); lossy || q.Encode() != before.Encode() {
				r.URL.RawQuery = q.Encode()
			}
			next.ServeHTTP(w, r)
		})
	}
}

// answerIf replaces the answers to some queries, if the server accepts the request.
func answerIf(status int, text string, which func(url.Values) bool) middleware {
	return rewriteAnswer(func(r *http.Request, w *httptest.ResponseRecorder) {
		if which(r.URL.Query()) && (w.Code == 200 || w.Code == 400 && status == 200) {
			w.Code, w.Body = status, bytes.NewBufferString(text)
		}
	})
}

// authenticateIf adds a valid token to some requests.
func authenticateIf(which func(http.Header) bool) middleware {
	return func(t testing.TB, next http.Handler) http.Handler {
		good := "Bearer " + token(t, auth.ReadDeployments)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if which(r.Header) {
				r.Header.Set("Authorization", good)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// validateFirst validates the query before it authenticates.
func validateFirst(t testing.TB, next http.Handler) http.Handler {
	good := "Bearer " + token(t, auth.ReadDeployments)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := r.Clone(r.Context())
		known.Header.Set("Authorization", good)
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, known)
		if answer.Code == 400 {
			r = known
		}
		next.ServeHTTP(w, r)
	})
}

// cutOff closes the connection in the middle of some answers.
func cutOff(_ testing.TB, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("artifact_kind") == "HELM_CHART" {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}
