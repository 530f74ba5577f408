package config

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// RedactURL replaces the secrets of a database URL or another URL. pgx reads some URLs as net/url does not: their passwords may have
// a #, a ? or a semicolon. RedactURL hides whatever may be one.
func RedactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(not a URL)"
	}
	if u.Scheme != "sqlite" && (u.Fragment != "" || u.User == nil && strings.Contains(text, "@")) {
		return notShown
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		u.RawQuery = "xxxxx"
		return u.Redacted()
	}
	for _, name := range []string{"password", "passfile", "sslpassword"} { // PostgreSQL's secret parameters
		if query.Has(name) {
			query.Set(name, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}

// QuoteURL quotes a URL for an error, without its user and its query. The URL may be invalid: a text that may have a
// password is not shown at all.
func QuoteURL(text string) string {
	if strings.Contains(strings.ToLower(text), "password") {
		return notShown
	}
	shown, _, hasQuery := strings.Cut(text, "?")
	if strings.Contains(text, "@") {
		u, err := url.Parse(text)
		if err != nil || u.User == nil {
			return notShown
		}
		u.User, u.RawQuery = url.User("xxxxx"), ""
		shown = u.String()
	}
	if hasQuery {
		shown += "?…"
	}
	return strconv.Quote(shown)
}

const notShown = "(not shown, since it may have a password)"

// addressError returns the reason of an error of net, without the address.
func addressError(err error) error {
	var (
		addressErr *net.AddrError
		dnsErr     *net.DNSError
	)
	switch {
	case errors.As(err, &addressErr):
		return errors.New(addressErr.Err)
	case errors.As(err, &dnsErr):
		return errors.New(dnsErr.Err)
	}
	return err
}
