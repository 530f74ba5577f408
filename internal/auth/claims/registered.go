package claims

import (
	"encoding/json"
	"math"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// Seconds since 1970 of the years 1 and 9999, the range in which time.Time
// neither overflows nor prints oddly. An exp of 1e30 would wrap around in
// golang-jwt's own conversion.
const (
	minDate = -62135596800
	maxDate = 253402300799
)

// Registered checks the types of the registered claims; a jwt.Validator
// checks their values (rule T1).
func (c Claims) Registered() (r jwt.RegisteredClaims, err error) {
	if r.ExpiresAt, err = c.date("exp"); err != nil {
		return r, err
	}
	if r.NotBefore, err = c.date("nbf"); err != nil {
		return r, err
	}
	if r.IssuedAt, err = c.date("iat"); err != nil {
		return r, err
	}
	if r.Issuer, _, err = c.Text("iss"); err != nil {
		return r, err
	}
	if r.Audience, err = c.audience(); err != nil {
		return r, err
	}
	if r.Subject, _, err = c.Text("sub"); err != nil {
		return r, err
	}
	r.ID = c.id()
	return r, CheckName("sub", r.Subject)
}

// id returns the jti. A number counts as its digits: an issuer that writes numbers can have its tokens revoked too. Another type
// names no token.
func (c Claims) id() string {
	switch id := c["jti"].(type) {
	case string:
		return id
	case json.Number:
		return id.String()
	}
	return ""
}

// audience returns aud, which must be a string or an array of strings.
func (c Claims) audience() (jwt.ClaimStrings, error) {
	value, present := c["aud"]
	if !present {
		return nil, nil
	}
	if one, ok := value.(string); ok {
		return jwt.ClaimStrings{one}, nil
	}
	several, ok := texts(value)
	if !ok {
		return nil, Refuse("the token's claim aud is not a string or an array of strings")
	}
	return several, nil
}

// Text returns a claim that must be a string where it is present; null is not one.
func (c Claims) Text(name string) (text string, present bool, err error) {
	value, present := c[name]
	if !present {
		return "", false, nil
	}
	text, ok := value.(string)
	if !ok {
		return "", true, Refuse("the token's claim %s is not a string", name)
	}
	return text, true, nil
}

// date is a claim that must be a number of seconds since 1970 within the years
// 1 to 9999; nil if it is absent.
func (c Claims) date(name string) (*jwt.NumericDate, error) {
	v, present := c[name]
	if !present {
		return nil, nil
	}
	number, ok := v.(json.Number)
	if !ok {
		return nil, Refuse("the token's claim %s is not a number", name)
	}
	seconds, err := number.Float64()
	if err != nil || seconds < minDate || seconds > maxDate {
		return nil, Refuse("the token's claim %s is out of range", name)
	}
	whole, fraction := math.Modf(seconds)
	return &jwt.NumericDate{Time: time.Unix(int64(whole), int64(fraction*1e9))}, nil
}

// CheckName refuses names that are ambiguous or can't be stored. encoding/json
// turns every lone surrogate and every invalid byte into U+FFFD: two different
// organizations written so would become one, so U+FFFD itself is refused
// (ranging over invalid UTF-8 yields it as well). PostgreSQL has no NUL in a
// text, and no stored name has a control character (rule I1).
func CheckName(claim, name string) error {
	for _, r := range name {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return Refuse("the token's claim %s holds a character that is not allowed", claim)
		}
	}
	return nil
}
