package cli

import (
	"strings"
	"testing"
)

func TestParseImage(t *testing.T) {
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
		"":                                "must have at least one component",
		":1.4":                            "is not NAME:TAG@DIGEST: invalid reference format",
		"@" + digest:                      "is not NAME:TAG@DIGEST: invalid reference format",
		"api:":                            "is not NAME:TAG@DIGEST: invalid reference format",
		"api:-x":                          "is not NAME:TAG@DIGEST: invalid reference format",
		"api:" + strings.Repeat("t", 129): "is not NAME:TAG@DIGEST: invalid reference format",
		"api:1.4@":                        "is not algorithm:hex",
		"api:1.4@sha256:abc":              "does not have 64 lower-case hex digits",
		"api@" + strings.ToUpper(digest):  "algorithm other than",
		"api@sha256:" + strings.ToUpper(digest[7:]): "does not have 64 lower-case hex digits",
		"api@md5:d41d8cd98f00b204e9800998ecf8427e":  "algorithm other than",
		"api@" + digest + "@" + digest:              "does not have 64",
		"API@" + digest:                             "must be lowercase",
		"registry.example.com/Team/api":             "must be lowercase",
		"registry.example.com//api":                 "is not NAME:TAG@DIGEST: invalid reference format",
		"registry.example.com/":                     "is not NAME:TAG@DIGEST: invalid reference format",
		"/api":                                      "is not NAME:TAG@DIGEST: invalid reference format",
		"registry:port/api":                         "is not NAME:TAG@DIGEST: invalid reference format",
		"-registry.example.com/api":                 "is not NAME:TAG@DIGEST: invalid reference format",
		"api:1.4:1.5":                               `the tag has ":", but`,
		"r:5000/api:1.4.0-rc1+build.1@" + digest:    `the tag has "+", but a tag has only letters, digits, underscores, periods and hyphens`,
		"a..b":                                      "is not NAME:TAG@DIGEST: invalid reference format",
		"my api":                                    "is not NAME:TAG@DIGEST: invalid reference format",
		"docker-pullable://api@" + digest:           "has no scheme",
		"https://registry.example.com/api:1.4":      "has no scheme",
	} {
		got, err := parseImage(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v; want %q", text, got, err, want)
		}
	}
}
