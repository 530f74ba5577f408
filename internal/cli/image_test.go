package cli

import (
	"strings"
	"testing"
)

func TestImageReferences(t *testing.T) {
	const digest = testDigest
	sha512 := "sha512:" + strings.Repeat("0123456789abcdef", 8)
	for text, want := range map[string]image{
		"api@" + digest:                                 {"api", "", digest},
		"api:1.4@" + digest:                             {"api", "1.4", digest},
		"registry/api:1.4@" + digest:                    {"registry/api", "1.4", digest},
		"registry:5000/team/api@" + digest:              {"registry:5000/team/api", "", digest},
		"registry:5000/team/api:1.4@" + sha512:          {"registry:5000/team/api", "1.4", sha512},
		"localhost:5000/api:v1":                         {"localhost:5000/api", "v1", ""},
		"[fd00::1]:5000/api:v1@" + digest:               {"[fd00::1]:5000/api", "v1", digest},
		"127.0.0.1/api":                                 {"127.0.0.1/api", "", ""},
		"Registry.Example.com/a/b/c-d__e.f_g@" + digest: {"Registry.Example.com/a/b/c-d__e.f_g", "", digest},
		"api:5000":                        {"api", "5000", ""},
		"api:_RC.1-x":                     {"api", "_RC.1-x", ""},
		"api:" + strings.Repeat("t", 128): {"api", strings.Repeat("t", 128), ""},
	} {
		got, err := parseImage(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                                "the name is missing",
		":1.4":                            "the name is missing",
		"@" + digest:                      "the name is missing",
		"api:":                            `"" is not a tag`,
		"api:-x":                          `"-x" is not a tag`,
		"api:" + strings.Repeat("t", 129): "is not a tag",
		"api:1.4@":                        "is not algorithm:hex",
		"api:1.4@sha256:abc":              "does not have 64 lower-case hex digits",
		"api@" + strings.ToUpper(digest):  "algorithm other than",
		"api@sha256:" + strings.ToUpper(digest[7:]): "does not have 64 lower-case hex digits",
		"api@md5:d41d8cd98f00b204e9800998ecf8427e":  "algorithm other than",
		"api@" + digest + "@" + digest:              "does not have 64",
		"API@" + digest:                             "is not in lower case",
		"registry.example.com/Team/api":             "is not in lower case",
		"registry.example.com//api":                 "a part of the name is empty",
		"registry.example.com/":                     "the name is missing",
		"/api":                                      "a part of the name is empty",
		"registry:port/api":                         "is not the name of a registry",
		"-registry.example.com/api":                 "is not the name of a registry",
		"api:1.4:1.5":                               `"api:1.4" is not part of a name`,
		"a..b":                                      "is not part of a name",
		"my api":                                    "is not part of a name",
		"docker-pullable://api@" + digest:           "has no scheme",
		"https://registry.example.com/api:1.4":      "has no scheme",
	} {
		got, err := parseImage(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v; want %q", text, got, err, want)
		}
	}
}
