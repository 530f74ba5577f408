package jwks

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/deployrecords/deployrecords/internal/auth/keys"
)

// fetch gets the JWKS and reads its keys by kid; ignored counts the ones that
// can't be used. The error has no URL in it.
func (s *Set) fetch(ctx context.Context) (fetched map[string][]keys.Named, ignored int, err error) {
	address := s.url
	if s.source.JWKSURL == "" {
		if address, err = s.discover(ctx); err != nil {
			return nil, 0, fmt.Errorf("the discovery document: %w", err)
		}
	}
	body, err := s.get(ctx, address)
	if err != nil {
		return nil, 0, err
	}
	return keys.ReadSet(body)
}

// discover returns the address of the JWKS from the issuer's discovery document. The document must be the issuer's own (OpenID
// Connect Discovery 1.0, section 4.3), and a document from another machine cannot name an address of this one.
func (s *Set) discover(ctx context.Context) (*url.URL, error) {
	body, err := s.get(ctx, s.url)
	if err != nil {
		return nil, err
	}
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if json.Unmarshal(body, &document) != nil {
		return nil, errors.New("the answer is not a JSON object with strings issuer and jwks_uri")
	}
	if document.Issuer != s.source.Issuer {
		return nil, errors.New("it is of another issuer")
	}
	address, err := parseNamedURL(document.JWKSURI, s.url)
	if err != nil {
		return nil, fmt.Errorf("jwks_uri %w", err)
	}
	return address, nil
}

// get returns the body of an answer. Only the origin that the configuration names receives the bearer token.
func (s *Set) get(ctx context.Context, address *url.URL) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, errors.New("the request could not be made")
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	if s.source.BearerTokenFile != "" && sameOrigin(address, s.url) {
		token, err := firstLine(s.source.BearerTokenFile)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		// net/http wraps every error in one that quotes the URL with its user
		// name and query.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer has status %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, s.limits.MaxBody+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > s.limits.MaxBody {
		return nil, fmt.Errorf("the answer is larger than %d bytes", s.limits.MaxBody)
	}
	return body, nil
}

// firstLine returns the first line of a file, without the space around it. It is not empty.
func firstLine(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("the bearer token: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan()
	line := strings.TrimSpace(lines.Text())
	if err := lines.Err(); err != nil || line == "" {
		return "", fmt.Errorf("the bearer token: the first line of %s is empty or cannot be read", name)
	}
	return line, nil
}
