package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestT1_TimesAreHonouredWith30SecondsOfLeeway(t *testing.T) {
	v := withSecret(t)
	at := func(d time.Duration) int64 { return testTime.Add(d).Unix() }
	for name, change := range map[string]map[string]any{
		"exp 29 s ago":          {"exp": at(-29 * time.Second)},
		"exp a fraction":        {"exp": float64(at(-30*time.Second)) + 0.5},
		"nbf in 30 s":           {"nbf": at(30 * time.Second)},
		"iat in 30 s":           {"iat": at(30 * time.Second)},
		"nbf and iat long past": {"nbf": 0, "iat": 0},
		"nbf of Go's zero time": {"nbf": time.Time{}.Unix()},
		"exp in the year 9999":  {"exp": int64(253402300799)},
		"exp as 1.8e9":          {"exp": 1.8e9},
	} {
		t.Run(name, func(t *testing.T) { accept(t, v, changed(change)) })
	}
	for name, c := range map[string]struct {
		change map[string]any
		reason string
	}{
		"exp 30 s ago":          {map[string]any{"exp": at(-30 * time.Second)}, "the token has expired"},
		"exp an hour ago":       {map[string]any{"exp": at(-time.Hour)}, "the token has expired"},
		"exp 0":                 {map[string]any{"exp": 0}, "the token has expired"},
		"exp before 1970":       {map[string]any{"exp": -1}, "the token has expired"},
		"nbf in 31 s":           {map[string]any{"nbf": at(31 * time.Second)}, "not valid yet"},
		"iat in 31 s":           {map[string]any{"iat": at(31 * time.Second)}, "issued in the future"},
		"no exp":                {map[string]any{"exp": nil}, "no expiry (claim exp)"},
		"exp in the year 10000": {map[string]any{"exp": int64(253402300800)}, "claim exp is out of range"},
		"nbf in the year 0":     {map[string]any{"nbf": int64(-62135596801)}, "claim nbf is out of range"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, changed(c.change), c.reason) })
	}
}

func TestT1_ATimeThatIsNoNumberIsRefused(t *testing.T) {
	v := withSecret(t)
	for _, claim := range []string{"exp", "nbf", "iat"} {
		payload := func(value string) string {
			if claim == "exp" {
				return rawPayload(`{"org_id":"acme","exp":` + value + `}`)
			}
			return rawPayload(`{"org_id":"acme",EXP,"` + claim + `":` + value + `}`)
		}
		for _, value := range []string{`"1795352400"`, `null`, `true`, `[1795352400]`, `{}`, `""`} {
			t.Run(claim+"="+value, func(t *testing.T) { refused(t, v, payload(value), "claim "+claim+" is not a number") })
		}
		// The first ones wrap around in an int64, the last don't fit a float64.
		for _, value := range []string{"9223372036854775807", "1e19", "-1e19", "1e300", "1e400", "-1e400", "1" + strings.Repeat("0", 400)} {
			t.Run(claim+"="+value[:min(len(value), 20)], func(t *testing.T) { refused(t, v, payload(value), "claim "+claim+" is out of range") })
		}
		for _, value := range []string{"NaN", "Infinity", "0x7fffffff", "+1", "01"} {
			t.Run(claim+"="+value, func(t *testing.T) { refused(t, v, payload(value), "malformed") })
		}
	}
}

func TestT1_IssuerAndAudienceAreCheckedWhenSet(t *testing.T) {
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, Issuer: "https://issuer.example", Audience: "records"})
	good := map[string]any{"iss": "https://issuer.example", "aud": "records"}
	with := func(claim string, value any) string {
		change := map[string]any{"iss": good["iss"], "aud": good["aud"]}
		change[claim] = value
		return changed(change)
	}
	accept(t, v, changed(good))
	accept(t, v, with("aud", []string{"other", "records"}))
	for name, c := range map[string]struct{ token, reason string }{
		"another issuer":        {with("iss", "https://evil.example"), "another issuer"},
		"issuer and a slash":    {with("iss", "https://issuer.example/"), "another issuer"},
		"issuer in upper case":  {with("iss", "HTTPS://ISSUER.EXAMPLE"), "another issuer"},
		"no issuer":             {with("iss", nil), "no issuer or no audience"},
		"empty issuer":          {with("iss", ""), "no issuer or no audience"},
		"another audience":      {with("aud", "other"), "another audience"},
		"audience as a part":    {with("aud", "records2"), "another audience"},
		"several other":         {with("aud", []string{"a", "b"}), "another audience"},
		"no audience":           {with("aud", nil), "no issuer or no audience"},
		"empty audience":        {with("aud", ""), "no issuer or no audience"},
		"empty audience list":   {with("aud", []string{}), "no issuer or no audience"},
		"audience and a number": {with("aud", []any{"records", 1}), "claim aud is not a string or an array of strings"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, c.token, c.reason) })
	}
	accept(t, withSecret(t), changed(map[string]any{"iss": "anyone", "aud": "anything"}))
}

