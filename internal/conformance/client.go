package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxBody = 32 << 20
	// maxBusy is how often a server may say in a row that it is too busy, and maxPause how long it may be waited for.
	maxBusy  = 5
	maxPause = 30 * time.Second
)

// Target is a server and the token that is sent to it, and to no other.
type Target struct {
	// URL is where the server is: http or https, a host, and perhaps a path, without /v1/deployments.
	URL   string
	Token string
}

// client sends GET requests to one server.
type client struct {
	base      string
	token     string
	userAgent string
	http      *http.Client
}

func newClient(t Target, timeout time.Duration, userAgent string) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // bodies are judged as they come
	return &client{
		base:      strings.TrimRight(t.URL, "/"),
		token:     t.Token,
		userAgent: userAgent,
		http: &http.Client{
			Transport: transport,
			Timeout:   timeout,
			// Wherever a redirect leads, the token must not go there.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// send asks once, and again if the server says that it is too busy. An error is of the network.
func (c *client) send(ctx context.Context, r request) (*answer, error) {
	for busy := 1; ; busy++ {
		a, err := c.sendOnce(ctx, r)
		if err != nil || busy == maxBusy || a.status != http.StatusTooManyRequests &&
			(a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "") {
			return a, err
		}
		pause := time.Second
		if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && seconds >= 0 {
			pause = time.Duration(seconds) * time.Second
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(pause, maxPause)):
		}
	}
}

func (c *client) sendOnce(ctx context.Context, r request) (*answer, error) {
	base, err := url.Parse(c.base)
	if err != nil {
		return nil, err
	}
	base.Path, base.RawPath = base.Path+r.path, ""
	base.RawQuery = r.query
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String(), nil)
	if err != nil {
		return nil, err
	}
	asked.Header.Set("User-Agent", c.userAgent)
	asked.Header.Set("Accept", jsonMediaType)
	for _, header := range r.headers(c.token) {
		asked.Header.Add("Authorization", header)
	}
	response, err := c.http.Do(asked)
	if err != nil {
		var of *url.Error // what it adds is the address
		if errors.As(err, &of) {
			err = of.Err
		}
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("the answer has more than %d MiB", maxBody>>20)
	}
	return &answer{request: r, status: response.StatusCode, header: response.Header, body: body}, nil
}

// printable makes a text of the server's fit for a report: no control characters, no end that never comes, and no
// token, which a server may echo.
func (c *client) printable(text string) string {
	if c.token != "" {
		text = strings.ReplaceAll(text, c.token, "(the token)")
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) && r != '\n' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	const most = 2000
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}

// told is what an error's body says, for a person.
func (c *client) told(a *answer) string {
	text := fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	v, _ := readJSON(bytes.TrimSpace(a.body))
	if message, _ := v.string("message"); message != "" {
		text += ": " + message
		if details := v.member("details"); details != nil {
			for _, detail := range details.items {
				if detail.kind == '"' {
					text += "; " + detail.text
				}
			}
		}
	}
	return c.printable(text)
}
