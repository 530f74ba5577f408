package auth

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// Upstream's own claim names (rules T3 to T5).
const (
	defaultOrganizationClaim = "org_id"
	defaultProjectClaim      = "project_name"
	claimProjectID           = "project_id"
)

var (
	// scopeClaims grant scopes. Issuers differ in which of them they set.
	scopeClaims = []string{"scope", "scp"}
	// restrictingClaims grant nothing here, but a token with one of them is
	// restricted by its issuer: it is not a token without a scope claim.
	restrictingClaims = []string{"roles", "permissions"}
)

// maxOrganizationRunes is the longest name that the importer accepts (rule I1);
// a longer one can't own a record.
const maxOrganizationRunes = 256

// Seconds since 1970 of the years 1 and 9999, the range in which time.Time
// neither overflows nor prints oddly. An exp of 1e30 would wrap around in
// golang-jwt's own conversion.
const (
	minDate = -62135596800
	maxDate = 253402300799
)

// claims is the payload of a token. golang-jwt unmarshals it before it looks
// at the signature, so UnmarshalJSON only keeps the bytes, and decode reads
// them once the signature is good.
type claims struct {
	jwt.RegisteredClaims
	raw []byte

	organization string
	project      string
	scopes       []string
	// restricted reports a claim of scopeClaims or restrictingClaims.
	restricted bool
}

// claimNames are the names of claims that are settings.
type claimNames struct {
	organization string
	project      string // empty: no claim limits a token to a project
}

// UnmarshalJSON keeps a copy of the payload for decode.
func (c *claims) UnmarshalJSON(b []byte) error {
	c.raw = bytes.Clone(b)
	return nil
}

// decode reads the payload. Its error is a *TokenError.
func (c *claims) decode(names claimNames) error {
	m, err := readMembers(c.raw)
	if err != nil {
		return err
	}
	if err := c.decodeRegistered(m); err != nil {
		return err
	}
	if err := c.decodeOrganization(m, names.organization); err != nil {
		return err
	}
	if err := c.decodeProject(m, names.project); err != nil {
		return err
	}
	return c.decodeScopes(m)
}

// decodeRegistered checks the types of the registered claims; jwt.Validator
// checks their values afterwards (rule T1).
func (c *claims) decodeRegistered(m members) (err error) {
	if c.ExpiresAt, err = m.date("exp"); err != nil {
		return err
	}
	if c.ExpiresAt == nil {
		return refuse("the token has no expiry (claim exp)")
	}
	if c.NotBefore, err = m.date("nbf"); err != nil {
		return err
	}
	if c.IssuedAt, err = m.date("iat"); err != nil {
		return err
	}
	if c.Issuer, _, err = m.text("iss"); err != nil {
		return err
	}
	if c.Audience, err = m.texts("aud"); err != nil {
		return err
	}
	if c.Subject, _, err = m.text("sub"); err != nil {
		return err
	}
	return checkName("sub", c.Subject)
}

// decodeOrganization holds rule T3.
func (c *claims) decodeOrganization(m members, name string) (err error) {
	if c.organization, _, err = m.text(name); err != nil {
		return err
	}
	return checkOrganization(name, c.organization)
}

// decodeProject holds rule T5. A project claim that can't be read is refused:
// to ignore it would open the whole organization. Only upstream's tokens mean
// their project by project_id; other issuers use the name for something else.
func (c *claims) decodeProject(m members, name string) error {
	if name == "" {
		return nil
	}
	project, present, err := m.text(name)
	if err != nil {
		return err
	}
	if !present {
		if _, ok := m[claimProjectID]; ok && name == defaultProjectClaim {
			return refuse("the token has a %s without a %s", claimProjectID, name)
		}
		return nil
	}
	if project == "" {
		return refuse("the token's claim %s is empty", name)
	}
	c.project = project
	return checkName(name, project)
}

// decodeScopes reads the scopes of rule T4: each claim is OAuth's
// space-separated string or a list of strings.
func (c *claims) decodeScopes(m members) error {
	for _, name := range scopeClaims {
		if text, ok := m[name].(string); ok {
			// OAuth separates scopes by spaces alone; strings.Fields would
			// also take tabs and Unicode spaces.
			c.scopes = append(c.scopes, strings.Split(text, " ")...)
			continue
		}
		list, err := m.texts(name)
		if err != nil {
			return err
		}
		c.scopes = append(c.scopes, list...)
	}
	for _, name := range slices.Concat(scopeClaims, restrictingClaims) {
		if _, present := m[name]; present {
			c.restricted = true
		}
	}
	return nil
}

// principal applies rule T4. allowMissing is about tokens that nothing
// restricts: a token with an empty scope grants nothing.
func (c *claims) principal(allowMissing bool) Principal {
	p := Principal{Subject: c.Subject, Organization: c.organization, Project: c.project}
	if !c.restricted {
		p.read = allowMissing
		return p
	}
	for _, s := range c.scopes {
		switch Scope(s) {
		case ReadDeployments:
			p.read = true
		case WriteDeployments:
			p.write = true
		}
	}
	return p
}

// checkOrganization checks the value of an organization claim (rule T3).
func checkOrganization(claim, name string) error {
	if name == "" {
		return refuse("the token has no organization (claim %s)", claim)
	}
	if utf8.RuneCountInString(name) > maxOrganizationRunes {
		return refuse("the token's claim %s is longer than %d characters", claim, maxOrganizationRunes)
	}
	return checkName(claim, name)
}

// checkName refuses names that are ambiguous or can't be stored. encoding/json
// turns every lone surrogate and every invalid byte into U+FFFD: two different
// organizations written so would become one, so U+FFFD itself is refused
// (ranging over invalid UTF-8 yields it as well). PostgreSQL has no NUL in a
// text, and no stored name has a control character (rule I1).
func checkName(claim, name string) error {
	for _, r := range name {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return refuse("the token's claim %s holds a character that is not allowed", claim)
		}
	}
	return nil
}
