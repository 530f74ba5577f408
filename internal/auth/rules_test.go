package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
	"github.com/deployrecords/deployrecords/internal/auth/trustfile"
)

// rulesOf reads a trust file whose rules name files of the tests' keys.
func rulesOf(t *testing.T, text string) []trust.Rule {
	t.Helper()
	file, err := trustfile.Parse([]byte(text), "", func(name string) ([]byte, error) {
		return map[string][]byte{
			"ed25519-a": pkixPEM(ed25519A().Public()),
			"ed25519-b": pkixPEM(ed25519B().Public()),
			"rsa-a":     pkixPEM(rsaA().Public()),
			"p384":      pkixPEM(p384().Public()),
			"secret-a":  secretA,
			"jwks":      keySetJSON(jwk(rsaA().Public(), "a", map[string]any{"alg": "PS256"})),
		}[name], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return file.Rules
}

// claimsOf are the claims of a token of an issuer.
func claimsOf(issuer string, change map[string]any) jwt.MapClaims {
	claims := map[string]any{"iss": issuer}
	maps.Copy(claims, change)
	return goodClaims(claims)
}

func ofA(issuer string, change map[string]any) string {
	return signClaims(jwt.SigningMethodEdDSA, ed25519A(), "", claimsOf(issuer, change))
}

func ofB(issuer string, change map[string]any) string {
	return signClaims(jwt.SigningMethodEdDSA, ed25519B(), "", claimsOf(issuer, change))
}

func TestT1_TheFirstRuleThatMatchesDecides(t *testing.T) {
	v := verifier(t, Options{Rules: rulesOf(t, `
- {issuer: a, public_keys_file: ed25519-a, match: {team: web}, organization: web, scopes: deployments:read}
- {issuer: a, public_keys_file: ed25519-a, match: {team: [web, shop]}, organization: "${tenant}", scopes: deployments:write}
- {issuer: b, public_keys_file: ed25519-b, organization: b, scopes: deployments:write}
- {issuer: a, public_keys_file: ed25519-b, organization: second-key, scopes: deployments:write}
`)})
	for name, c := range map[string]struct {
		token string
		want  Principal
	}{
		"the first":             {ofA("a", map[string]any{"team": "web"}), Principal{Subject: "ci", Issuer: "a", Organization: "web", read: true}},
		"the second":            {ofA("a", map[string]any{"team": "shop", "tenant": "t"}), Principal{Subject: "ci", Issuer: "a", Organization: "t", write: true}},
		"a list":                {ofA("a", map[string]any{"team": []string{"x", "web"}}), Principal{Subject: "ci", Issuer: "a", Organization: "web", read: true}},
		"another issuer":        {ofB("b", nil), Principal{Subject: "ci", Issuer: "b", Organization: "b", write: true}},
		"another key of issuer": {ofB("a", map[string]any{"team": "web"}), Principal{Subject: "ci", Issuer: "a", Organization: "second-key", write: true}},
	} {
		if got := accept(t, v, c.token); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
	// No later rule accepts a token that a rule rejects.
	if _, err := v.Verify(t.Context(), ofA("a", map[string]any{"team": "shop", "tenant": 5})); err == nil || !strings.Contains(err.Error(), "claim tenant is not a string") {
		t.Errorf("got %v", err)
	}
	refused(t, v, ofA("a", map[string]any{"team": "shop"}), "no organization (claim tenant)")
	refused(t, v, ofA("a", map[string]any{"team": "web", "exp": nil}), "no expiry")
	refused(t, v, ofA("a", map[string]any{"team": "web", "exp": testTime.Add(-time.Hour).Unix()}), "expired")
}

func TestT1_AKeyVerifiesTokensOfItsOwnIssuerOnly(t *testing.T) {
	v := verifier(t, Options{Rules: rulesOf(t, `
- {issuer: a, public_keys_file: ed25519-a, organization: acme, scopes: deployments:read}
- {issuer: b, public_keys_file: ed25519-b, organization: globex, scopes: deployments:read}
- {public_keys_file: ed25519-b, match: {sub: ci}, organization: none, scopes: deployments:read}
`)})
	accept(t, v, ofA("a", nil))
	accept(t, v, ofB("b", nil))
	refused(t, v, ofA("b", nil), `the issuer "b": the token's signature does not match any key`)
	refused(t, v, ofB("a", nil), `the issuer "a": the token's signature does not match any key`)
	refused(t, v, ofB("a ", nil), `no rule trusts the issuer "a "`)
	refused(t, v, ofB("", nil), `no rule trusts the issuer ""`)
	refused(t, v, ofB("c", map[string]any{"iss": []string{"a"}}), "claim iss is not a string")
	refused(t, v, ofB("c", map[string]any{"iss": nil, "sub": "x"}), `no rule for tokens without an issuer (claim iss) accepts the token: claim sub "x" does not match`)
	if p := accept(t, v, ofB("c", map[string]any{"iss": nil})); p.Organization != "none" {
		t.Errorf("got %+v", p)
	}
	long := strings.Repeat("x", 1000)
	if _, err := v.Verify(t.Context(), ofA(long, nil)); err == nil || len(err.Error()) > 200 {
		t.Errorf("got %v", err)
	}
}

func TestT1_TheRuleAndTheKeyDecideTheAlgorithm(t *testing.T) {
	rules := rulesOf(t, `
- {issuer: default, public_keys_file: rsa-a, organization: acme}
- {issuer: ps, public_keys_file: rsa-a, algorithms: [PS512, RS384], organization: acme}
- {issuer: es, public_keys_file: p384, algorithms: [ES384], organization: acme}
- {issuer: pinned, jwks_file: jwks, algorithms: [RS256, PS256, PS512], organization: acme}
- {issuer: mixed, public_keys_file: rsa-a, hmac_secret_file: secret-a, organization: acme}
`)
	v := verifier(t, Options{Rules: rules})
	public := pkixPEM(rsaA().Public())
	for name, c := range map[string]struct {
		issuer string
		method jwt.SigningMethod
		key    any
		ok     bool
	}{
		"RS256 by default":           {"default", jwt.SigningMethodRS256, rsaA(), true},
		"PS256 by default":           {"default", jwt.SigningMethodPS256, rsaA(), false},
		"RS512 by default":           {"default", jwt.SigningMethodRS512, rsaA(), false},
		"PS512 in the list":          {"ps", jwt.SigningMethodPS512, rsaA(), true},
		"RS384 in the list":          {"ps", jwt.SigningMethodRS384, rsaA(), true},
		"RS256 not in the list":      {"ps", jwt.SigningMethodRS256, rsaA(), false},
		"the alg of a JWK":           {"pinned", jwt.SigningMethodPS256, rsaA(), true},
		"not the alg of a JWK":       {"pinned", jwt.SigningMethodRS256, rsaA(), false},
		"ES384":                      {"es", jwt.SigningMethodES384, p384(), true},
		"ES256 for a P-384 rule":     {"es", jwt.SigningMethodES256, p256A(), false},
		"a public key as a secret":   {"default", jwt.SigningMethodHS256, public, false},
		"the same with a secret":     {"mixed", jwt.SigningMethodHS256, public, false},
		"the secret":                 {"mixed", jwt.SigningMethodHS256, secretA, true},
		"the secret elsewhere":       {"default", jwt.SigningMethodHS256, secretA, false},
		"HS512 with the secret":      {"mixed", jwt.SigningMethodHS512, secretA, false},
		"none":                       {"mixed", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, false},
		"the RSA key of that issuer": {"mixed", jwt.SigningMethodRS256, rsaA(), true},
	} {
		token := signClaims(c.method, c.key, "", claimsOf(c.issuer, nil))
		if _, err := v.Verify(t.Context(), token); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Only the nearest rule's conditions are named, only to holders of a token that the issuer signed, and never what they accept.
func TestARejectedTokenLearnsNothingOfOtherRules(t *testing.T) {
	v := verifier(t, Options{Rules: rulesOf(t, `
- {issuer: a, public_keys_file: ed25519-a, match: {secret-claim: hidden, x: y}, organization: confidential}
- {issuer: a, public_keys_file: ed25519-a, audiences: [us], match: {repository: acme/*}, organization: acme}
- {issuer: other, public_keys_file: ed25519-b, match: {z: z}, organization: globex}
`)})
	_, err := v.Verify(t.Context(), ofA("a", map[string]any{"aud": "us", "repository": "evil/web"}))
	if want := `no rule for the issuer "a" accepts the token: claim repository "evil/web" does not match`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = v.Verify(t.Context(), ofB("a", map[string]any{"aud": "us", "repository": "evil/web"}))
	if want := `the issuer "a": the token's signature does not match any key`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := v.checkRevoked(""); err != nil {
		t.Error(err)
	}
}

func TestTheFlagsApplyToTokensThatNoRuleAccepts(t *testing.T) {
	v := verifier(t, Options{
		PublicKeyPEM: pkixPEM(ed25519B().Public()), HMACSecrets: [][]byte{secretB},
		Rules: rulesOf(t, `- {issuer: a, public_keys_file: ed25519-a, match: {team: web}, organization: web, scopes: deployments:read}`),
	})
	if p := accept(t, v, ofA("a", map[string]any{"team": "web"})); p.Organization != "web" {
		t.Errorf("got %+v", p)
	}
	for _, issuer := range []string{"a", "b"} {
		if p := accept(t, v, ofB(issuer, nil)); p.Organization != "acme" {
			t.Errorf("%s: got %+v", issuer, p)
		}
	}
	refused(t, v, ofB("b", map[string]any{"org_id": nil}), "no organization (claim org_id)")
	refused(t, v, ofA("a", nil), "claim team (absent) does not match")
	refused(t, v, ofA("b", nil), `no rule trusts the issuer "b"`)
}

func TestT3_T4_TheOrganizationCanBeFixedAndTheScopeClaimNamed(t *testing.T) {
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, FixedOrganization: "only", ScopeClaim: []string{"realm_access", "roles"}, AllowMissingScope: true})
	for name, c := range map[string]struct {
		change      map[string]any
		read, write bool
	}{
		"a list":            {map[string]any{"realm_access": map[string]any{"roles": []string{"deployments:write"}}}, false, true},
		"a string":          {map[string]any{"realm_access": map[string]any{"roles": "x deployments:read"}}, true, false},
		"scope alone":       {map[string]any{"scope": "deployments:read"}, false, false},
		"nothing":           {map[string]any{"scope": nil}, true, false},
		"an empty list":     {map[string]any{"scope": nil, "realm_access": map[string]any{"roles": []string{}}}, false, false},
		"another claim":     {map[string]any{"org_id": nil, "realm_access": map[string]any{"roles": "deployments:read"}}, true, false},
		"organization list": {map[string]any{"org_id": []string{"x"}, "realm_access": []any{map[string]any{"roles": "deployments:read"}}}, true, false},
	} {
		p := accept(t, v, changed(c.change))
		if p.Organization != "only" || p.read != c.read || p.write != c.write {
			t.Errorf("%s: got %+v", name, p)
		}
	}
	refused(t, v, changed(map[string]any{"realm_access": map[string]any{"roles": []any{"deployments:read", 1}}}), "claim realm_access.roles is not a string or an array of strings")
}

func TestT5_ARuleRestrictsTokensToAProject(t *testing.T) {
	v := verifier(t, Options{Rules: rulesOf(t, `
- {issuer: a, public_keys_file: ed25519-a, organization: acme, project: "${team}", scopes: [deployments:read, deployments:write]}
- {issuer: b, public_keys_file: ed25519-b, organization: acme, project: "${team?}", scopes: [deployments:read, deployments:write]}
`)})
	if p := accept(t, v, ofA("a", map[string]any{"team": "web", "project_id": "7"})); p.Project != "web" || p.Allows(WriteDeployments) || !p.Allows(ReadDeployments) {
		t.Errorf("got %+v", p)
	}
	refused(t, v, ofA("a", nil), "no project (claim team)")
	if p := accept(t, v, ofB("b", map[string]any{"project_id": "7"})); p.Project != "" || !p.Allows(WriteDeployments) {
		t.Errorf("got %+v", p)
	}
	for _, value := range []any{"", 1, []string{"a", "b"}, map[string]any{}, true} {
		if _, err := v.Verify(t.Context(), ofB("b", map[string]any{"team": value})); err == nil {
			t.Errorf("%v: the token is for the whole organization", value)
		}
	}
}

// The issuer restricts such a token by a claim that this server cannot read.
func TestT4_T5_AClaimThatCannotBeReachedIsNotAbsent(t *testing.T) {
	v := verifier(t, Options{
		HMACSecrets: [][]byte{secretA}, ScopeClaim: []string{"realm", "roles"}, AllowMissingScope: true,
		Rules: rulesOf(t, `
- {issuer: a, public_keys_file: ed25519-a, match: {ci.stage: test}, organization: test}
- {issuer: a, public_keys_file: ed25519-a, organization: acme, project: "${ci.project?}", scopes: deployments:read}
`),
	})
	for _, value := range []any{"web", []any{}, json.RawMessage("null"), 1, []any{"web"}, []any{map[string]any{"project": "web"}, map[string]any{"project": "shop"}}} {
		refused(t, v, ofA("a", map[string]any{"ci": value}), "the token's claim ci is not an object")
		refused(t, v, changed(map[string]any{"scope": nil, "realm": value}), "the token's claim realm is not an object")
	}
	for name, change := range map[string]map[string]any{"absent": nil, "without a project": {"ci": map[string]any{}}, "in a list": {"ci": []any{map[string]any{"job": 1}}}} {
		if p := accept(t, v, ofA("a", change)); p.Project != "" || p.Organization != "acme" {
			t.Errorf("%s: got %+v", name, p)
		}
	}
	if p := accept(t, v, changed(map[string]any{"scope": nil, "realm": map[string]any{}})); !p.read {
		t.Errorf("without a scope: got %+v", p)
	}
}

func TestARevokedTokenIsRefusedFromTheNextRequestOn(t *testing.T) {
	v := withSecret(t)
	digest := func(text []byte) string { sum := sha256.Sum256(text); return hex.EncodeToString(sum[:]) }
	named, number := changed(map[string]any{"jti": "one"}), changed(map[string]any{"jti": 17})
	accept(t, v, named)
	accept(t, v, number)
	credential, _, err := v.Credential(t.Context(), named, digest)
	if err != nil || v.Check(credential, digest) != nil {
		t.Fatal(err)
	}
	revoked, err := ReadRevoked(strings.NewReader("# leaked on Monday\n\n one \r\n17\n"))
	if err != nil {
		t.Fatal(err)
	}
	v.Revoke(revoked)
	for range 2 {
		refused(t, v, named, "has been revoked")
		refused(t, v, number, "has been revoked")
		refused(t, v, changed(map[string]any{"jti": "one", "sub": "another"}), "has been revoked")
	}
	if err := v.Check(credential, digest); err == nil {
		t.Error("a session of the token goes on")
	}
	accept(t, v, changed(map[string]any{"jti": "two"}))
	accept(t, v, changed(map[string]any{"jti": []string{"one"}}))
	accept(t, v, changed(nil))
	v.Revoke(nil)
	accept(t, v, named)
	if _, err := ReadRevoked(strings.NewReader("a\n\x00b\neyJhbGciOi.e30.x\n")); err == nil || !strings.Contains(err.Error(), "line 2: has a control character\nline 3: is a token") || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("got %v", err)
	}
}

func TestCredentialsEndWithTheirRule(t *testing.T) {
	digest := func(text []byte) string { sum := sha256.Sum256(text); return hex.EncodeToString(sum[:]) }
	const rule = `{issuer: a, public_keys_file: ed25519-a, organization: acme, allow_missing_exp: true, scopes: deployments:read`
	v := verifier(t, Options{Rules: rulesOf(t, "- "+rule+"}")})
	credential, _, err := v.Credential(t.Context(), ofA("a", map[string]any{"exp": nil}), digest)
	if err != nil || !credential.Expires.IsZero() {
		t.Fatalf("got %+v, %v", credential, err)
	}
	for text, ok := range map[string]bool{
		"- " + rule + "} # a comment": true,
		"- {issuer: b, public_keys_file: ed25519-b, organization: x}\n- " + rule + "}":                        true,
		"- " + rule + ", audiences: us}":                                                                      false,
		"- {issuer: b, public_keys_file: ed25519-a, organization: acme}":                                      false,
		"- {issuer: a, public_keys_file: ed25519-a, match: {sub: ci}, organization: globex}\n- " + rule + "}": false,
		"- " + rule + "}\n- {issuer: a, public_keys_file: ed25519-a, organization: globex}":                   true,
	} {
		if err := v.Replace(t.Context(), rulesOf(t, text)); err != nil {
			t.Fatal(err)
		}
		if err := v.Check(credential, digest); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A token would otherwise get the rights of a later rule while the keys of an earlier one are not loaded.
func TestT2_ARuleWhoseKeysAreNotLoadedIsNotSkipped(t *testing.T) {
	s := newIssuer(t)
	s.fail(http.StatusServiceUnavailable)
	clock := newClock()
	v := jwksVerifier(t, Options{Now: clock.now, Rules: rulesOf(t, `
- {issuer: a, jwks_url: "`+s.URL+`", match: {team: web}, organization: web}
- {issuer: a, public_keys_file: ed25519-a, organization: other}
`)}, slowSettings())
	pending(t, v, ofA("a", map[string]any{"team": "web"}), "have not been loaded yet")
	refused(t, v, ofA("a", map[string]any{"team": "web", "exp": 1}), "expired")
	if p := accept(t, v, ofA("a", nil)); p.Organization != "other" {
		t.Errorf("got %+v", p)
	}
	s.serve(jwk(ed25519A().Public(), "a", nil))
	clock.advance(time.Minute)
	if p := accept(t, v, ofA("a", map[string]any{"team": "web"})); p.Organization != "web" {
		t.Errorf("got %+v", p)
	}
}

func TestReplaceFetchesOnlyNewSources(t *testing.T) {
	first, second := newIssuer(t, jwk(ed25519A().Public(), "a", nil)), newIssuer(t, jwk(ed25519B().Public(), "b", nil))
	text := func(issuers ...*issuer) (text string) {
		for _, s := range issuers {
			name := map[*issuer]string{first: "first", second: "second"}[s]
			text += fmt.Sprintf("- {issuer: %s, jwks_url: %q, organization: acme}\n- {issuer: %s, jwks_url: %q, match: {x: y}, organization: acme}\n", name, s.URL, name, s.URL)
		}
		return text
	}
	v := jwksVerifier(t, Options{Rules: rulesOf(t, text(first))}, slowSettings())
	token := signClaims(jwt.SigningMethodEdDSA, ed25519A(), "a", claimsOf("first", nil))
	other := signClaims(jwt.SigningMethodEdDSA, ed25519B(), "b", claimsOf("second", nil))
	accept(t, v, token)
	refused(t, v, other, "no rule trusts")
	for range 3 {
		if err := v.Replace(t.Context(), rulesOf(t, text(first, second))); err != nil {
			t.Fatal(err)
		}
	}
	first.wantHits(t, 1)
	second.wantHits(t, 1)
	accept(t, v, token)
	accept(t, v, other)
	if err := v.Replace(t.Context(), rulesOf(t, text(second))); err != nil {
		t.Fatal(err)
	}
	refused(t, v, token, "no rule trusts") // although it was accepted, and cached, before
	accept(t, v, other)
	second.wantHits(t, 1)

	// A new issuer that is down makes its own tokens wait, and no server unready.
	first.fail(http.StatusServiceUnavailable)
	if err := v.Replace(t.Context(), rulesOf(t, text(second, first))); err != nil || v.Ready() != nil {
		t.Errorf("got %v, %v", err, v.Ready())
	}
	pending(t, v, token, "have not been loaded yet")
	accept(t, v, other)
}

func TestTokensAreVerifiedWhileRulesAreReplaced(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "a", nil))
	rule := `- {issuer: a, jwks_url: "` + s.URL + `", organization: acme}` + "\n"
	v := jwksVerifier(t, Options{Rules: rulesOf(t, rule)}, slowSettings())
	token := signClaims(jwt.SigningMethodEdDSA, ed25519A(), "a", claimsOf("a", nil))
	var verified atomic.Int64
	stop := make(chan struct{})
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := v.Verify(context.Background(), token); err != nil {
					t.Errorf("a token was rejected meanwhile: %v", err)
					return
				}
				_ = v.Ready()
				verified.Add(1)
			}
		})
	}
	for i := range 50 {
		more := fmt.Sprintf("- {issuer: a, public_keys_file: ed25519-b, match: {n: %q}, organization: acme}\n", fmt.Sprint(i))
		if err := v.Replace(t.Context(), rulesOf(t, more+rule)); err != nil {
			t.Error(err)
		}
		v.Revoke(map[string]struct{}{fmt.Sprint(i): {}})
	}
	close(stop)
	running.Wait()
	if s.wantHits(t, 1); verified.Load() == 0 {
		t.Error("no token was verified")
	}
}

