package client

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Pair is a query parameter with its value.
type Pair struct{ Name, Value string }

// Query is a list of query parameters, in the order of the URL.
type Query []Pair

// With returns the query with pairs added, written name, value, name, value.
func (q Query) With(pairs ...string) Query {
	longer := slices.Clone(q)
	for i := 0; i+1 < len(pairs); i += 2 {
		longer = append(longer, Pair{pairs[i], pairs[i+1]})
	}
	return longer
}

// Append returns the query followed by another.
func (q Query) Append(more Query) Query { return slices.Concat(q, more) }

// Without returns the query without one of its pairs.
func (q Query) Without(i int) Query { return slices.Concat(q[:i], q[i+1:]) }

// Get returns the value of a parameter and whether the query contains it.
func (q Query) Get(name string) (string, bool) {
	for _, p := range q {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// Has reports whether the query has a parameter.
func (q Query) Has(name string) bool {
	_, ok := q.Get(name)
	return ok
}

// Encode returns the query as it stands in a URL.
func (q Query) Encode() string {
	parts := make([]string, len(q))
	for i, p := range q {
		parts[i] = Escape(p.Name) + "=" + Escape(p.Value)
	}
	return strings.Join(parts, "&")
}

// Escape escapes text for a query. It leaves no character that a shell interprets.
func Escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// Credentials selects the Authorization headers of a request.
type Credentials int

// The credentials that probes send.
const (
	WithToken Credentials = iota
	NoCredentials
	GarbageToken
	OtherScheme
	AlteredToken
	UnsignedToken
	TokenTwice
	LowerCaseScheme
)

// TokenVariable is the shell variable that has the token in commands.
const TokenVariable = "TOKEN"

// Shell expressions for the parts of a token; headers replaces them by their values.
const (
	tokenExpr   = "$" + TokenVariable
	alteredExpr = "${TOKEN%????}AAAA"
	payloadExpr = `$(printf %s "$TOKEN" | cut -d. -f2)`
)

// authorization has the values of Authorization, as a shell expands them.
var authorization = map[Credentials][]string{
	WithToken:    {"Bearer " + tokenExpr},
	GarbageToken: {"Bearer not-a-token"},
	OtherScheme:  {"Basic dXNlcjpwYXNzd29yZA=="}, // user:password
	AlteredToken: {"Bearer " + alteredExpr},
	// The header is {"alg":"none","typ":"JWT"}.
	UnsignedToken:   {"Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + payloadExpr + "."},
	TokenTwice:      {"Bearer " + tokenExpr, "Bearer " + tokenExpr},
	LowerCaseScheme: {"bearer " + tokenExpr},
}

// NeedJWT reports whether the credentials can be made from a signed JWT only.
func (c Credentials) NeedJWT() bool { return c == AlteredToken || c == UnsignedToken }

// headers returns the values of Authorization for a token.
func (c Credentials) headers(token string) (headers []string) {
	parts := strings.SplitN(token+"..", ".", 3)
	expand := strings.NewReplacer(payloadExpr, parts[1], alteredExpr, alterSignature(token), tokenExpr, token)
	for _, header := range authorization[c] {
		headers = append(headers, expand.Replace(header))
	}
	return headers
}

// alterSignature replaces the last characters, which belong to a JWT's signature.
func alterSignature(token string) string {
	replacement := "AAAA"
	if strings.HasSuffix(token, replacement) {
		replacement = "BBBB"
	}
	return token[:max(len(token)-len(replacement), 0)] + replacement
}

// Request is a request that can be sent again: a GET or, with a body, a POST.
type Request struct {
	Credentials
	// Body is the JSON of a POST, or "". Key is its Idempotency-Key, or "".
	Body, Key string
	// Path is the whole path below the server's URL.
	Path string
	// RawQuery is the query as sent.
	RawQuery string
	// Query is the decoded query. It is nil if servers may decode RawQuery differently.
	Query Query
}

// NewRequest returns a request with the token.
func NewRequest(path string, q Query) Request {
	return Request{Path: path, RawQuery: q.Encode(), Query: q}
}

// As returns the request with other credentials.
func (r Request) As(c Credentials) Request {
	r.Credentials = c
	return r
}

// Ambiguous returns the request without its decoded query: servers may read it differently, so the suite does not check the
// records of the answer against it.
func (r Request) Ambiguous() Request {
	r.Query = nil
	return r
}

func (r Request) method() string {
	if r.Body != "" {
		return http.MethodPost
	}
	return http.MethodGet
}

// Curl returns the command that sends the request, with a shell variable such as [TokenVariable] in place of the token.
func (r Request) Curl(base, variable string) string {
	address := base + r.Path
	if r.RawQuery != "" {
		address += "?" + r.RawQuery
	}
	var command strings.Builder
	command.WriteString("curl -sS -i")
	if r.Body != "" {
		command.WriteString(` -H "Content-Type: ` + jsonMediaType + `"`)
	}
	if r.Key != "" {
		command.WriteString(" -H " + quoteForShell("Idempotency-Key: "+r.Key))
	}
	for _, header := range authorization[r.Credentials] {
		command.WriteString(` -H "Authorization: ` + strings.ReplaceAll(header, TokenVariable, variable) + `"`)
	}
	if r.Body != "" {
		command.WriteString(" -d " + quoteForShell(r.Body))
	}
	return command.String() + " " + quoteForShell(address)
}

func quoteForShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
