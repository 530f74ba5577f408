package deployments

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxNameLength is the maximum length of a name in characters (I1).
const MaxNameLength = 256

// The checks of this file return nil or an error that completes the sentence "the value ...", as "is empty".

// CheckName checks a name of an environment, deployment or project (I1): 1 to 256 characters, no control character, and no
// format character at either end.
func CheckName(name string) error {
	if name == "" {
		return errors.New("is empty")
	}
	return CheckText(name)
}

// CheckOrganization checks an organization's key. It rejects the replacement character: decoding broken text yields it,
// and two different broken claims would name the same organization.
func CheckOrganization(key string) error {
	if strings.ContainsRune(key, utf8.RuneError) && utf8.ValidString(key) {
		return errors.New("has the replacement character U+FFFD")
	}
	if key == "" {
		return errors.New("is empty")
	}
	return checkCharacters(key)
}

// CheckRecordedName checks a name that is recorded: as CheckName, and without white space at either end. There, white
// space is a mistake of a script, and two environments would look alike.
func CheckRecordedName(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if name != strings.TrimSpace(name) {
		return errors.New("has white space at an end")
	}
	return nil
}

// CheckText checks a text that may be empty: an artifact's name or version. A format character (category Cf) at either end,
// as a byte order mark, is a mistake of a script: nobody sees it, and two texts would look alike. Inside, languages and emoji
// need some of them.
func CheckText(text string) error {
	if err := checkCharacters(text); err != nil {
		return err
	}
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	for _, end := range []rune{first, last} {
		if unicode.Is(unicode.Cf, end) {
			return fmt.Errorf("has the format character %U at an end", end)
		}
	}
	return nil
}

// checkCharacters checks the encoding and the length of a text, and that it has no control character.
func checkCharacters(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("is not valid UTF-8")
	}
	if n := utf8.RuneCountInString(text); n > MaxNameLength {
		return fmt.Errorf("has %d characters, more than %d", n, MaxNameLength)
	}
	if strings.IndexFunc(text, unicode.IsControl) >= 0 {
		return errors.New("has a control character")
	}
	return nil
}

// maxQuoted is the maximum number of characters of a value that a message quotes (R3).
const maxQuoted = 64

// Quote quotes a value for a message: it escapes characters that are not printable and truncates long values.
func Quote(value string) string {
	characters := 0
	for i := range value { // invalid bytes count one by one
		if characters == maxQuoted {
			return strconv.Quote(value[:i]) + "…"
		}
		characters++
	}
	return strconv.Quote(value)
}

// QuoteName returns a plain member name as it is and quotes any other: a crafted name must not read as part of the
// message.
func QuoteName(name string) string {
	plain := len(name) > 0 && len(name) <= maxQuoted
	for _, c := range []byte(name) {
		plain = plain && (c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z')
	}
	if plain {
		return name
	}
	return Quote(name)
}

// ParseUUID parses a UUID in its canonical form of 8-4-4-4-12 hex digits in either case and returns it in lower case
// (I1). It rejects other forms (braces, urn:uuid:, no dashes): two spellings of one id must not become two ids.
func ParseUUID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return "", false
			}
		default:
			if !isHex(s[i]) {
				return "", false
			}
		}
	}
	return strings.ToLower(s), true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// digestLengths maps each digest algorithm to the length of its sum in bytes.
var digestLengths = map[string]int{"sha256": 32, "sha512": 64}

// CheckDigest checks a content digest: "algorithm:hex" in lower case, where the algorithm is sha256 or sha512.
func CheckDigest(digest string) error {
	algorithm, sum, ok := strings.Cut(digest, ":")
	if !ok {
		return errors.New("is not algorithm:hex")
	}
	length, ok := digestLengths[algorithm]
	if !ok {
		return errors.New("has an algorithm other than sha256 and sha512")
	}
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != length || strings.ToLower(sum) != sum {
		return fmt.Errorf("does not have %d lower-case hex digits after %s", 2*length, algorithm+":")
	}
	return nil
}
