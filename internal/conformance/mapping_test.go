package conformance_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// ticketServer serves the list of testdata/tickets.yaml in steps, so that a test can break one of them.
type ticketServer struct {
	tickets []ticket
	// matches reports whether a ticket passes the filters.
	matches func(ticket, url.Values) bool
	// before orders the tickets.
	before func(a, b ticket) int
	// cut returns a page, counted from 0.
	cut func(found []ticket, page, size int) []ticket
	// total returns the number that the answer has.
	total func(found []ticket, page []ticket) int
	// answer changes the body of a list.
	answer func(body map[string]any)
	// authenticate reports whether a request may read.
	authenticate func(*http.Request) bool
	// invalid is the status of an invalid request.
	invalid int
	// maxPage and minSize are limits of the document; 0 is none.
	maxPage, minSize int
}

type ticket struct {
	Number   int    `json:"number"`
	Title    string `json:"title"`
	State    string `json:"state"`
	Assignee struct {
		Login string `json:"login"`
	} `json:"assignee"`
	OpenedAt time.Time `json:"opened_at"`
}

const ticketToken = "the-token-of-the-ticket-server"

func newTicketServer() *ticketServer {
	s := &ticketServer{
		matches: func(t ticket, q url.Values) bool {
			is := func(name, value string) bool { return q.Get(name) == "" || q.Get(name) == value }
			return is("state", t.State) && is("assignee", t.Assignee.Login) && is("title", t.Title)
		},
		before:       func(a, b ticket) int { return cmp.Compare(b.Number, a.Number) },
		cut:          cutTickets,
		total:        func(found, _ []ticket) int { return len(found) },
		answer:       func(map[string]any) {},
		authenticate: func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+ticketToken },
		invalid:      http.StatusBadRequest,
	}
	for i := range 47 {
		t := ticket{Number: 100 + i*7%47, Title: "ticket " + strconv.Itoa(i%13), State: []string{"open", "closed", "waiting"}[i*5%3], OpenedAt: time.Unix(int64(1700000000+i%20*3600), 0).UTC()}
		t.Assignee.Login = []string{"ada", "grace", "Grace", "edsger"}[i%4]
		s.tickets = append(s.tickets, t)
	}
	return s
}

func cutTickets(found []ticket, page, size int) []ticket {
	from := min(page*size, len(found))
	return found[from:min(from+size, len(found))]
}

