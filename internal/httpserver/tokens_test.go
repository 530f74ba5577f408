package httpserver_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// signed returns a token with the claims.
func signed(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// internal/auth tests the cases in detail. This test checks the statuses that a client receives.
func TestT1_T3_T4_StatusesOfTokens(t *testing.T) {
	server, _ := onSQLite(t)
	claims := func(change func(jwt.MapClaims)) string {
		c := jwt.MapClaims{"org_id": "acme", "scope": "deployments:read", "exp": time.Now().Add(time.Hour).Unix()}
		change(c)
		return signed(t, c)
	}
	good := claims(func(jwt.MapClaims) {})
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"good":                   {[]string{"Authorization: Bearer " + good}, 200},
		"good, lower case":       {[]string{"Authorization: bearer " + good}, 200},
		"two headers":            {[]string{"Authorization: Bearer " + good, "Authorization: Bearer " + good}, 401},
		"in the wrong scheme":    {[]string{"Authorization: Token " + good}, 401},
		"alg none":               {[]string{"Authorization: Bearer " + part(map[string]string{"alg": "none"}) + "." + strings.Split(good, ".")[1] + "."}, 401},
		"no exp":                 {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { delete(c, "exp") })}, 401},
		"expired":                {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Minute).Unix() })}, 401},
		"expired, within leeway": {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-10 * time.Second).Unix() })}, 200},
		"not yet valid":          {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { c["nbf"] = time.Now().Add(time.Minute).Unix() })}, 401},
		"no organization":        {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { delete(c, "org_id") })}, 401},
		"NUL in organization":    {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { c["org_id"] = "a\x00" })}, 401},
		"no scope":               {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { delete(c, "scope") })}, 403},
		"another scope":          {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { c["scope"] = "deployments:reader deployments:write" })}, 403},
		"scopes":                 {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { c["scope"] = "openid deployments:read email" })}, 200},
		"scope a number":         {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { c["scope"] = 1 })}, 401},
		"a list in scp":          {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { delete(c, "scope"); c["scp"] = []string{"deployments:read"} })}, 200},
		"empty project":          {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { c["project_name"] = "" })}, 401},
		"project_id alone":       {[]string{"Authorization: Bearer " + claims(func(c jwt.MapClaims) { c["project_id"] = "1" })}, 401},
		"a token of 100 kB":      {[]string{"Authorization: Bearer " + strings.Repeat("x", 100_000)}, 401},
	} {
		answer := server.do("GET", "/v1/deployments", c.headers...)
		if answer.status != c.want {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
		}
		if challenge := answer.header.Get("WWW-Authenticate"); c.want == 403 && !strings.Contains(challenge, `error="insufficient_scope"`) {
			t.Errorf("%s: WWW-Authenticate is %q", name, challenge)
		}
	}
}

func TestT2_ATokenWhoseKeyIsNotLoadedYetIsA503(t *testing.T) {
	server, _ := onSQLite(t, func(o *options) { o.auth.JWKSURL = "http://127.0.0.1:1/jwks" }) // nobody listens there
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(expiry time.Duration, kid string) answer {
		unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"org_id": "acme", "exp": time.Now().Add(expiry).Unix()})
		if kid != "" {
			unsigned.Header["kid"] = kid
		}
		token, err := unsigned.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return server.do("GET", "/v1/deployments", "Authorization: Bearer "+token)
	}
	for _, kid := range []string{"", "a"} {
		answer := ask(time.Hour, kid)
		if answer.status != 503 || answer.json(t)["code"] != 14.0 || answer.header.Get("Retry-After") != "10" || answer.header.Get("WWW-Authenticate") != "" {
			t.Errorf("kid %q: got %d %v %s", kid, answer.status, answer.header, answer.body)
		}
		if answer := ask(-time.Hour, kid); answer.status != 401 {
			t.Errorf("expired, kid %q: got %d %s", kid, answer.status, answer.body)
		}
	}
	if answer := server.get(""); answer.status != 200 {
		t.Errorf("a token of another key: got %d %s", answer.status, answer.body)
	}
}

func TestT4_AMissingScopeMayBeAllowedToRead(t *testing.T) {
	server, _ := onSQLite(t, func(o *options) { o.auth.AllowMissingScope = true })
	missing := token(t, "acme", func(r *auth.MintRequest) { r.Scopes = nil })
	if answer := server.do("GET", "/v1/deployments", "Authorization: Bearer "+missing); answer.status != 200 {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	empty := signed(t, jwt.MapClaims{"org_id": "acme", "scope": "", "exp": time.Now().Add(time.Hour).Unix()})
	if answer := server.do("GET", "/v1/deployments", "Authorization: Bearer "+empty); answer.status != 403 {
		t.Errorf("an empty scope is not a missing one: got %d", answer.status)
	}
}

func TestT3_T5_ACallerSeesOnlyItsOrganizationAndProject(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, store deployments.Store) {
		storetest.Load(t, store, "acme",
			storetest.Entry(1, 1, "eu", "api", storetest.WithDigest(1), storetest.WithProject("web", "v1")),
			storetest.Entry(2, 2, "eu", "db", storetest.WithDigest(2), storetest.WithProject("shop", "v1")))
		storetest.Load(t, store, "globex", storetest.Entry(3, 3, "eu", "api", storetest.WithDigest(1), storetest.WithProject("web", "v1")))
		limited := func(project string) string {
			return token(t, "acme", func(r *auth.MintRequest) { r.Project = project })
		}
		for name, c := range map[string]struct{ token, query, want string }{
			"acme":                   {token(t, "acme"), "", "2 in all: 2 1"},
			"globex":                 {token(t, "globex"), "", "1 in all: 3"},
			"nobody":                 {token(t, "nobody"), "", "0 in all:"},
			"web":                    {limited("web"), "?full_history=true", "1 in all: 1"},
			"web lists shop":         {limited("web"), "?project_name=shop", "0 in all:"},
			"web lists its own":      {limited("web"), "?project_name=web&project_version_name=v1", "1 in all: 1"},
			"web lists what it lost": {limited("web"), "?deployment_name=db", "0 in all:"},
			"unknown project":        {limited("none"), "", "0 in all:"},
		} {
			l := server.do("GET", "/v1/deployments"+c.query, "Authorization: Bearer "+c.token).list(t)
			got := fmt.Sprintf("%d in all:", l.Pagination.TotalCount)
			for _, r := range l.DeploymentRecords {
				got += " " + strings.TrimLeft(r.ID[:8], "0")
			}
			if got != c.want {
				t.Errorf("%s: got %s, want %s", name, got, c.want)
			}
		}
	})
}

func TestT3_ARejectedOrganizationIsTheSameWhetherOrNotItExists(t *testing.T) {
	server, store := onSQLite(t, func(o *options) { o.auth.Organizations = []string{"acme"} })
	storetest.Load(t, store, "exists", storetest.Entry(1, 1, "eu", "api"))
	var bodies []string
	for _, organization := range []string{"exists", "missing"} {
		answer := server.do("GET", "/v1/deployments", "Authorization: Bearer "+token(t, organization))
		if answer.status != 401 || answer.header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%s: got %d %v", organization, answer.status, answer.header)
		}
		bodies = append(bodies, string(answer.body))
	}
	if bodies[0] != bodies[1] || strings.Contains(bodies[0], "exists") {
		t.Errorf("got %q", bodies)
	}
	if answer := server.get(""); answer.status != 200 {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}
