package trust

import (
	"fmt"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/keys"
)

// Rule accepts tokens of one issuer.
type Rule struct {
	// Number counts the rules of a file from 1, and Line is where the rule begins.
	Number, Line int
	// Issuer is the iss of the rule's tokens. Empty: they have no iss.
	Issuer string
	// Keys verify the tokens, and so do those of the source, if there is one.
	Keys   keys.Static
	Source *jwks.Source
	// Algorithms are those that the tokens may be signed with.
	Algorithms []string
	// Audiences: aud must have one of them. Empty: any.
	Audiences []string
	// Match has the conditions on other claims, all of which must hold.
	Match []Condition
	// AllowMissingExpiry accepts a token without exp.
	AllowMissingExpiry bool
	Grants
	// Text is the text of the rule and of its key files. Rules with different texts may accept or grant differently.
	Text string
}

// Condition is what a claim must be.
type Condition struct {
	Claim claims.Path
	Globs []Glob
}

// holds reports whether one of the claim's values matches one of the globs.
func (c Condition) holds(values []string) bool {
	return slices.ContainsFunc(values, func(value string) bool {
		return slices.ContainsFunc(c.Globs, func(g Glob) bool { return g.Matches(value) })
	})
}

// Check is the result of one condition of a rule for a token.
type Check struct {
	// Claim is the path of the claim, Got its value for people, and Want what the rule accepts.
	Claim, Got, Want string
	OK               bool
}

// Reason returns why the check failed, without what the rule would accept: that is not for the token's holder.
func (c Check) Reason() string { return fmt.Sprintf("claim %s %s does not match", c.Claim, c.Got) }

// Checks returns the results for the audience and the conditions of the rule, in its order.
func (r *Rule) Checks(c claims.Claims) (checks []Check) {
	if len(r.Audiences) > 0 {
		path := claims.Literal("aud")
		values := c.ScalarsAt(path)
		ok := slices.ContainsFunc(values, func(value string) bool { return slices.Contains(r.Audiences, value) })
		checks = append(checks, Check{"aud", describe(c, path, values), quoteAll(r.Audiences), ok})
	}
	for _, condition := range r.Match {
		values := c.ScalarsAt(condition.Claim)
		globs := make([]string, len(condition.Globs))
		for i, g := range condition.Globs {
			globs[i] = g.String()
		}
		checks = append(checks, Check{condition.Claim.String(), describe(c, condition.Claim, values), quoteAll(globs), condition.holds(values)})
	}
	return checks
}

// describe returns a claim's value for people.
func describe(c claims.Claims, path claims.Path, values []string) string {
	if _, present, err := c.Lookup(path); !present || err != nil {
		return "(absent)"
	}
	if len(values) == 0 {
		return "(neither a string, a number, a boolean nor a list of these)"
	}
	return quoteAll(values)
}

// quoteAll quotes at most five values.
func quoteAll(values []string) string {
	const most = 5
	var quoted []string
	for i, value := range values {
		if i == most {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(values)-most))
			break
		}
		quoted = append(quoted, claims.Quote(value))
	}
	return strings.Join(quoted, ", ")
}