func (s *ticketServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fail := func(status int) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status})
	}
	q := r.URL.Query()
	number := func(name string, unset, least, limit int) (int, bool) {
		if !q.Has(name) {
			return unset, true
		}
		n, err := strconv.ParseInt(q.Get(name), 10, 32)
		return int(n), err == nil && int(n) >= max(least, 1) && (limit == 0 || int(n) <= limit)
	}
	page, pageOK := number("page", 1, 1, s.maxPage)
	size, sizeOK := number("per_page", 10, s.minSize, 25)
	state := q.Get("state")
	switch {
	case !s.authenticate(r):
		fail(http.StatusUnauthorized)
		return
	case r.URL.Path != "/api/tickets":
		fail(http.StatusNotFound)
		return
	case !pageOK || !sizeOK || q.Has("state") && !slices.Contains([]string{"open", "closed", "waiting"}, state):
		fail(s.invalid)
		return
	}
	var found []ticket
	for _, t := range s.tickets {
		if s.matches(t, q) {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, s.before)
	shown := append([]ticket{}, s.cut(found, page-1, size)...)
	total := s.total(found, shown)
	text, _ := json.Marshal(map[string]any{"items": shown, "meta": map[string]any{"page": page, "per_page": size, "total": total, "pages": (total + size - 1) / size}})
	var body map[string]any
	_ = json.Unmarshal(text, &body)
	s.answer(body)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func mappingOptions(t testing.TB, s *ticketServer) conformance.Options {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	read := func(name string) []byte {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return conformance.Options{
		Target: conformance.Target{URL: server.URL, Token: ticketToken}, Document: read("testdata/tickets.yaml"), DocumentName: "tickets.yaml",
		Mapping: read("testdata/tickets.mapping.yaml"), Requests: conformance.DefaultRequests, Seed: 1, Timeout: 10 * time.Second, UserAgent: "test",
	}
}

func TestTheDocumentedMappingIsTheTestedOne(t *testing.T) {
	document, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	if mapping := mappingOptions(t, newTicketServer()).Mapping; !bytes.Contains(document, slices.Concat([]byte("```yaml\n"), mapping, []byte("```\n"))) {
		t.Error("docs/conformance.md has another mapping")
	}
}

func TestAMappedListHasNoFaults(t *testing.T) {
	result := run(t, mappingOptions(t, newTicketServer()))
	requireNoFaults(t, result)
	for _, rule := range []string{"page.base", "page.fill", "pages.agree", "pages.whole", "filter.satisfied", "filter.subset", "filter.intersection", "order.same-twice", "auth.none", "request.invalid"} {
		if outcome := resultOf(t, result, rule); outcome.Verdict != report.Kept {
			t.Errorf("%s is %q: %s", rule, outcome.Verdict, outcome.Why)
		}
	}
	if result.Has(report.Own) {
		t.Error("rules of docs/semantics.md are judged")
	}
	empty := newTicketServer()
	empty.tickets = nil
	requireNoFaults(t, run(t, mappingOptions(t, empty)))
}

// Pages and sizes beyond the limits of the document are a 400.
func TestAMappedListIsReadWithinTheLimitsOfItsDocument(t *testing.T) {
	s := newTicketServer()
	s.maxPage, s.minSize = 3, 5
	o := mappingOptions(t, s)
	for _, replace := range [][2]string{
		{"name: page, in: query, schema: {type: integer, format: int32, minimum: 1", "name: page, in: query, schema: {type: integer, format: int32, minimum: 1, maximum: 3"},
		{"name: per_page, in: query, schema: {type: integer, format: int32, minimum: 1", "name: per_page, in: query, schema: {type: integer, format: int32, minimum: 5"},
	} {
		if !bytes.Contains(o.Document, []byte(replace[0])) {
			t.Fatalf("the document lacks %s", replace[0])
		}
		o.Document = bytes.Replace(o.Document, []byte(replace[0]), []byte(replace[1]), 1)
	}
	result := run(t, o)
	requireNoFaults(t, result)
	for _, rule := range []string{"page.base", "page.fill", "page.past-end", "pages.agree", "pages.whole", "filter.satisfied", "filter.subset"} {
		if outcome := resultOf(t, result, rule); outcome.Verdict != report.Kept {
			t.Errorf("%s is %q: %s", rule, outcome.Verdict, outcome.Why)
		}
	}
	s.cut = func(found []ticket, page, size int) []ticket {
		return cutTickets(found, min(page, max(len(found)-1, 0)/size), size)
	}
	if outcome := resultOf(t, run(t, o), "page.past-end"); outcome.Verdict != report.Broken {
		t.Errorf("a page past the end is the last one, and page.past-end is %q", outcome.Verdict)
	}
}

func TestBrokenMappedListsAreDetected(t *testing.T) {
	for name, c := range map[string]struct {
		rule   string
		mutate func(*ticketServer)
	}{
		"a filter is ignored": {"filter.satisfied", func(s *ticketServer) {
			s.matches = func(t ticket, q url.Values) bool { return q.Get("state") == "" || q.Get("state") == t.State }
		}},
		"two filters together are one": {"filter.satisfied", func(s *ticketServer) {
			correct := s.matches
			s.matches = func(t ticket, q url.Values) bool {
				if q.Get("state") != "" {
					q = url.Values{"state": q["state"]}
				}
				return correct(t, q)
			}
		}},
		"a filter loses a record": {"filter.subset", func(s *ticketServer) {
			correct := s.matches
			s.matches = func(t ticket, q url.Values) bool {
				return correct(t, q) && (q.Get("assignee") == "" || t.Number%5 != 0)
			}
		}},
		"two filters find nothing": {"filter.intersection", func(s *ticketServer) {
			correct := s.matches
			s.matches = func(t ticket, q url.Values) bool {
				return correct(t, q) && (q.Get("assignee") == "" || q.Get("title") == "")
			}
		}},
		"pages overlap": {"pages.whole", func(s *ticketServer) {
			s.cut = func(found []ticket, page, size int) []ticket {
				from := max(min(page*size, len(found))-page, 0)
				return found[from:min(from+size, len(found))]
			}
		}},
		"the last page is left out": {"page.fill", func(s *ticketServer) {
			s.cut = func(found []ticket, page, size int) []ticket {
				if (page+1)*size > len(found) && page > 0 {
					return nil
				}
				return cutTickets(found, page, size)
			}
		}},
		"the order depends on the page size": {"pages.agree", func(s *ticketServer) {
			s.cut = func(found []ticket, page, size int) []ticket {
				if size%2 == 0 {
					slices.Reverse(found)
				}
				return cutTickets(found, page, size)
			}
		}},
		"the total is that of the page": {"pages.whole", func(s *ticketServer) { s.total = func(_, page []ticket) int { return len(page) } }},
		"a page past the end is the last one": {"page.past-end", func(s *ticketServer) {
			s.cut = func(found []ticket, page, size int) []ticket {
				return cutTickets(found, min(page, max(len(found)-1, 0)/size), size)
			}
		}},
		"another page number": {"page.echo", func(s *ticketServer) {
			s.answer = func(body map[string]any) { body["meta"].(map[string]any)["page"] = 1 }
		}},
		"another page size": {"page.size-echo", func(s *ticketServer) {
			s.answer = func(body map[string]any) { body["meta"].(map[string]any)["per_page"] = 25 }
		}},
		"one page too many": {"page.total-pages", func(s *ticketServer) {
			s.answer = func(body map[string]any) { body["meta"].(map[string]any)["pages"] = 99 }
		}},
		"a missing property": {"body.required", func(s *ticketServer) {
			s.answer = func(body map[string]any) { delete(body["meta"].(map[string]any), "pages") }
		}},
		"null for a list": {"body.null", func(s *ticketServer) {
			s.answer = func(body map[string]any) {
				if len(body["items"].([]any)) == 0 {
					body["items"] = nil
				}
			}
		}},
		"no token is needed":  {"auth.none", func(s *ticketServer) { s.authenticate = func(*http.Request) bool { return true } }},
		"422 for a bad value": {"request.invalid", func(s *ticketServer) { s.invalid = http.StatusUnprocessableEntity }},
		"an order that is random": {"order.same-twice", func(s *ticketServer) {
			random := lockedRandom()
			s.cut = func(found []ticket, page, size int) []ticket {
				shown := cutTickets(found, page, size)
				random(func(r *rand.Rand) { r.Shuffle(len(shown), func(i, j int) { shown[i], shown[j] = shown[j], shown[i] }) })
				return shown
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTicketServer()
			c.mutate(s)
			result := run(t, mappingOptions(t, s))
			if outcome := resultOf(t, result, c.rule); outcome.Verdict != report.Broken {
				var text bytes.Buffer
				_ = result.Write(&text, "text")
				t.Errorf("%s is %q:\n%s", c.rule, outcome.Verdict, text.String())
			}
		})
	}
}

func TestMappingsThatDoNotFitAreReported(t *testing.T) {
	const valid = "path: /api/tickets\nrecords: items\nid: number\npage: {parameter: page}\nsize: {parameter: per_page}\ntotal: meta.total\n"
	for mapping, want := range map[string][]string{
		"path: /api/tickets\npages: 3\nsort: x":                                 {"line 3: field sort not found", "it has path, records, id"},
		"path: /api/tickets":                                                    {"the mapping lacks id, total, page.parameter, size.parameter"},
		strings.Replace(valid, "tickets", "users", 1):                           {"path: the document has no GET /api/users; it has /api/tickets, /api/users/{login}"},
		strings.Replace(valid, "records: items", "records: tickets", 1):         {`records: the body has no list at "tickets"`},
		strings.Replace(valid, "meta.total", "meta.count", 1):                   {"total: the body has no meta.count"},
		strings.Replace(valid, "number", "uuid", 1) + "filters: {owner: title}": {"id: a record has no uuid", "filters: owner is no parameter of GET /api/tickets that is a text"},
		valid + "filters: {assignee: assignee.name}":                            {"filters: a record has no text at assignee.name, by which assignee filters"},
	} {
		o := mappingOptions(t, newTicketServer())
		o.Mapping = []byte(mapping)
		result, err := conformance.Run(t.Context(), o)
		for _, text := range want {
			if result != nil || err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: got %v, want %s", mapping, err, text)
			}
		}
	}
	o := mappingOptions(t, newTicketServer())
	o.Strict = true
	if _, err := conformance.Run(t.Context(), o); err == nil || !strings.Contains(fmt.Sprint(err), "with a mapping, the rules of docs/semantics.md") {
		t.Errorf("got %v", err)
	}
}
