package claims

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Claims are the claims of a token by name: strings, json.Numbers, bools, nil, []any and map[string]any.
type Claims map[string]any

var errTwice = errors.New("a name is given twice")

// Read reads a JSON object whose names are all different, in every object that it holds. A plain
// Unmarshal lets the last of two win, where the issuer, or whatever checked
// the token before, may have read the first. The error is an *Error.
func Read(raw []byte) (Claims, error) {
	malformed := Refuse("the token's payload is not a JSON object")
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	value, err := readValue(dec)
	if errors.Is(err, errTwice) {
		return nil, Refuse("the token names a claim twice")
	}
	c, ok := value.(map[string]any)
	if err != nil || !ok {
		return nil, malformed
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed
	}
	return c, nil
}

func readValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			value, err := readValue(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := dec.Token()
		return list, err
	case json.Delim('{'):
		object := map[string]any{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			text, ok := name.(string)
			if !ok {
				return nil, errors.New("a name is not a string")
			}
			if _, twice := object[text]; twice {
				return nil, errTwice
			}
			if object[text], err = readValue(dec); err != nil {
				return nil, err
			}
		}
		_, err := dec.Token()
		return object, err
	}
	return token, nil
}
