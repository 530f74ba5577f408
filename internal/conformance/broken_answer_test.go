package conformance_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// brokenAnswers are servers with wrong headers, bodies, statuses, validation or authentication.
var brokenAnswers = []struct {
	name  string
	rule  string
	front func(t testing.TB, next http.Handler) http.Handler
	// more reports that the server breaks metamorphic relations or the document too.
	more bool
}{
	{"null for an empty list", "body.null", replaceBody(200, `"deployment_records":\[\]`, `"deployment_records":null`), false},
	{"null for a missing name", "body.null", replaceBody(200, `"name":"[^"]*wéb"`, `"name":null`), false},
	{"a missing field", "own.fields", replaceBody(200, `"last_seen_at":"[^"]*",`, ``), false},
	{"an undeclared field", "body.undeclared", replaceBody(200, `"last_seen_at"`, `"region":"eu","last_seen_at"`), false},
	{"an undeclared field beside the list", "body.undeclared", replaceBody(200, `"pagination":`, `"next":1,"pagination":`), false},
	{"a wrong code in an error's body", "error.code", replaceBody(400, `"code":3`, `"code":13`), false},
	{"a code that is a text", "body.type", replaceBody(401, `"code":16`, `"code":"16"`), false},
	{"an error without a message", "body.required", replaceBody(400, `,"message":"[^"]*"`, ``), false},
	{"text/plain for an error", "answer.content-type", replaceHeader(400, "Content-Type", "text/plain; charset=utf-8"), false},
	{"a text for an error", "body.json", replaceBody(400, `(?s).*`, `bad request`), false},
	{"HTML for a 401", "answer.content-type", replaceHeader(401, "Content-Type", "text/html"), false},
	{"no Content-Type", "answer.content-type", replaceHeader(200, "Content-Type", ""), false},
	{"answers may be stored", "own.no-store", replaceHeader(200, "Cache-Control", "max-age=60"), false},
	{"a date without a zone", "body.format", replaceBody(200, `("updated_at":"[^"]*)Z"`, `$1"`), false},
	{"a date with a space", "body.format", replaceBody(200, `("created_at":"[^"T]*)T`, `$1 `), false},
	{"a date in another zone", "own.times", replaceBody(200, `("updated_at":"[^"]*)Z"`, `$1+00:00"`), false},
	{"an update before the creation", "own.time-order", replaceBody(200, `"updated_at":"2026`, `"updated_at":"2025`), false},
	{"ids in capitals", "own.uuids", replaceBody(200, `"artifact_id":"[^"]*"`, `"artifact_id":"A0000000-0000-4000-8000-00000000000A"`), false},
	{"bytes after the body", "body.json", replaceBody(200, `\s*$`, "\n{}\n"), false},
	{"half a body", "body.json", rewriteAnswer(func(r *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == 200 && r.URL.Query().Has("full_history") {
			w.Body.Truncate(w.Body.Len() / 2)
		}
	}), true},
	{"invalid UTF-8", "body.json", replaceBody(200, `wéb`, "w\xe9b"), true},
	{"a property twice", "body.duplicates", replaceBody(200, `"pagination":`, `"pagination":{},"pagination":`), false},
	{"a number as a text", "body.type", replaceBody(200, `"total_count":(\d+)`, `"total_count":"$1"`), false},
	{"a number with a fraction", "body.type", replaceBody(200, `"page_size":(\d+)`, `"page_size":$1.5`), false},
	{"a number beyond its format", "body.type", replaceBody(200, `"total_count":\d+`, `"total_count":4294967296`), false},
	{"a list that is an object", "body.type", replaceBody(200, `"deployment_records":\[\]`, `"deployment_records":{}`), false},
	{"an unknown status", "body.enum", replaceBody(200, `"status":"DEPLOYED"`, `"status":"RUNNING"`), true},
	{"total_pages with one too many", "page.total-pages", rewritePagination("total_pages", func(n int, _ url.Values) int { return n + 1 }), false},
	{"a wrong page number", "page.echo", rewritePagination("page", func(n int, _ url.Values) int { return n + 1 }), false},
	{"the default as page_size of every page", "page.size-echo", rewritePagination("page_size", func(int, url.Values) int { return 20 }), true},
	{"an unreported clamp", "pages.whole", rewritePagination("page_size", func(n int, q url.Values) int {
		if asked, err := strconv.Atoi(q.Get("pagination.page_size")); err == nil {
			return max(n, asked)
		}
		return n
	}), true},
	{"a clamp that errors", "page.clamp", answerIf(400, `{"code":3,"message":"too large","details":["pagination.page_size: is too large"]}`, func(q url.Values) bool {
		n, err := strconv.Atoi(q.Get("pagination.page_size"))
		return err == nil && n > 20 && n < 1<<31
	}), false},
	{"a clamp to the default far above the maximum", "page.clamp", rewriteQuery(func(q url.Values) {
		if n, _ := strconv.Atoi(q.Get("pagination.page_size")); n == 100000 {
			q.Set("pagination.page_size", "10")
		}
	}), true},
	{"404 past the end", "page.past-end", replacePastEnd(404, 5), false},
	{"404 for an unused name", "own.unknown-name", answerIf(404, `{"code":5,"message":"not found","details":[]}`, func(q url.Values) bool {
		return strings.ContainsAny(q.Get("environment_name"), "<世'\\") || len(q.Get("environment_name")) > 200
	}), false},
	{"500 for a bad enum", "request.invalid", replaceStatus(400, 500, `{"code":13,"message":"an internal error occurred","details":[]}`), false},
	{"422 for a bad value", "request.invalid", replaceStatus(400, 422, `{"code":3,"message":"bad"}`), false},
	{"a bad enum is ignored", "request.invalid", rewriteQuery(func(q url.Values) {
		if s := q.Get("status"); s != "" && s == strings.Trim(s, "DEPLOYMISNUCAR_") {
			q.Del("status")
		} else if strings.HasPrefix(s, "NO") {
			q.Del("status")
		}
	}), false},
	{"an enum in lower case", "request.invalid", rewriteQuery(func(q url.Values) {
		if q.Has("artifact_kind") {
			q.Set("artifact_kind", strings.ToUpper(q.Get("artifact_kind")))
		}
	}), false},
	{"an invalid boolean is false", "request.invalid", rewriteQuery(func(q url.Values) {
		if v := q.Get("full_history"); v != "true" && v != "" {
			q.Set("full_history", "false")
		}
	}), true},
	{"numbers wrap around", "request.invalid", rewriteQuery(func(q url.Values) {
		if n, err := strconv.ParseInt(q.Get("pagination.page"), 10, 64); err == nil && n >= 1<<31 {
			q.Set("pagination.page", strconv.Itoa(int(uint32(n)>>1)))
		}
	}), false},
	{"TRUE is true", "own.spelling", rewriteQuery(func(q url.Values) {
		if strings.EqualFold(q.Get("full_history"), "true") {
			q.Set("full_history", "true")
		}
	}), false},
	{"leading zeros", "own.spelling", rewriteQuery(func(q url.Values) {
		if text := q.Get("pagination.page_size"); len(text) > 1 {
			q.Set("pagination.page_size", strings.TrimLeft(text, "0"))
		}
	}), false},
	{"an empty enum is none", "own.spelling", rewriteQuery(func(q url.Values) {
		if q.Get("status") == "" {
			q.Del("status")
		}
	}), false},
	{"negative is 0", "own.negative", rewriteQuery(func(q url.Values) {
		if strings.HasPrefix(q.Get("pagination.page"), "-") && !strings.HasPrefix(q.Get("pagination.page"), "-2147483649") {
			q.Set("pagination.page", "0")
		}
	}), true},
	{"size 0 is 1", "own.page-size-default", rewriteQuery(func(q url.Values) {
		if q.Get("pagination.page_size") == "0" {
			q.Set("pagination.page_size", "1")
		}
	}), false},
	{"the first of two", "own.repeated", rewriteQuery(func(q url.Values) {
		for name := range q {
			q[name] = q[name][:1]
		}
	}), false},
	{"bad pairs are dropped", "own.encoding", rewriteQuery(func(url.Values) {}), false},
	{"NUL is dropped", "own.encoding", rewriteQuery(func(q url.Values) {
		for name := range q {
			for i := range q[name] {
				q[name][i] = strings.ReplaceAll(q[name][i], "\x00", "")
			}
		}
	}), false},
	{"unknown parameters are refused", "own.unknown-parameter", answerIf(400, `{"code":3,"message":"unknown","details":["query: unknown"]}`, func(q url.Values) bool { return q.Has("no_such_parameter") }), false},
	{"names of parameters in any case", "own.unknown-parameter", rewriteQuery(func(q url.Values) {
		for name, values := range q {
			q[strings.ToLower(name)] = values
		}
	}), false},
	{"an empty filter finds empty values", "own.empty-text", answerIf(200, emptyList, func(q url.Values) bool { return q.Has("artifact_digest") && q.Get("artifact_digest") == "" }), true},
	{"a version without its project finds nothing", "own.needs", answerIf(200, emptyList, func(q url.Values) bool { return q.Get("project_version_name") != "" && q.Get("project_name") == "" }), true},
	{"the unspecified status finds nothing", "parameter.default", answerIf(200, emptyList, func(q url.Values) bool { return q.Get("status") == "DEPLOYMENT_STATUS_UNSPECIFIED" }), true},
	{"full_history=false is true", "latest.default", rewriteQuery(func(q url.Values) {
		if q.Get("full_history") == "false" {
			q.Set("full_history", "true")
		}
	}), true},
	{"an explicit page is the next one", "page.base", rewriteQuery(func(q url.Values) {
		if n, err := strconv.Atoi(q.Get("pagination.page")); err == nil && n >= 0 && n < 1000 {
			q.Set("pagination.page", strconv.Itoa(n+1))
		}
	}), true},
	{"one violation at a time", "own.all-faults", replaceBody(400, `"details":\[("[^"]*(?:\\"[^"]*)*"),.*\]`, `"details":[$1]`), false},
	{"a detail without its parameter", "own.error-details", replaceBody(400, `"details":\["[a-z._]*: `, `"details":["`), true},
	{"an error with internals", "own.internals", replaceBody(400, `"message":"`, `"message":"ERROR: pq: SELECT failed: `), false},
	{"an error without details", "own.error-form", replaceBody(401, `"details":\[[^]]*\],`, ``), false},
	{"an incomplete answer", "answer.complete", cutOff, true},

	{"no token is needed", "auth.none", authenticateIf(func(h http.Header) bool { return h.Get("Authorization") == "" }), false},
	{"any token is accepted", "auth.garbage", authenticateIf(func(h http.Header) bool { return h.Get("Authorization") == "Bearer not-a-token" }), false},
	{"any scheme is accepted", "auth.scheme", authenticateIf(func(h http.Header) bool { return strings.HasPrefix(h.Get("Authorization"), "Basic") }), false},
	{"signatures are not verified", "auth.altered", authenticateIf(func(h http.Header) bool { return strings.HasSuffix(h.Get("Authorization"), "AAAA") }), false},
	{"alg none", "auth.unsigned", authenticateIf(func(h http.Header) bool { return strings.HasSuffix(h.Get("Authorization"), ".") }), false},
	{"403 for no token", "auth.none", replaceStatus(401, 403, `{"code":7,"message":"no","details":["no"]}`), false},
	{"validation before authentication", "own.auth-first", validateFirst, false},
	{"no challenge", "own.challenge", replaceHeader(401, "WWW-Authenticate", ""), false},
	{"invalid_token without a token", "own.challenge", replaceHeader(401, "WWW-Authenticate", `Bearer error="invalid_token"`), false},
	{"an unimplemented kind", "request.valid", answerIf(501, `{"code":12,"message":"not implemented","details":[]}`, func(q url.Values) bool { return q.Get("artifact_kind") == "HELM_CHART" }), false},
	{"500 for two filters together", "request.valid", answerIf(500, `{"code":13,"message":"an error occurred","details":[]}`, func(q url.Values) bool {
		return q.Get("artifact_kind") != "" && q.Get("deployment_name") != ""
	}), false},
	{"400 for two filters together", "request.valid", answerIf(400, `{"code":3,"message":"no","details":["query: no"]}`, func(q url.Values) bool {
		return q.Get("artifact_digest") != "" && q.Get("deployment_name") != ""
	}), false},
	{"Retry-After with a 400", "own.error-headers", replaceHeader(400, "Retry-After", "5"), false},
	{"a total of 0 with records", "page.size-kept", replaceBody(200, `"total_count":1,`, `"total_count":0,`), true},
	{"the total of filters together is one too many", "pages.whole", rewriteTotals(func(n int, q url.Values) int {
		if countFilters(q) > 1 {
			n++
		}
		return n
	}), true},
	{"the total of latest records with a filter is one too many", "pages.whole", rewriteTotals(func(n int, q url.Values) int {
		if countFilters(q) > 0 && !q.Has("full_history") && n > 0 {
			n++
		}
		return n
	}), true},
	{"two filters together find nothing without full_history", "latest.filtered", answerIf(200, emptyList, func(q url.Values) bool {
		return q.Get("status") != "" && q.Get("artifact_kind") != "" && !q.Has("full_history")
	}), true},
	{"another version in the records of a filter", "filter.subset", replaceVersion(func(q url.Values) bool { return q.Get("environment_name") != "" }), true},
	{"another version in the records of filters together", "filter.intersection", replaceVersion(func(q url.Values) bool { return countFilters(q) > 1 }), true},
	{"another version in the latest records", "latest.subset", replaceVersion(func(q url.Values) bool { return !q.Has("full_history") }), true},
	{"another version in latest records with a filter", "latest.filtered", replaceVersion(func(q url.Values) bool {
		return !q.Has("full_history") && q.Has("status")
	}), true},
	{"another version on small pages", "pages.agree", replaceVersion(func(q url.Values) bool {
		n, err := strconv.Atoi(q.Get("pagination.page_size"))
		return err == nil && n > 0 && n < 20
	}), true},
	{"Bearer in one case", "own.scheme-case", func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Authorization"), "bearer") {
				r.Header.Del("Authorization")
			}
			next.ServeHTTP(w, r)
		})
	}, false},
	{"a slash at the end is the same", "own.routes", func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
			next.ServeHTTP(w, r)
		})
	}, false},
	{"the first of two tokens", "own.two-tokens", func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Authorization", r.Header.Get("Authorization"))
			next.ServeHTTP(w, r)
		})
	}, true},
}
