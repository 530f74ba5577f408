package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
)

// Explanation is what one rule makes of a token.
type Explanation struct {
	// Rule is the rule. Its Number is 0 for the keys and claims that are not of a trust file.
	Rule *trust.Rule
	// Steps end with the first one after which the others make no sense.
	Steps []Step
	// Decides is whether the rule accepts or rejects the token for good, so that no later rule is tried.
	Decides bool
}

// Step is one condition of a rule. Detail is for the operator of the server: it has values of the token and of the rule, but no
// part of the token itself and no key.
type Step struct {
	Name, Detail string
	OK           bool
}

// Explain returns what each rule makes of a token, up to the one that decides. Check makes the last checks of an accepted one.
func (p *Policy) Explain(ctx context.Context, t *Token, check func(Accepted) error) []Explanation {
	var all []Explanation
	for _, e := range p.Entries() {
		explanation := e.explain(ctx, t, check)
		if all = append(all, explanation); explanation.Decides {
			break
		}
	}
	return all
}

func (e *Entry) explain(ctx context.Context, t *Token, check func(Accepted) error) Explanation {
	explanation := Explanation{Rule: &e.Rule}
	step := func(name string, ok bool, format string, args ...any) bool {
		explanation.Steps = append(explanation.Steps, Step{name, fmt.Sprintf(format, args...), ok})
		return ok
	}
	if e.Number > 0 && !step("issuer", e.isFor(t), "the token has iss %s, the rule %s", issuerText(t.Issuer), issuerText(e.Issuer)) {
		return explanation
	}
	alg := t.method.Alg()
	step("algorithm", slices.Contains(e.Algorithms, alg), "the token has %s, the rule %s", alg, strings.Join(e.Algorithms, ", "))
	for _, c := range e.Checks(t.Claims) {
		step(c.Claim, c.OK, "the token has %s, the rule %s", c.Got, c.Want)
	}
	matches := !slices.ContainsFunc(explanation.Steps, func(s Step) bool { return !s.OK })
	a, decides, err := e.accept(ctx, t)
	explanation.Decides = matches && decides
	if _, pending := errors.AsType[*jwks.PendingError](err); pending || !decides {
		step("signature", false, "%v", err)
		return explanation
	}
	step("signature", true, "a key verifies it")
	if err == nil {
		err = check(a)
	}
	if err != nil {
		step("claims", false, "%v", err)
	} else {
		step("claims", true, "an organization, a time and scopes that the server accepts")
	}
	return explanation
}

func issuerText(issuer string) string {
	if issuer == "" {
		return "(none)"
	}
	return claims.Quote(issuer)
}