func TestT2_TheDiscoveryDocumentNamesTheKeys(t *testing.T) {
	keys := newIssuer(t, jwk(ed25519A().Public(), "a", nil))
	s := newIssuer(t)
	bearer := filepath.Join(t.TempDir(), "token")
	var sent atomic.Pointer[string]
	serve := func(issuer, uri string) {
		s.handle(func(w http.ResponseWriter, r *http.Request) {
			authorization := r.Header.Get("Authorization")
			sent.Store(&authorization)
			if r.URL.Path != "/realms/x/.well-known/openid-configuration" {
				t.Errorf("asked for %s", r.URL)
			}
			_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer, uri)
		})
	}
	keys.handle(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("another host than the configured one got the bearer token")
		}
		_, _ = w.Write(keySetJSON(jwk(ed25519A().Public(), "a", nil)))
	})
	issuer := s.URL + "/realms/x"
	text := `- {issuer: "` + issuer + `", oidc_discovery: true, bearer_token_file: "` + bearer + `", organization: acme}`
	token := signClaims(jwt.SigningMethodEdDSA, ed25519A(), "a", claimsOf(issuer, nil))
	if v := jwksVerifier(t, Options{Rules: rulesOf(t, text)}, slowSettings()); v.Ready() == nil {
		t.Error("ready without the bearer token")
	}
	if err := os.WriteFile(bearer, []byte("secret-of-the-pod\nmore"), 0o600); err != nil {
		t.Fatal(err)
	}
	serve(issuer, keys.URL+"/jwks")
	accept(t, jwksVerifier(t, Options{Rules: rulesOf(t, text)}, slowSettings()), token)
	if got := *sent.Load(); got != "Bearer secret-of-the-pod" {
		t.Errorf("got %q", got)
	}
	for name, document := range map[string][2]string{
		"of another issuer": {issuer + "/", keys.URL},
		"not https":         {issuer, "http://keys.example.com/jwks"},
		"no address":        {issuer, ""},
	} {
		serve(document[0], document[1])
		if v := jwksVerifier(t, Options{Rules: rulesOf(t, text)}, slowSettings()); v.Ready() == nil {
			t.Errorf("%s: ready", name)
		}
	}
}