func TestT1_ARegisteredClaimOfAnotherTypeIsRefused(t *testing.T) {
	v := withSecret(t)
	for claim, values := range map[string][]string{
		"iss": {`null`, `1`, `["a"]`, `{}`, `true`},
		"sub": {`null`, `1`, `["a"]`, `{}`, `false`},
		"aud": {`null`, `1`, `[1]`, `["a",null]`, `{}`, `true`, `[["a"]]`},
	} {
		for _, value := range values {
			t.Run(claim+"="+value, func(t *testing.T) {
				refused(t, v, rawPayload(`{"org_id":"acme",EXP,"`+claim+`":`+value+`}`), "claim "+claim+" is not a string")
			})
		}
	}
}

func TestT3_TheOrganizationIsANonEmptyString(t *testing.T) {
	v := withSecret(t)
	long := strings.Repeat("ö", 256)
	for _, name := range []string{"acme", "ACME", "Zürich 東京 🚀", "a b", "6f1e3a52-0c55-4a5e-9d7f-2f0f1c2b3a4d", long} {
		if p := accept(t, v, changed(map[string]any{"org_id": name})); p.Organization != name {
			t.Errorf("got %q, want %q", p.Organization, name)
		}
	}
	refused(t, v, changed(map[string]any{"org_id": long + "x"}), "longer than 256 characters")
	refused(t, v, rawPayload(`{EXP}`), "no organization (claim org_id)")
	refused(t, v, rawPayload(`{EXP,"org_id":""}`), "no organization (claim org_id)")
	refused(t, v, rawPayload(`{EXP,"Org_ID":"acme"}`), "no organization (claim org_id)")
	for _, value := range []string{`null`, `1`, `true`, `["acme"]`, `{"id":"acme"}`} {
		refused(t, v, rawPayload(`{EXP,"org_id":`+value+`}`), "claim org_id is not a string")
	}
}

func TestT3_TheNameOfTheOrganizationClaimIsASetting(t *testing.T) {
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, OrganizationClaim: "urn:example:tenant"})
	p := accept(t, v, changed(map[string]any{"urn:example:tenant": "globex"}))
	if p.Organization != "globex" {
		t.Errorf("got %q, want the claim of the setting", p.Organization)
	}
	refused(t, v, changed(nil), "no organization (claim urn:example:tenant)")
}

// Two organizations whose names JSON decoding makes equal would otherwise read
// each other's records.
func TestT3_T5_AmbiguousNamesAreRefused(t *testing.T) {
	v := withSecret(t)
	for _, claim := range []string{"org_id", "project_name", "sub"} {
		payload := func(value string) string {
			if claim == "org_id" {
				return rawPayload(`{EXP,"org_id":"` + value + `"}`)
			}
			return rawPayload(`{EXP,"org_id":"acme","` + claim + `":"` + value + `"}`)
		}
		accept(t, v, payload(`ac\u0020me`))
		accept(t, v, payload(`ac\ud83d\ude80me`)) // a whole pair is a rocket
		for name, value := range map[string]string{
			"NUL":                 `ac\u0000me`,
			"line break":          `ac\nme`,
			"escape":              `ac\u001bme`,
			"DEL":                 `ac\u007fme`,
			"C1 control":          `ac\u0085me`,
			"a high surrogate":    `ac\ud800me`,
			"a low surrogate":     `ac\udc00me`,
			"a pair turned round": `ac\ude80\ud83dme`,
			"U+FFFD escaped":      `ac\ufffdme`,
			"U+FFFD":              "ac\ufffdme",
			"invalid UTF-8":       "ac\xffme",
			"overlong UTF-8":      "ac\xc0\xafme",
			"surrogate in UTF-8":  "ac\xed\xa0\x80me",
			"only a surrogate":    `\udfff`,
		} {
			t.Run(claim+" with "+name, func(t *testing.T) {
				refused(t, v, payload(value), "claim "+claim+" holds a character that is not allowed")
			})
		}
	}
}

