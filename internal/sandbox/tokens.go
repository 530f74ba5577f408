package sandbox

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Issuer signs the tokens of a sandbox.
type Issuer struct {
	// Secret verifies the tokens, too.
	Secret []byte
	// Token has what all tokens of the sandbox have in common: the organization and the names of claims.
	Token auth.MintRequest
}

// Breakage is what is wrong with a token on purpose.
type Breakage string

// The breakages. NoScope is a 403, and the others are a 401.
const (
	Expired       Breakage = "expired"
	WrongKey      Breakage = "wrong-key"
	WrongAudience Breakage = "wrong-audience"
	NoScope       Breakage = "no-scope"
)

var breakages = []string{string(Expired), string(WrongKey), string(WrongAudience), string(NoScope)}

// TokenRequest describes a token.
type TokenRequest struct {
	// Scopes are deployments:read without any.
	Scopes           []auth.Scope
	Project, Subject string
	// TTL is how long the token is valid by the real time; 0 is an hour.
	TTL    time.Duration
	Broken Breakage
}

// maxTTL limits the lifetime of a token.
const maxTTL = 10 * 365 * 24 * time.Hour

// check returns what is wrong with a request, by the members of the control document.
func (r *TokenRequest) check(issuer *Issuer) (violations []deployments.Violation) {
	add := func(field, format string, args ...any) {
		violations = append(violations, deployments.Violation{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	for i, scope := range r.Scopes {
		switch {
		case scope != auth.ReadDeployments && scope != auth.WriteDeployments:
			add(fmt.Sprintf("scopes[%d]", i), "%s is neither %s nor %s", deployments.Quote(string(scope)), auth.ReadDeployments, auth.WriteDeployments)
		case scope == auth.WriteDeployments && r.Project != "":
			add(fmt.Sprintf("scopes[%d]", i), "%s does not go with a project", scope)
		}
	}
	if r.TTL < 0 || r.TTL > maxTTL {
		add("ttl", "%s is not more than 0s and at most %s", r.TTL, maxTTL)
	}
	for _, text := range []struct{ field, value string }{{"project", r.Project}, {"subject", r.Subject}} {
		if err := deployments.CheckText(text.value); err != nil {
			add(text.field, "%s", err)
		}
	}
	switch {
	case r.Broken == "":
	case !slices.Contains(breakages, string(r.Broken)):
		message := deployments.Quote(string(r.Broken)) + " is not one of " + strings.Join(breakages, ", ")
		if nearest := deployments.Nearest(string(r.Broken), breakages); nearest != "" {
			message += "; the nearest one is " + nearest
		}
		add("broken", "%s", message)
	case r.Broken == NoScope && len(r.Scopes) > 0:
		add("scopes", "does not go with broken: no-scope")
	case r.Broken == WrongAudience && issuer.Token.Audience == "":
		add("broken", "wrong-audience: this server accepts every audience; start it with --jwt-audience, or use another sandbox")
	}
	return violations
}

// ViolationsError rejects a request to a sandbox.
type ViolationsError []deployments.Violation

func (e ViolationsError) Error() string {
	lines := make([]string, len(e))
	for i, violation := range e {
		lines[i] = violation.String()
	}
	return strings.Join(lines, "\n")
}

// Mint returns a token, or a ViolationsError.
func (i *Issuer) Mint(r TokenRequest) (string, error) {
	if violations := r.check(i); len(violations) > 0 {
		return "", ViolationsError(violations)
	}
	request, secret := i.Token, i.Secret
	request.Scopes, request.Project, request.Subject = r.Scopes, r.Project, cmp.Or(r.Subject, request.Subject)
	if len(request.Scopes) == 0 {
		request.Scopes = []auth.Scope{auth.ReadDeployments}
	}
	request.Now, request.TTL = time.Now(), cmp.Or(r.TTL, time.Hour)
	switch r.Broken {
	case Expired:
		request.Now = request.Now.Add(-request.TTL - 2*time.Minute) // more than the leeway of clocks
	case WrongKey:
		secret = make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return "", err
		}
	case WrongAudience:
		request.Audience += "-of-another-service"
	case NoScope:
		request.Scopes = nil
	}
	return auth.Mint(secret, request)
}