// A document from another machine must not name an address of this one, where it could reach what only this machine can.
func TestT2_ADocumentOfAnotherMachineNamesNoLoopbackAddress(t *testing.T) {
	limits := slowSettings()
	asked := 0
	limits.Transport = roundTrip(func(r *http.Request) string {
		if asked++; asked > 1 {
			t.Errorf("asked for %s", r.URL)
		}
		return `{"issuer":"https://issuer.example","jwks_uri":"http://127.0.0.1:9/jwks"}`
	})
	v := jwksVerifier(t, Options{Rules: rulesOf(t, `- {issuer: "https://issuer.example", oidc_discovery: true, organization: acme}`)}, limits)
	if v.Ready() == nil || asked != 1 {
		t.Errorf("asked %d times, ready: %v", asked, v.Ready())
	}
}

func TestT2_ProxiesAndAuthoritiesAreThoseOfTheSettings(t *testing.T) {
	connected := make(chan string, 1)
	proxy := newIssuer(t)
	proxy.handle(func(w http.ResponseWriter, r *http.Request) {
		select {
		case connected <- r.Method + " " + r.Host:
		default:
		}
		w.WriteHeader(http.StatusBadGateway)
	})
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(keySetJSON(jwk(ed25519A().Public(), "a", nil)))
	}))
	defer secure.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	for _, ca := range []string{string(authority), ""} {
		rules := rulesOf(t, `- {issuer: a, jwks_url: "`+secure.URL+`", organization: acme}`)
		rules[0].Source.CA = ca
		if v := verifier(t, Options{Rules: rules}); (v.Ready() == nil) != (ca != "") {
			t.Errorf("with %d bytes of authorities: %v", len(ca), v.Ready())
		}
	}
	t.Setenv("HTTPS_PROXY", proxy.URL)
	v := verifier(t, Options{JWKSURL: "https://issuer.example/jwks"})
	if got := <-connected; got != "CONNECT issuer.example:443" || v.Ready() == nil {
		t.Errorf("got %q", got)
	}
}

