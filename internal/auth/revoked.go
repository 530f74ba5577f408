package auth

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// ReadRevoked reads the jti of revoked tokens, one per line without the space around it. Blank lines and lines that begin with #
// are skipped. The error names every line that cannot be one.
func ReadRevoked(r io.Reader) (map[string]struct{}, error) {
	revoked := map[string]struct{}{}
	var violations []error
	lines := bufio.NewScanner(r)
	for line := 1; lines.Scan(); line++ {
		id := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		switch {
		case id == "" || strings.HasPrefix(id, "#"):
		case strings.ContainsFunc(id, unicode.IsControl):
			violations = append(violations, fmt.Errorf("line %d: has a control character", line))
		case strings.Count(id, ".") == 2 && strings.HasPrefix(id, "eyJ"):
			violations = append(violations, fmt.Errorf("line %d: is a token; a line has the jti of one", line))
		default:
			revoked[id] = struct{}{}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(violations) > 0 {
		return nil, errors.Join(violations...)
	}
	return revoked, nil
}

// Revoke makes these the tokens that are not accepted, by their jti. It applies to cached tokens and to credentials at once.
func (v *Verifier) Revoke(ids map[string]struct{}) { v.revoked.Store(&ids) }

// checkRevoked returns a *TokenError if the jti is that of a revoked token. A token without jti cannot be revoked.
func (v *Verifier) checkRevoked(id string) error {
	if _, revoked := (*v.revoked.Load())[id]; revoked && id != "" {
		return refuse("the token has been revoked (claim jti)")
	}
	return nil
}
