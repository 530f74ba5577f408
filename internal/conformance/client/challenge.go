package client

import (
	"net/http"
	"strings"
)

// challenge is a challenge of WWW-Authenticate (RFC 9110, section 11.6.1). Scheme and names are in lower case.
type challenge struct {
	scheme     string
	parameters map[string]string
}

// HasBearerChallenge reports whether a response has a challenge with the scheme Bearer and this error (RFC 6750), or without
// an error if it is "".
func HasBearerChallenge(header http.Header, wanted string) bool {
	for _, c := range readChallenges(strings.Join(header.Values("WWW-Authenticate"), ", ")) {
		if c.scheme == "bearer" && c.parameters["error"] == wanted {
			return true
		}
	}
	return false
}

// readChallenges returns the challenges of a list, or nil if it is malformed. A comma separates challenges as well as the
// parameters of one: a name that an equals sign follows is a parameter.
func readChallenges(text string) (challenges []challenge) {
	for text = strings.TrimLeft(text, ", \t"); text != ""; text = strings.TrimLeft(text, ", \t") {
		name, rest := cutToken(text)
		value, after, isParameter := cutParameter(rest)
		switch {
		case name == "" || isParameter && challenges == nil:
			return nil
		case isParameter:
			last := challenges[len(challenges)-1]
			if name = strings.ToLower(name); last.parameters[name] != "" {
				return nil // given twice
			}
			last.parameters[name] = value
		default:
			challenges = append(challenges, challenge{strings.ToLower(name), map[string]string{}})
			if text = cutToken68(rest); text == rest && rest != "" && !strings.ContainsRune(", \t", rune(rest[0])) {
				return nil
			}
			continue
		}
		if text = strings.TrimLeft(after, " \t"); text != "" && text[0] != ',' {
			return nil
		}
	}
	return challenges
}

// cutToken cuts a token (RFC 9110, section 5.6.2) from the beginning of a text.
func cutToken(text string) (token, rest string) {
	end := 0
	for end < len(text) && (isAlphanumeric(text[end]) || strings.IndexByte("!#$%&'*+-.^_`|~", text[end]) >= 0) {
		end++
	}
	return text[:end], text[end:]
}

// cutToken68 removes credentials in the form of base64 that follow a scheme and a space, if there are some.
func cutToken68(text string) string {
	rest := strings.TrimLeft(text, " \t")
	end := 0
	for end < len(rest) && (isAlphanumeric(rest[end]) || strings.IndexByte("-._~+/", rest[end]) >= 0) {
		end++
	}
	after := strings.TrimLeft(strings.TrimLeft(rest[end:], "="), " \t")
	if end == 0 || len(rest) == len(text) || after != "" && after[0] != ',' {
		return text
	}
	return after
}

// cutParameter cuts "=value" or "=\"value\"" from the beginning of a text. ok is false if there is none.
func cutParameter(text string) (value, rest string, ok bool) {
	text, ok = strings.CutPrefix(strings.TrimLeft(text, " \t"), "=")
	text = strings.TrimLeft(text, " \t")
	if !ok || text == "" {
		return "", "", false
	}
	if text[0] != '"' {
		value, rest = cutToken(text)
		return value, rest, value != ""
	}
	var unquoted strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return unquoted.String(), text[i+1:], true
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		unquoted.WriteByte(text[i])
	}
	return "", "", false // no end
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
