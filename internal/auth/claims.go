package auth

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
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

// members are the claims by name, with numbers as json.Number.
type members map[string]any

// readMembers reads a JSON object whose names are all different. A plain
// Unmarshal lets the last of two win, where the issuer, or whatever checked
// the token before, may have read the first.
func readMembers(raw []byte) (members, error) {
	malformed := refuse("the token's payload is not a JSON object")
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, malformed
	}
	m := members{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, malformed
		}
		name, ok := token.(string)
		if !ok {
			return nil, malformed
		}
		if _, twice := m[name]; twice {
			return nil, refuse("the token names a claim twice")
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, malformed
		}
		m[name] = value
	}
	return m, nil
}

// text is a claim that must be a string where it is present; null is not one.
func (m members) text(name string) (value string, present bool, err error) {
	v, present := m[name]
	if !present {
		return "", false, nil
	}
	value, ok := v.(string)
	if !ok {
		return "", true, refuse("the token's claim %s is not a string", name)
	}
	return value, true, nil
}

// texts is a claim that must be a string or an array of strings.
func (m members) texts(name string) (jwt.ClaimStrings, error) {
	v, present := m[name]
	if !present {
		return nil, nil
	}
	if one, ok := v.(string); ok {
		return jwt.ClaimStrings{one}, nil
	}
	wrong := refuse("the token's claim %s is not a string or an array of strings", name)
	list, ok := v.([]any)
	if !ok {
		return nil, wrong
	}
	values := make(jwt.ClaimStrings, 0, len(list))
	for _, item := range list {
		value, ok := item.(string)
		if !ok {
			return nil, wrong
		}
		values = append(values, value)
	}
	return values, nil
}

// date is a claim that must be a number of seconds since 1970 within the years
// 1 to 9999; nil if it is absent.
func (m members) date(name string) (*jwt.NumericDate, error) {
	v, present := m[name]
	if !present {
		return nil, nil
	}
	number, ok := v.(json.Number)
	if !ok {
		return nil, refuse("the token's claim %s is not a number", name)
	}
	seconds, err := number.Float64()
	if err != nil || seconds < minDate || seconds > maxDate {
		return nil, refuse("the token's claim %s is out of range", name)
	}
	whole, fraction := math.Modf(seconds)
	return &jwt.NumericDate{Time: time.Unix(int64(whole), int64(fraction*1e9))}, nil
}
