package conformance_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// otherTokens returns a token of each kind.
func otherTokens(t testing.TB) map[string]string {
	read, write := []auth.Scope{auth.ReadDeployments}, []auth.Scope{auth.WriteDeployments}
	tokens := make(map[string]string)
	for kind, request := range map[string]auth.MintRequest{
		"expired":      {Organization: "acme", Scopes: read, Now: time.Now().Add(-2 * time.Hour)},
		"no-scope":     {Organization: "acme"},
		"read-only":    {Organization: "acme", Scopes: read},
		"write-only":   {Organization: "acme", Scopes: write},
		"project":      {Organization: "acme", Scopes: read, Project: "shop"},
		"organization": {Organization: "globex", Scopes: read},
	} {
		request.TTL, request.Subject = time.Hour, kind
		text, err := auth.Mint(secret, request)
		if err != nil {
			t.Fatal(err)
		}
		tokens[kind] = text
	}
	return tokens
}

// tokenOptions returns the settings of a run with a token of each kind, which hardly judges the list.
func tokenOptions(t testing.TB, url string) conformance.Options {
	o := options(t, url)
	o.Requests, o.Strict = 20, false
	o.RecordingDocument, o.OtherTokens = contract.RecordingOpenAPI(), otherTokens(t)
	return o
}

func TestThisServerKeepsTheRulesOfTokens(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, engine.URL(t))
			storetest.Load(t, s, "acme", history(3)...)
			entries := history(1)
			for i := range entries {
				entries[i].Record.ID = entries[len(entries)-1-i].Record.ID[:8] + "-ffff-4fff-8fff-ffffffffffff"
			}
			storetest.Load(t, s, "globex", entries...)
			o := tokenOptions(t, newServer(t, s, nil, smallPages))
			result := run(t, o)
			requireNoFaults(t, result)
			for _, r := range result.Rules {
				if r.Basis == report.Tokens && r.Verdict != report.Kept {
					t.Errorf("%s is %q: %s", r.ID, r.Verdict, r.Why)
				}
			}
			var text bytes.Buffer
			for _, format := range conformance.Formats {
				if err := result.Write(&text, format); err != nil {
					t.Fatal(err)
				}
			}
			for kind, token := range o.OtherTokens {
				if strings.Contains(text.String(), token) {
					t.Errorf("a report contains the token of the kind %s", kind)
				}
			}
		})
	}
}

// scopedStore changes the scope of lists.
type scopedStore struct {
	*store
	change func(*deployments.Scope, deployments.Query)
}

func (m scopedStore) List(ctx context.Context, scope deployments.Scope, q deployments.Query) (deployments.Result, error) {
	m.change(&scope, q)
	return m.store.List(ctx, scope, q)
}

