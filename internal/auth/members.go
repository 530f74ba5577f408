package auth

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

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
