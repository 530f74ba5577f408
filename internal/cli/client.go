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

// apiClient sends the requests of the commands record and list, with retries.
type apiClient struct {
	base     string
	token    string
	http     *http.Client
	timeout  time.Duration // of one try
	retryFor time.Duration
	stderr   io.Writer
	// flagNames has the flags that give the parameters or fields of the request, for the server's errors.
	flagNames map[string]string
}

// newAPIClient returns one error with the violations of the settings and those that the command found in its own flags.
// It warns if the network can read the token.
func newAPIClient(settings *config.Client, stderr io.Writer, violations ...error) (*apiClient, error) {
	all := settings.Validate()
	token, err := readToken(&settings.Remote)
	all = append(append(all, err), violations...)
	if err := config.Join(all...); err != nil {
		return nil, usageError{err}
	}
	warnOfPlainText(stderr, "--url", settings.URL)
	return &apiClient{
		base:     settings.URL,
		token:    token,
		timeout:  settings.Timeout.Value,
		retryFor: settings.RetryFor.Value,
		stderr:   stderr,
		http: &http.Client{
			// A redirect must not carry the token elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// authorize is a request editor of the generated clients.
func (c *apiClient) authorize(_ context.Context, request *http.Request) error {
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("User-Agent", "deployrecords/"+build.version)
	return nil
}

// byteOrderMark is what some editors and shells write at the beginning of a file in UTF-8.
const byteOrderMark = "\ufeff"

// maxTokenFile is far more than a header can hold.
const maxTokenFile = 64 << 10

// readToken returns the token of the settings, or "" if there is none, which config reports.
func readToken(settings *config.Remote) (string, error) {
	if settings.TokenFile == "" {
		token := strings.TrimSpace(settings.Token())
		if token == "" && settings.Token() != "" || !isHeaderText(token) {
			return "", errors.New("DEPLOYRECORDS_TOKEN: is not a token: it is blank, or has white space or other invalid characters")
		}
		return token, nil
	}
	return readTokenFile("--token-file", settings.TokenFile)
}

// readTokenFile returns the token on the first line of the file that the flag names.
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
	token := strings.TrimSpace(strings.TrimPrefix(line, byteOrderMark))
	switch {
	case token == "":
		return "", fmt.Errorf("%s: the first line of %s is empty", flag, name)
	case !isHeaderText(token):
		return "", fmt.Errorf("%s: the first line of %s is not a token or secret: it has white space or other invalid characters", flag, name)
	}
	return token, nil
}

// warnOfPlainText warns if the token goes over the network unencrypted.
func warnOfPlainText(stderr io.Writer, flag, address string) {
	if u, err := url.Parse(address); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		fmt.Fprintf(stderr, "deployrecords: warning: %s is http: the network between here and %s can read the token; use https\n", flag, u.Host)
	}
}

// isHeaderText reports whether the text has only visible ASCII characters.
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

// option returns the API's value for a flag's value, ignoring upper and lower case.
func option(flag, value string, known map[string]string, placeholder string) (string, error) {
	if found := cmp.Or(known[strings.ToLower(value)], known[strings.ToUpper(value)]); found != "" {
		return found, nil
	}
	return "", fmt.Errorf("%s: %q is not one of %s", flag, value, strings.ReplaceAll(placeholder, "|", ", "))
}