func TestT3_AClaimNamedTwiceIsRefused(t *testing.T) {
	v := withSecret(t)
	for name, payload := range map[string]string{
		"organization":             `{EXP,"org_id":"acme","org_id":"evil"}`,
		"the same organization":    `{EXP,"org_id":"acme","org_id":"acme"}`,
		"organization, escaped":    `{EXP,"org_id":"acme","org\u005fid":"evil"}`,
		"expiry":                   `{EXP,"org_id":"acme","exp":1}`,
		"scope":                    `{EXP,"org_id":"acme","scope":"","scope":"deployments:read"}`,
		"a claim that is not ours": `{EXP,"org_id":"acme","x":1,"x":2}`,
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, rawPayload(payload), "names a claim twice") })
	}
	accept(t, v, rawPayload(`{EXP,"org_id":"acme","x":{"org_id":"evil"},"y":["org_id","org_id"]}`))
}

func TestT4_ScopeIsASpaceSeparatedList(t *testing.T) {
	for scope, want := range map[string]struct{ read, write bool }{
		"deployments:read":                   {true, false},
		"deployments:write":                  {false, true},
		"deployments:read deployments:write": {true, true},
		"openid  deployments:write profile ": {false, true},
		" deployments:read":                  {true, false},
		"":                                   {false, false},
		" ":                                  {false, false},
		"openid":                             {false, false},
		"deployments":                        {false, false},
		"deployments:*":                      {false, false},
		"Deployments:Read":                   {false, false},
		"deployments:read,deployments:write": {false, false},
		"deployments:readonly":               {false, false},
		"xdeployments:read":                  {false, false},
		"openid\tdeployments:read":           {false, false},
		"openid\u00a0deployments:read":       {false, false},
		"openid\ndeployments:read\ndeployments:write": {false, false},
	} {
		t.Run(scope, func(t *testing.T) {
			for _, allowMissing := range []bool{false, true} {
				v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, AllowMissingScope: allowMissing})
				checkAllows(t, accept(t, v, changed(map[string]any{"scope": scope})), want.read, want.write)
			}
		})
	}
}

func TestT4_ScopeAndScpAreReadAlike(t *testing.T) {
	for claims, want := range map[string]struct{ read, write bool }{
		`"scope":"deployments:read"`:                             {true, false},
		`"scp":"deployments:read"`:                               {true, false},
		`"scope":["deployments:read","deployments:write"]`:       {true, true},
		`"scp":["openid","deployments:write"]`:                   {false, true},
		`"scope":"deployments:read","scp":["deployments:write"]`: {true, true},
		`"scope":["deployments:write"],"scp":"deployments:read"`: {true, true},
		`"scp":["deployments:read deployments:write"]`:           {false, false},
		`"scp":[]`:                     {false, false},
		`"scope":"","scp":[]`:          {false, false},
		`"roles":["deployments:read"]`: {false, false},
		`"permissions":[]`:             {false, false},
		`"roles":null`:                 {false, false},
		`"roles":["admin"],"scp":["deployments:read"]`: {true, false},
	} {
		for _, allowMissing := range []bool{false, true} {
			v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, AllowMissingScope: allowMissing})
			t.Run(claims, func(t *testing.T) {
				checkAllows(t, accept(t, v, rawPayload(`{EXP,"org_id":"acme",`+claims+`}`)), want.read, want.write)
			})
		}
	}
	for _, claim := range []string{"scope", "scp"} {
		for _, value := range []string{`null`, `1`, `{}`, `true`, `["deployments:read",1]`, `[["deployments:read"]]`} {
			refused(t, withSecret(t), rawPayload(`{EXP,"org_id":"acme","`+claim+`":`+value+`}`), "claim "+claim+" is not a string or an array of strings")
		}
	}
}

func TestT4_AMissingScopeReadsOnlyWhereThatIsAllowed(t *testing.T) {
	token := changed(map[string]any{"scope": nil})
	checkAllows(t, accept(t, withSecret(t), token), false, false)
	lenient := verifier(t, Options{HMACSecrets: [][]byte{secretA}, AllowMissingScope: true})
	checkAllows(t, accept(t, lenient, token), true, false)
	checkAllows(t, accept(t, lenient, changed(map[string]any{"scope": nil, "project_name": "web"})), true, false)
}

func TestT4_OnlyKnownScopesAreEverAllowed(t *testing.T) {
	p := accept(t, withSecret(t), changed(map[string]any{"scope": "admin deployments:read deployments:write"}))
	for _, s := range []Scope{"admin", "", "deployments:delete"} {
		if p.Allows(s) {
			t.Errorf("%q is allowed", s)
		}
	}
	checkAllows(t, Principal{}, false, false)
}

