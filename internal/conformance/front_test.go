package conformance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
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

type frontFunc = func(testing.TB, http.Handler) http.Handler

// rewritten lets a test change an answer before it goes out.
func rewritten(change func(r *http.Request, w *httptest.ResponseRecorder)) frontFunc {
	return func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			change(r, answer)
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			w.Header().Del("Content-Length") // of what it was before
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
		})
	}
}

// body replaces what the pattern finds in the bodies of a status.
func body(status int, pattern, with string) frontFunc {
	find := regexp.MustCompile(pattern)
	return rewritten(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == status {
			w.Body = bytes.NewBuffer(find.ReplaceAll(w.Body.Bytes(), []byte(with)))
		}
	})
}

// header sets a header in the answers of a status, or takes it away.
func header(status int, name, value string) frontFunc {
	return rewritten(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == status {
			w.Header().Del(name)
			if value != "" {
				w.Header().Set(name, value)
			}
		}
	})
}

// instead answers with another status and body.
func instead(status, other int, text string) frontFunc {
	return rewritten(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == status {
			w.Code, w.Body = other, bytes.NewBufferString(text)
		}
	})
}

// pagination changes a number of the list's pagination.
func pagination(name string, change func(n int, q url.Values) int) frontFunc {
	find := regexp.MustCompile(`"` + name + `":\d+`)
	return rewritten(func(r *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == 200 {
			w.Body = bytes.NewBuffer(find.ReplaceAllFunc(w.Body.Bytes(), func(text []byte) []byte {
				n, _ := strconv.Atoi(string(text[len(name)+3:]))
				return []byte(`"` + name + `":` + strconv.Itoa(change(n, r.URL.Query())))
			}))
		}
	})
}

// totals changes total_count, and total_pages with it, so that nothing but the records shows it.
func totals(change func(n int, q url.Values) int) frontFunc {
	find := regexp.MustCompile(`"page_size":(\d+),"total_count":(\d+),"total_pages":\d+`)
	return rewritten(func(r *http.Request, w *httptest.ResponseRecorder) {
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

// filters is how many filters a question has.
func filters(q url.Values) (n int) {
	for name, values := range q {
		if name != "full_history" && !strings.HasPrefix(name, "pagination.") && values[0] != "" {
			n++
		}
	}
	return n
}

// altered changes the version of records in the answers to some questions.
func altered(which func(url.Values) bool) frontFunc {
	find := regexp.MustCompile(`"version":"[^"]*"`)
	return rewritten(func(r *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == 200 && which(r.URL.Query()) {
			w.Body = bytes.NewBuffer(find.ReplaceAll(w.Body.Bytes(), []byte(`"version":"0.0.0"`)))
		}
	})
}

// empty answers pages past the end with another status.
func empty(status, code int) frontFunc {
	return rewritten(func(r *http.Request, w *httptest.ResponseRecorder) {
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

// asks changes the query before the server sees it; what cannot be read of it is lost.
func asks(change func(url.Values)) frontFunc {
	return func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			before := r.URL.Query()
			q := r.URL.Query()
			change(q)
			// A query that is not changed goes through to the byte, unless the change is that it was read.
			if lossy := strings.Contains(r.URL.RawQuery, "%zz") || strings.Contains(r.URL.RawQuery, ";"); lossy || q.Encode() != before.Encode() {
				r.URL.RawQuery = q.Encode()
			}
			next.ServeHTTP(w, r)
		})
	}
}

// refuse answers some questions itself, once the server has let the caller in and has understood.
func refuse(status int, text string, which func(url.Values) bool) frontFunc {
	return rewritten(func(r *http.Request, w *httptest.ResponseRecorder) {
		if which(r.URL.Query()) && (w.Code == 200 || w.Code == 400 && status == 200) {
			w.Code, w.Body = status, bytes.NewBufferString(text)
		}
	})
}

// lets some come in as if they had a token.
func lets(which func(http.Header) bool) frontFunc {
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

// judgedFirst tells anyone what is wrong with a query.
func judgedFirst(t testing.TB, next http.Handler) http.Handler {
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

// cutOff ends the connection in the middle of some answers.
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