// withKind calls a handler for requests with the token of a kind. It is the subject of the token.
func withKind(kind string, handle func(w http.ResponseWriter, r *http.Request) (done bool)) middleware {
	return func(_ testing.TB, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if parts := strings.Split(r.Header.Get("Authorization"), "."); len(parts) == 3 {
				payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
				if strings.Contains(string(payload), `"sub":"`+kind+`"`) && handle(w, r) {
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// asIf lets the token of a kind count as one that may read and record, for a method.
func asIf(kind, method string) middleware {
	return func(t testing.TB, next http.Handler) http.Handler {
		good := "Bearer " + token(t, auth.ReadDeployments, auth.WriteDeployments)
		return withKind(kind, func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == method {
				r.Header.Set("Authorization", good)
			}
			return false
		})(t, next)
	}
}

// refuseIf answers some requests with the token of a kind with 403.
func refuseIf(kind string, which func(*http.Request) bool) middleware {
	return withKind(kind, func(w http.ResponseWriter, r *http.Request) bool {
		if !which(r) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"code":7,"message":"no","details":["no"]}`))
		return true
	})
}

// brokenTokens are servers that break the rules of several tokens.
var brokenTokens = []struct {
	name  string
	rule  string
	scope func(*deployments.Scope, deployments.Query) // nil for the correct one
	front middleware                                  // nil for none
	// variables have the tokens of the commands that show the fault.
	variables []string
}{
	{"expired tokens are accepted", "tokens.expired", nil, asIf("expired", http.MethodGet), []string{"TOKEN_EXPIRED"}},
	{"a token without scopes reads", "tokens.no-scope", nil, asIf("no-scope", http.MethodGet), []string{"TOKEN_NO_SCOPE"}},
	{"a token for recording reads", "tokens.write-only", nil, asIf("write-only", http.MethodGet), []string{"TOKEN_WRITE_ONLY"}},
	{"a token for reading records", "tokens.read-only", nil, asIf("read-only", http.MethodPost), []string{"TOKEN_READ_ONLY"}},
	{"a token for reading does not read", "tokens.read-only", nil, refuseIf("read-only", func(*http.Request) bool { return true }), []string{"TOKEN_READ_ONLY"}},
	{"a token with a project records", "tokens.project-records", nil, asIf("project", http.MethodPost), []string{"TOKEN_PROJECT"}},
	{"a project is ignored", "tokens.project", func(s *deployments.Scope, _ deployments.Query) { s.Project = "" }, nil, []string{"TOKEN_PROJECT", "TOKEN"}},
	{"a project is ignored in the history", "tokens.project", func(s *deployments.Scope, q deployments.Query) {
		if q.History == deployments.All {
			s.Project = ""
		}
	}, nil, []string{"TOKEN_PROJECT", "TOKEN"}},
	{"a project is ignored with a filter", "tokens.project", func(s *deployments.Scope, q deployments.Query) {
		if q.EnvironmentName != "" {
			s.Project = ""
		}
	}, nil, []string{"TOKEN_PROJECT", "TOKEN"}},
	{"organizations are ignored", "tokens.organization", func(s *deployments.Scope, _ deployments.Query) { s.Organization = "acme" }, nil, []string{"TOKEN_ORGANIZATION"}},
	{"organizations are ignored in the history", "tokens.organization", func(s *deployments.Scope, q deployments.Query) {
		if q.History == deployments.All {
			s.Organization = "acme"
		}
	}, nil, []string{"TOKEN_ORGANIZATION"}},
	{"a name of another organization is a 403", "tokens.hidden", nil, refuseIf("organization", func(r *http.Request) bool {
		return r.URL.Query().Get("deployment_name") != "" && !strings.HasPrefix(r.URL.Query().Get("deployment_name"), "no-such")
	}), []string{"TOKEN_ORGANIZATION", "TOKEN_ORGANIZATION"}},
	{"no challenge with a 403", "tokens.challenge", nil, replaceHeader(403, "WWW-Authenticate", ""), []string{"TOKEN_NO_SCOPE"}},
}

func TestBrokenRulesOfTokensAreDetected(t *testing.T) {
	for _, c := range brokenTokens {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serverStore(correctStore())
			if c.scope != nil {
				s = scopedStore{correctStore(), c.scope}
			}
			var front func(http.Handler) http.Handler
			if c.front != nil {
				front = func(next http.Handler) http.Handler { return c.front(t, next) }
			}
			result := run(t, tokenOptions(t, newServer(t, s, front, smallPages)))
			outcome := resultOf(t, result, c.rule)
			if outcome.Verdict != report.Broken || !slices.Equal(variables(outcome.Shown[0]), c.variables) {
				var text bytes.Buffer
				_ = result.Write(&text, "text")
				t.Errorf("%s is %q: %+v\n%s", c.rule, outcome.Verdict, outcome.Shown, text.String())
			}
		})
	}
}

// variables returns the variables with the tokens of the commands of a fault.
func variables(fault report.Fault) (names []string) {
	for _, command := range fault.Requests {
		_, rest, _ := strings.Cut(command, "Bearer $")
		name, _, _ := strings.Cut(rest, `"`)
		names = append(names, name)
	}
	return names
}

// Other servers write challenges in other ways.
func TestChallengesMayHaveOtherParts(t *testing.T) {
	front := rewriteAnswer(func(_ *http.Request, w *httptest.ResponseRecorder) {
		if got := w.Header().Get("WWW-Authenticate"); got != "" {
			scheme, rest, _ := strings.Cut(got, " ")
			w.Header().Set("WWW-Authenticate", `Basic realm="a, b"`)
			w.Header().Add("WWW-Authenticate", strings.TrimSuffix(strings.ToUpper(scheme)+` realm="c", `+rest, ", "))
		}
	})
	o := tokenOptions(t, newServer(t, correctStore(), func(next http.Handler) http.Handler { return front(t, next) }, smallPages))
	o.Strict, o.Requests = true, conformance.DefaultRequests
	result := run(t, o)
	requireNoFaults(t, result)
	for _, rule := range []string{"own.challenge", "tokens.challenge"} {
		if got := resultOf(t, result, rule); got.Verdict != report.Kept {
			t.Errorf("%s is %q", rule, got.Verdict)
		}
	}
}

// A token that never works sees no records, which proves nothing.
func TestATokenOfAnotherOrganizationMustWork(t *testing.T) {
	o := tokenOptions(t, newServer(t, correctStore(), nil, smallPages))
	o.OtherTokens = map[string]string{"organization": o.OtherTokens["expired"]}
	result := run(t, o)
	for _, rule := range []string{"tokens.organization", "tokens.hidden"} {
		if got := resultOf(t, result, rule); got.Verdict != report.NotJudged || !strings.HasPrefix(got.Why, "the token of another organization is answered with 401 Unauthorized") {
			t.Errorf("got %+v", got)
		}
	}
}

// The claim names the project of the token, and --value another one.
func TestTheProjectOfATokenIsThatOfItsClaim(t *testing.T) {
	o := tokenOptions(t, newServer(t, correctStore(), nil, smallPages))
	o.OtherTokens = map[string]string{"project": o.OtherTokens["project"]}
	o.Values["project_name"] = []string{"another-project"}
	result := run(t, o)
	if got := resultOf(t, result, "tokens.project"); got.Verdict != report.Kept {
		t.Errorf("got %+v", got)
	}
	// Without a claim that the suite can read, it is that of --value.
	project := o.OtherTokens["project"]
	front := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer opaque" {
				r.Header.Set("Authorization", "Bearer "+project)
			}
			next.ServeHTTP(w, r)
		})
	}
	for value, want := range map[string]report.Verdict{"shop": report.Kept, "another-project": report.Broken} {
		o := tokenOptions(t, newServer(t, correctStore(), front, smallPages))
		o.OtherTokens = map[string]string{"project": "opaque"}
		o.Values["project_name"] = []string{value}
		if got := resultOf(t, run(t, o), "tokens.project"); got.Verdict != want {
			t.Errorf("--value project_name=%s: got %+v", value, got)
		}
	}
}

func TestTokensThatAreNotThereAreNotJudged(t *testing.T) {
	o := tokenOptions(t, newServer(t, correctStore(), nil, smallPages))
	o.OtherTokens = map[string]string{"expired": o.OtherTokens["expired"]}
	result := run(t, o)
	if got := resultOf(t, result, "tokens.project"); got.Verdict != report.NotJudged || got.Why != "there is no token of the kind project" {
		t.Errorf("got %+v", got)
	}
	if got := resultOf(t, result, "tokens.expired"); got.Verdict != report.Kept {
		t.Errorf("got %+v", got)
	}
	if result := run(t, options(t, o.URL)); result.Has(report.Tokens) {
		t.Error("a run with one token has rules of several")
	}
}