func TestT5_ATokenOfAProjectIsLimitedToIt(t *testing.T) {
	v := withSecret(t)
	both := "deployments:read deployments:write"
	p := accept(t, v, changed(map[string]any{"project_name": "web", "project_id": "some-id", "scope": both}))
	if p.Project != "web" {
		t.Errorf("the project is %q", p.Project)
	}
	checkAllows(t, p, true, false)
	p = accept(t, v, changed(map[string]any{"scope": both}))
	if p.Project != "" {
		t.Errorf("the project is %q", p.Project)
	}
	checkAllows(t, p, true, true)
}

func TestT5_TheNameOfTheProjectClaimIsASetting(t *testing.T) {
	both := map[string]any{"project_name": "web", "project_path": "group/app", "project_id": "42"}
	without := map[string]any{"project_id": "42"}
	for name, c := range map[string]struct {
		options Options
		change  map[string]any
		want    string
	}{
		"upstream's":             {Options{}, both, "web"},
		"another":                {Options{ProjectClaim: "project_path"}, both, "group/app"},
		"another, and absent":    {Options{ProjectClaim: "project_path"}, without, ""},
		"none":                   {Options{IgnoreProjects: true}, both, ""},
		"none, and project_id":   {Options{IgnoreProjects: true}, without, ""},
		"none, and a wrong type": {Options{IgnoreProjects: true}, map[string]any{"project_name": 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.HMACSecrets = [][]byte{secretA}
			if p := accept(t, verifier(t, c.options), changed(c.change)); p.Project != c.want {
				t.Errorf("the project is %q, want %q", p.Project, c.want)
			}
		})
	}
	other := verifier(t, Options{HMACSecrets: [][]byte{secretA}, ProjectClaim: "project_path"})
	refused(t, other, changed(map[string]any{"project_path": 1}), "claim project_path is not a string")
	refused(t, other, changed(map[string]any{"project_path": ""}), "claim project_path is empty")
}

func TestT5_AProjectThatCannotBeReadIsRefused(t *testing.T) {
	v := withSecret(t)
	for members, reason := range map[string]string{
		`"project_name":""`:                    "claim project_name is empty",
		`"project_name":null`:                  "claim project_name is not a string",
		`"project_name":1`:                     "claim project_name is not a string",
		`"project_name":["web"]`:               "claim project_name is not a string",
		`"project_name":{}`:                    "claim project_name is not a string",
		`"project_name":false`:                 "claim project_name is not a string",
		`"project_id":"x"`:                     "project_id without a project_name",
		`"project_id":""`:                      "project_id without a project_name",
		`"project_id":null`:                    "project_id without a project_name",
		`"project_id":"x","project_name":""`:   "claim project_name is empty",
		`"project_id":"x","project_name":null`: "claim project_name is not a string",
	} {
		t.Run(members, func(t *testing.T) {
			refused(t, v, rawPayload(`{EXP,"org_id":"acme","scope":"deployments:read",`+members+`}`), reason)
		})
	}
}

func checkAllows(t *testing.T, p Principal, read, write bool) {
	t.Helper()
	if p.Allows(ReadDeployments) != read || p.Allows(WriteDeployments) != write {
		t.Errorf("read %v, write %v, want %v, %v", p.Allows(ReadDeployments), p.Allows(WriteDeployments), read, write)
	}
}

func TestT3_OrganizationsThatAreNotOfTheServerAreRefused(t *testing.T) {
	key := newEd25519()
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, JWKSURL: "http://127.0.0.1:1/jwks", Organizations: []string{"acme", "Beta, Inc."}})
	accept(t, v, changed(nil))
	accept(t, v, changed(map[string]any{"org_id": "Beta, Inc."}))
	for _, other := range []string{"gamma", "Acme", "acme ", "Beta"} {
		for range 2 { // accepted tokens are cached
			refused(t, v, changed(map[string]any{"org_id": other}), "the token's organization (claim org_id) is not one of this server")
		}
	}
	// A token that anybody can make gets the same answer for every organization.
	for _, organization := range []string{"acme", "gamma"} {
		pending(t, v, signClaims(jwt.SigningMethodEdDSA, key, "a", goodClaims(map[string]any{"org_id": organization})), "not been loaded yet")
		refused(t, v, signClaims(jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), "", goodClaims(map[string]any{"org_id": organization})), "signature")
	}
}
