// Package databaseurl reads the URLs that name databases.
package databaseurl

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Check validates a database URL without opening anything. Its errors are predicates and never contain a password.
func Check(databaseURL string) error {
	switch scheme, rest, _ := strings.Cut(databaseURL, "://"); scheme {
	case "postgres", "postgresql":
		_, err := ParsePostgres(databaseURL)
		return err
	case "sqlite":
		return checkFileName(rest)
	default:
		return errors.New("begins with neither postgres:// nor sqlite://")
	}
}

// checkFileName validates the part of an SQLite URL after sqlite://.
func checkFileName(name string) error {
	switch {
	case name == "":
		return errors.New("names no file: write sqlite://relative.db or sqlite:///absolute.db")
	case name == ":memory:" || strings.HasPrefix(name, "file:"):
		return errors.New("must name a plain file: each connection to :memory: would have a database of its own")
	case strings.Contains(name, "?"):
		return errors.New("has a ?, which the name of a file cannot have: SQLite has no parameters here")
	}
	return nil
}

// IsLocal reports whether the database is on this machine: a file, or a server that is reached by sockets and loopback
// addresses alone.
func IsLocal(databaseURL string) bool {
	if strings.HasPrefix(databaseURL, "sqlite://") {
		return true
	}
	config, err := ParsePostgres(databaseURL)
	if err != nil {
		return false
	}
	hosts := []string{config.Host}
	for _, fallback := range config.Fallbacks {
		hosts = append(hosts, fallback.Host)
	}
	return !slices.ContainsFunc(hosts, func(host string) bool {
		return !strings.HasPrefix(host, "/") && host != "localhost" && !net.ParseIP(host).IsLoopback()
	})
}

// ParsePostgres reads the URL of a PostgreSQL database. Its errors are those of Check.
func ParsePostgres(databaseURL string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("is not of the form postgres://user:password@host:port/database?sslmode=…%s", reason(databaseURL, err))
	}
	return config, nil
}

// reason returns the reason of an error of pgx about a valid URL. pgx hides the password in its error
// only where it finds it.
func reason(databaseURL string, err error) string {
	u, urlErr := url.Parse(databaseURL)
	cause := errors.Unwrap(err)
	var query url.Values
	if urlErr == nil {
		query, urlErr = url.ParseQuery(u.RawQuery)
	}
	switch {
	case urlErr != nil || u.Fragment != "" || u.User == nil && strings.Contains(databaseURL, "@"): // pgx may see another password
		return ""
	case strings.HasSuffix(err.Error(), "invalid port"):
		return ": a port is not from 1 to 65535"
	case cause == nil:
		return ""
	}
	password, _ := u.User.Password()
	for _, secret := range []string{password, query.Get("password"), query.Get("sslpassword")} {
		if secret != "" && strings.Contains(cause.Error(), secret) {
			return ""
		}
	}
	return ": " + cause.Error()
}
