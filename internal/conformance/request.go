package conformance

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// pair is a parameter with its value.
type pair struct{ name, value string }

// question is what a list is asked, in the order of the URL.
type question []pair

// with adds pairs, written name, value, name, value.
func (q question) with(pairs ...string) question {
	longer := append(question(nil), q...)
	for i := 0; i+1 < len(pairs); i += 2 {
		longer = append(longer, pair{pairs[i], pairs[i+1]})
	}
	return longer
}

// without leaves out the pair of this number.
func (q question) without(i int) question {
	return append(append(question(nil), q[:i]...), q[i+1:]...)
}

// get finds a parameter's value, and whether it is there.
func (q question) get(name string) (string, bool) {
	for _, p := range q {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

func (q question) encode() string {
	parts := make([]string, len(q))
	for i, p := range q {
		parts[i] = escape(p.name) + "=" + escape(p.value)
	}
	return strings.Join(parts, "&")
}

// escape leaves nothing in a URL that a shell, or a person, would trip over.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// credentials are what a request says of who asks.
type credentials int

const (
	withToken credentials = iota
	noCredentials
	garbageToken
	otherScheme
	alteredToken
	unsignedToken
	tokenTwice
	lowerCaseScheme
)

const (
	garbage = "not-a-token"
	// unsignedHeader is {"alg":"none","typ":"JWT"}.
	unsignedHeader = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
	// basic is "user:password".
	basic = "dXNlcjpwYXNzd29yZA=="
)

// headers are the values of Authorization, of a token or of the text that stands for one.
func (c credentials) headers(token string) []string {
	switch c {
	case noCredentials:
		return nil
	case garbageToken:
		return []string{"Bearer " + garbage}
	case otherScheme:
		return []string{"Basic " + basic}
	case alteredToken:
		return []string{"Bearer " + altered(token)}
	case unsignedToken:
		_, rest, _ := strings.Cut(token, ".")
		payload, _, _ := strings.Cut(rest, ".")
		return []string{"Bearer " + unsignedHeader + "." + payload + "."}
	case tokenTwice:
		return []string{"Bearer " + token, "Bearer " + token}
	case lowerCaseScheme:
		return []string{"bearer " + token}
	default:
		return []string{"Bearer " + token}
	}
}

// altered replaces the last characters, which are those of a JWT's signature.
func altered(token string) string {
	const end = 4
	if len(token) <= end {
		return token + "AAAA"
	}
	other := "AAAA"
	if strings.HasSuffix(token, other) {
		other = "BBBB"
	}
	return token[:len(token)-end] + other
}

// shell writes the headers for a command line on which $TOKEN is the token.
func (c credentials) shell() (arguments []string) {
	switch c {
	case alteredToken:
		return []string{`-H "Authorization: Bearer ${TOKEN%????}AAAA"`}
	case unsignedToken:
		return []string{`-H "Authorization: Bearer ` + unsignedHeader + `.$(printf %s "$TOKEN" | cut -d. -f2)."`}
	}
	for _, header := range c.headers("$TOKEN") {
		arguments = append(arguments, `-H "Authorization: `+header+`"`)
	}
	return arguments
}

// request is one that can be sent again.
type request struct {
	credentials
	// path is the whole path, below the URL of the server; it is the list's unless a test asks for another.
	path string
	// query is as it goes out.
	query string
	// asked is what the query says, if it was made of pairs; nil if it was not.
	asked question
}

// curl is the command that sends the request, with the token left out.
func (r request) curl(base string) string {
	address := base + r.path
	if r.query != "" {
		address += "?" + r.query
	}
	parts := append([]string{"curl -sS -i"}, r.shell()...)
	return strings.Join(append(parts, "'"+strings.ReplaceAll(address, "'", `'\''`)+"'"), " ")
}

// answer is what came back.
type answer struct {
	request request
	status  int
	header  http.Header
	body    []byte
	value   *value
	// list is what a 200 of the list has, as far as it can be read; nil otherwise.
	list *list
}

// list is an answer's records and pagination. Numbers that are missing are -1.
type list struct {
	records                  []*value
	page, size, total, pages int64
}

func readList(v *value) *list {
	records, pagination := v.member(recordsField), v.member(pageField)
	if records == nil && pagination == nil {
		return nil
	}
	l := &list{page: -1, size: -1, total: -1, pages: -1}
	if records != nil {
		l.records = records.items
	}
	for name, number := range map[string]*int64{"page": &l.page, "page_size": &l.size, "total_count": &l.total, "total_pages": &l.pages} {
		if n, ok := pagination.integer(name); ok {
			*number = n
		}
	}
	return l
}

// ids are those of the records.
func ids(records []*value) []string {
	all := make([]string, len(records))
	for i, record := range records {
		all[i], _ = record.string("id")
	}
	return all
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
