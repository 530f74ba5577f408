package auth

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestT1_TheBearerTokenIsTakenFromTheHeader(t *testing.T) {
	for name, value := range map[string]string{
		"plain":                  "Bearer abc.def-_~+/.ghi==",
		"scheme in lower case":   "bearer abc.def-_~+/.ghi==",
		"scheme in upper case":   "BEARER abc.def-_~+/.ghi==",
		"several spaces between": "Bearer   abc.def-_~+/.ghi==",
		"spaces around":          "  Bearer abc.def-_~+/.ghi== \t",
	} {
		t.Run(name, func(t *testing.T) {
			token, err := BearerToken(http.Header{"Authorization": {value}})
			if err != nil || token != "abc.def-_~+/.ghi==" {
				t.Errorf("got %q, %v", token, err)
			}
		})
	}
}

func TestR4_AMissingTokenIsDistinguishedFromAnInvalidOne(t *testing.T) {
	for name, h := range map[string]http.Header{
		"no header":             {},
		"other header":          {"X-Authorization": {"Bearer abc"}},
		"empty header":          {"Authorization": {""}},
		"another scheme":        {"Authorization": {"Basic YWJjOmRlZg=="}},
		"scheme that begins so": {"Authorization": {"BearerX abc"}},
		"token without scheme":  {"Authorization": {"abc.def.ghi"}},
		"scheme alone":          {"Authorization": {"Bearer"}},
		"scheme and spaces":     {"Authorization": {"Bearer    "}},
	} {
		t.Run(name, func(t *testing.T) {
			if token, err := BearerToken(h); !errors.Is(err, ErrNoToken) || token != "" {
				t.Errorf("got %q, %v, want ErrNoToken", token, err)
			}
		})
	}
}

func TestT1_ABadHeaderIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		values []string
		reason string
	}{
		"two headers":            {[]string{"Bearer abc", "Bearer def"}, "more than once"},
		"two equal headers":      {[]string{"Bearer abc", "Bearer abc"}, "more than once"},
		"a second, empty header": {[]string{"Bearer abc", ""}, "more than once"},
		"two other schemes":      {[]string{"Basic abc", "Digest def"}, "more than once"},
		"two tokens":             {[]string{"Bearer abc def"}, "character"},
		"two joined by a comma":  {[]string{"Bearer abc,def"}, "character"},
		"tab":                    {[]string{"Bearer abc\tdef"}, "character"},
		"line break":             {[]string{"Bearer abc\ndef"}, "character"},
		"quotes":                 {[]string{`Bearer "abc"`}, "character"},
		"not ASCII":              {[]string{"Bearer abcé"}, "character"},
		"NUL":                    {[]string{"Bearer abc\x00"}, "character"},
		"16 KiB and a byte":      {[]string{"Bearer " + strings.Repeat("a", 16<<10+1)}, "longer than 16 KiB"},
		"100 kB":                 {[]string{"Bearer " + strings.Repeat("a", 100_000)}, "longer than 16 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := BearerToken(http.Header{"Authorization": c.values})
			if err == nil || token != "" {
				t.Fatalf("got %q, %v, want it refused", token, err)
			}
			checkReason(t, err, c.reason)
		})
	}
}

func TestT1_ATokenOf16KiBIsStillTaken(t *testing.T) {
	want := strings.Repeat("a", 16<<10)
	if token, err := BearerToken(http.Header{"Authorization": {"Bearer " + want}}); err != nil || token != want {
		t.Errorf("got %d bytes, %v", len(token), err)
	}
}

func TestT1_VerifyItselfRefusesWhatNoHeaderCarries(t *testing.T) {
	v := withSecret(t)
	good := changed(nil)
	accept(t, v, good)
	refused(t, v, good[:10]+"\n"+good[10:], "character")
	refused(t, v, strings.Repeat("a", 100_000), "longer than 16 KiB")
	refused(t, v, changed(map[string]any{"pad": strings.Repeat("a", 100_000)}), "longer than 16 KiB")
}
