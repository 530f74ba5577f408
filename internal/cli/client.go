package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/config"
)

// caller asks a server, again if need be. It is what the commands that are clients share.
type caller struct {
	base     string
	token    string
	http     *http.Client
	timeout  time.Duration // of a try
	retryFor time.Duration
	notes    io.Writer // what a person may want to know while it lasts
}

// newCaller tells the faults of the settings together with those that the command found in its own flags, and warns of
// a token that others can read on its way.
func newCaller(settings *config.Client, notes io.Writer, found ...error) (*caller, error) {
	faults := settings.Faults()
	token, err := readToken(&settings.Remote)
	if err != nil {
		faults = append(faults, err)
	}
	if err := config.Join(append(faults, found...)...); err != nil {
		return nil, usageError{err}
	}
	warnOfPlainText(notes, "--url", settings.URL)
	return &caller{
		base:     settings.URL,
		token:    token,
		timeout:  settings.Timeout.Value,
		retryFor: settings.RetryFor.Value,
		notes:    notes,
		http: &http.Client{
			// Wherever a redirect leads, the token must not go there.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// authorize is a request editor of the generated clients.
func (c *caller) authorize(_ context.Context, request *http.Request) error {
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("User-Agent", "deployrecords/"+Version)
	return nil
}

// maxTokenFile is far more than a header may hold.
const maxTokenFile = 64 << 10

// readToken gives the token of the settings, or "" if they have none, which is a fault of theirs.
func readToken(settings *config.Remote) (string, error) {
	if settings.TokenFile == "" {
		token := strings.TrimSpace(settings.Token())
		if token == "" && settings.Token() != "" || !isHeaderText(token) {
			return "", errors.New("DEPLOYRECORDS_TOKEN: is not a token: it is blank, or has white space or other characters that no token has")
		}
		return token, nil
	}
	return readTokenFile("--token-file", settings.TokenFile)
}

// readTokenFile gives the token of the first line of the file that a flag names.
func readTokenFile(flag, name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	defer file.Close()
	line, err := bufio.NewReader(io.LimitReader(file, maxTokenFile)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	token := strings.TrimSpace(line)
	switch {
	case token == "":
		return "", fmt.Errorf("%s: the first line of %s is empty", flag, name)
	case !isHeaderText(token):
		return "", fmt.Errorf("%s: the first line of %s is not a token: it has white space or other characters that no token has", flag, name)
	}
	return token, nil
}

// warnOfPlainText tells that others on the way to a server can read the token.
func warnOfPlainText(notes io.Writer, flag, address string) {
	if u, err := url.Parse(address); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		fmt.Fprintf(notes, "deployrecords: warning: %s is http, so that others on the way to %s can read the token: use https\n", flag, u.Host)
	}
}

// isHeaderText says whether the text has visible ASCII only: it can be sent in a header as it is.
func isHeaderText(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

func isLoopback(host string) bool {
	if host = strings.ToLower(strings.TrimSuffix(host, ".")); host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// option finds what a flag's value stands for, whatever its case, or says what there is.
func option(flag, value string, known map[string]string, placeholder string) (string, error) {
	if found := cmp.Or(known[strings.ToLower(value)], known[strings.ToUpper(value)]); found != "" {
		return found, nil
	}
	return "", fmt.Errorf("%s: %q is not one of %s", flag, value, strings.ReplaceAll(placeholder, "|", ", "))
}
