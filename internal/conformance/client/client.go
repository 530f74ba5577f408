// Package client sends requests to the server under test and reads its answers without loss. JSON keeps its order,
// duplicates and digits, because the suite checks them.
package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	maxBody = 32 << 20
	// maxBusy limits consecutive "too busy" answers, maxPause the wait after each. A server that demands more ends the run.
	maxBusy  = 5
	maxPause = 30 * time.Second

	jsonMediaType = "application/json"
)

// Target is a server and the token for it. No other server receives the token.
type Target struct {
	// URL is http or https, a host and an optional path, without /v1/deployments.
	URL   string
	Token string
}

// Client sends requests to one server.
type Client struct {
	Base      string
	token     string
	userAgent string
	http      *http.Client
}

// New returns a client. The timeout is that of one request.
func New(t Target, timeout time.Duration, userAgent string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // the suite judges bodies as sent
	return &Client{
		Base:      strings.TrimRight(t.URL, "/"),
		token:     t.Token,
		userAgent: userAgent,
		http: &http.Client{
			Transport: transport,
			Timeout:   timeout,
			// A redirect could take the token to another server.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// HasJWT reports whether the token has the form of a signed JWT.
func (c *Client) HasJWT() bool { return strings.Count(c.token, ".") == 2 }

// Claim returns a claim of the token that is a text, or "". It does not verify the token.
func (c *Client) Claim(name string) string {
	parts := strings.Split(c.token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	claims, err := ReadJSON(payload)
	if err != nil {
		return ""
	}
	return claims.Text(name)
}

// Send sends a request, and repeats it while the server is too busy (429, or 503 with Retry-After). Its errors are those of the
// network, and a *[BusyError].
func (c *Client) Send(ctx context.Context, r Request) (*Answer, error) {
	for busy := 1; ; busy++ {
		a, err := c.sendOnce(ctx, r)
		if err != nil || !isBusy(a) {
			return a, err
		}
		pause := pauseOf(a.Header)
		switch {
		case pause > maxPause:
			return nil, &BusyError{c.Base, c.Summary(a), c.Printable(Cut(a.Header.Get("Retry-After"))), r}
		case busy == maxBusy:
			return a, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (c *Client) sendOnce(ctx context.Context, r Request) (*Answer, error) {
	u, err := url.Parse(c.Base)
	if err != nil {
		return nil, err
	}
	u.Path, u.RawPath, u.RawQuery = u.Path+r.Path, "", r.RawQuery
	body := io.Reader(http.NoBody)
	if r.Body != "" {
		body = strings.NewReader(r.Body)
	}
	request, err := http.NewRequestWithContext(ctx, r.method(), u.String(), body)
	if err != nil {
		return nil, err
	}
	if r.Body != "" {
		request.Header.Set("Content-Type", jsonMediaType)
	}
	if r.Key != "" {
		request.Header.Set("Idempotency-Key", r.Key)
	}
	request.Header.Set("User-Agent", c.userAgent)
	request.Header.Set("Accept", jsonMediaType)
	for _, header := range r.headers(c.token) {
		request.Header.Add("Authorization", header)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err
		}
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(text) > maxBody {
		return nil, fmt.Errorf("the answer has more than %d MiB", maxBody>>20)
	}
	a := NewAnswer(response.StatusCode, response.Header, text)
	a.Request = r
	return a, nil
}

// Printable makes text from the server safe to print: it removes the token, which a server may echo, and control
// characters, and limits the length. It is one line: a line that begins with :: is a command to a runner of GitHub.
func (c *Client) Printable(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ' '
		case !unicode.IsGraphic(r):
			return unicode.ReplacementChar
		}
		return r
	}, c.WithoutToken(text))
	return truncate(text, 2000)
}

// minTokenPart is the shortest beginning of a token that is removed where a text was cut.
const minTokenPart = 4

// WithoutToken returns text without the token, and without a beginning of it that [Cut] has left.
func (c *Client) WithoutToken(text string) string {
	if c.token == "" {
		return text
	}
	const replacement = "(the token)"
	parts := strings.Split(strings.ReplaceAll(text, c.token, replacement), cutMark)
	for i, part := range parts[:len(parts)-1] {
		for n := min(len(c.token)-1, len(part)); n >= minTokenPart; n-- {
			if strings.HasSuffix(part, c.token[:n]) {
				parts[i] = part[:len(part)-n] + replacement
				break
			}
		}
	}
	return strings.Join(parts, cutMark)
}

// Summary returns an answer's status, and the message and details of an error body.
func (c *Client) Summary(a *Answer) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d %s", a.Status, http.StatusText(a.Status))
	if message := a.Value.Text("message"); message != "" {
		text.WriteString(": " + message)
		for _, detail := range a.Value.Get("details").items() {
			if detail.IsText() {
				text.WriteString("; " + detail.Content)
			}
		}
	}
	return c.Printable(text.String())
}