// roundTrip is a transport that returns bodies.
type roundTrip func(r *http.Request) string

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	return jsonResponse(r, f(r)), nil
}

func TestOnlyRulesWithSourcesFetch(t *testing.T) {
	limits := jwks.DefaultLimits()
	limits.Transport = roundTrip(func(r *http.Request) string { t.Errorf("asked for %s", r.URL); return "" })
	v := jwksVerifier(t, Options{Rules: rulesOf(t, `- {issuer: a, public_keys_file: ed25519-a, organization: acme}`)}, limits)
	accept(t, v, ofA("a", nil))
}

func jsonResponse(r *http.Request, body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// Two clusters may have the same issuer: a kid that is unknown to the first rule is looked for in the others.
func TestT2_AnUnknownKeyOfOneRuleIsLookedForInTheNext(t *testing.T) {
	first, second := newIssuer(t, jwk(ed25519A().Public(), "a", nil)), newIssuer(t, jwk(ed25519B().Public(), "b", nil))
	clock := newClock()
	ofKey := func(key any, kid string, change map[string]any) string {
		return signClaims(jwt.SigningMethodEdDSA, key, kid, claimsOf("a", change))
	}
	rules := rulesOf(t, `
- {issuer: a, jwks_url: "`+first.URL+`", organization: "${first}"}
- {issuer: a, jwks_url: "`+second.URL+`", organization: second}
`)
	v := jwksVerifier(t, Options{Now: clock.now, Rules: rules}, slowSettings())
	for i := range 3 {
		got := accept(t, v, ofKey(ed25519B(), "b", map[string]any{"n": i, "first": "first"}))
		if got.Organization != "second" {
			t.Errorf("got %+v", got)
		}
		// The claims that only the first rule requires do not matter.
		if got := accept(t, v, ofKey(ed25519B(), "b", map[string]any{"n": i})); got.Organization != "second" {
			t.Errorf("got %+v", got)
		}
	}
	first.wantHits(t, 2)
	forged := ofKey(newEd25519(), "forged", map[string]any{"first": "first"})
	pending(t, v, forged, "not known yet") // the first set may not be refreshed
	pending(t, v, forged, "not known yet") // neither may be
	clock.advance(time.Minute)
	refused(t, v, forged, "header kid) is not known")
	refused(t, v, ofKey(ed25519A(), "a", nil), "no organization (claim first)")

	flags := jwksVerifier(t, Options{Now: clock.now, PublicKeyPEM: pkixPEM(ed25519B().Public()), Rules: rules[:1]}, slowSettings())
	for i := range 2 {
		if got := accept(t, flags, ofKey(ed25519B(), "b", map[string]any{"n": i, "first": "first"})); got.Organization != "acme" {
			t.Errorf("got %+v", got)
		}
	}
	pending(t, flags, forged, "not known yet")
}

func TestT2_RulesOfOneSourceShareTheLookUpOfAKey(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "a", nil))
	clock := newClock()
	v := jwksVerifier(t, Options{Now: clock.now, Rules: rulesOf(t, `
- {issuer: a, jwks_url: "`+s.URL+`", organization: first}
- {issuer: a, jwks_url: "`+s.URL+`", organization: second}
`)}, slowSettings())
	forged := signClaims(jwt.SigningMethodEdDSA, newEd25519(), "forged", claimsOf("a", nil))
	refused(t, v, forged, "header kid) is not known")
	pending(t, v, forged, "not known yet")
	clock.advance(time.Minute)
	refused(t, v, forged, "header kid) is not known")
	s.wantHits(t, 3)
}

// Idempotency keys and rate limits are those of a client: the same subject of another issuer is another one.
func TestSubjectsOfIssuersAreDifferentClients(t *testing.T) {
	v := verifier(t, Options{
		HMACSecrets: [][]byte{secretA},
		Rules: rulesOf(t, `
- {issuer: a, public_keys_file: ed25519-a, organization: acme, scopes: deployments:read}
- {issuer: b, public_keys_file: ed25519-b, organization: acme, scopes: deployments:read}`),
	})
	same := map[string]any{"sub": "ci"}
	a, b := accept(t, v, ofA("a", same)), accept(t, v, ofB("b", same))
	again := accept(t, v, ofA("a", map[string]any{"sub": "ci", "jti": "another"}))
	settings := accept(t, v, signClaims(jwt.SigningMethodHS256, secretA, "", claimsOf("c", same)))
	if a.Client() != again.Client() || a.Client() == b.Client() || a.Client() == settings.Client() || settings.Client() != "ci" {
		t.Errorf("got %q, %q, %q and %q", a.Client(), again.Client(), b.Client(), settings.Client())
	}
}
