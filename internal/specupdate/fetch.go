package specupdate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// maxDocument limits the size of a document: 16 MiB.
	maxDocument = 16 << 20
	// fetchTimeout limits a whole fetch, redirects included.
	fetchTimeout = time.Minute
)

// fetch reads a document of at most maxDocument bytes from a regular file or an https URL. It follows redirects to https
// only. Its errors never contain a password of the URL.
func fetch(ctx context.Context, transport http.RoundTripper, from string) ([]byte, error) {
	if !strings.Contains(from, "://") {
		return readFile(from)
	}
	address, err := url.Parse(from)
	if err != nil {
		return nil, errors.New("the URL cannot be parsed")
	}
	if address.Scheme != "https" || address.Host == "" {
		return nil, fmt.Errorf("%s: only https URLs and paths are read", address.Redacted())
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	client := &http.Client{Transport: transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if next.URL.Scheme != "https" || len(via) > 5 {
			return fmt.Errorf("a redirect to %s is not followed", next.URL.Redacted())
		}
		return nil
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: the URL cannot be requested", address.Redacted())
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: the server answered %s", address.Redacted(), response.Status)
	}
	return readLimited(response.Body, address.Redacted())
}

func readFile(path string) ([]byte, error) {
	// Opening a named pipe would block.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readLimited(file, path)
}

func readLimited(r io.Reader, name string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("%s: the document is larger than 16 MiB", name)
	}
	return text, nil
}
