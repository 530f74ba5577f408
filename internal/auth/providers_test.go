package auth

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/trustfile"
)

// documentedRules returns the trust files of docs/identity-providers.md by the headings before them.
func documentedRules(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/identity-providers.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for section := range strings.SplitSeq(string(page), "\n## ") {
		heading, _, _ := strings.Cut(section, "\n")
		for _, block := range regexp.MustCompile("(?s)```yaml\n# trust.yaml\n(.*?)```").FindAllStringSubmatch(section, -1) {
			files[heading] += block[1]
		}
	}
	return files
}

// issuers answers as every issuer does: with a discovery document, and with the keys of the tests.
type issuers map[string]string // the issuers by the addresses of their documents

func (i issuers) RoundTrip(r *http.Request) (*http.Response, error) {
	body := string(keySetJSON(jwk(rsaA().Public(), "rsa", nil), jwk(p256A().Public(), "ec", nil)))
	if issuer, ok := i[r.URL.String()]; ok {
		body = `{"issuer":"` + issuer + `","jwks_uri":"https://keys.example.com/jwks"}`
	}
	return jsonResponse(r, body), nil
}

// documented returns a verifier with the rules of a trust file of the page.
func documented(t *testing.T, text string) *Verifier {
	t.Helper()
	files := map[string][]byte{
		"bundle.json":      keySetJSON(jwk(p256A().Public(), "ec", map[string]any{"use": "jwt-svid", "alg": nil}), jwk(newEC(elliptic.P384()).Public(), "x", map[string]any{"use": "x509-svid"})),
		"chainloop-secret": append(bytes.Clone(secretA), '\n'),
		"ca.crt":           certificatePEM(),
	}
	file, err := trustfile.Parse([]byte(text), "/etc/deployrecords", func(name string) ([]byte, error) {
		if text, ok := files[filepath.Base(name)]; ok {
			return text, nil
		}
		return nil, errors.New("no such file")
	})
	if err != nil {
		t.Fatal(err)
	}
	known := issuers{}
	for _, rule := range file.Rules {
		known[strings.TrimSuffix(rule.Issuer, "/")+"/.well-known/openid-configuration"] = rule.Issuer
		if rule.Source != nil && rule.Source.BearerTokenFile != "" {
			rule.Source.BearerTokenFile = filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(rule.Source.BearerTokenFile, []byte("a token\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	limits := jwks.DefaultLimits()
	limits.Transport = known
	return jwksVerifier(t, Options{Rules: file.Rules}, limits)
}

// issued is a token as a provider documents it, what it grants, and changes after which it must be rejected.
type issued struct {
	method  jwt.SigningMethod
	claims  map[string]any
	want    Principal
	changes []map[string]any
}

// sign returns the token with the claims that every provider sets.
func (i issued) sign(change map[string]any) string {
	claims := jwt.MapClaims{"iat": testTime.Unix(), "exp": testTime.Unix() + 300, "jti": "3f8a"}
	maps.Copy(claims, i.claims)
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	switch i.method {
	case jwt.SigningMethodHS256:
		return signClaims(i.method, secretA, "", claims)
	case jwt.SigningMethodES256:
		return signClaims(i.method, p256A(), "ec", claims)
	}
	return signClaims(jwt.SigningMethodRS256, rsaA(), "rsa", claims)
}

const us = "https://deployrecords.example.com"

// The claims are those of the providers' public documentation.
var providers = map[string][]issued{
	"GitHub Actions": {{
		claims: map[string]any{
			"iss": "https://token.actions.githubusercontent.com", "aud": us, "sub": "repo:acme/web:ref:refs/heads/main",
			"repository": "acme/web", "repository_id": "74", "repository_owner": "acme", "repository_owner_id": "65",
			"repository_visibility": "private", "actor": "octocat", "actor_id": "12", "ref": "refs/heads/main", "ref_type": "branch",
			"ref_protected": "true", "sha": "example-sha", "workflow": "deploy", "event_name": "push", "base_ref": "", "head_ref": "",
			"job_workflow_ref": "acme/web/.github/workflows/deploy.yaml@refs/heads/main", "run_id": "1", "run_number": "10",
			"run_attempt": "2", "runner_environment": "github-hosted",
		},
		want: Principal{Subject: "repo:acme/web:ref:refs/heads/main", Organization: "acme", read: true, write: true},
		changes: []map[string]any{
			{"repository": "acme-evil/web"},
			{"repository": "evil/acme/web"},
			{"repository": "ACME/web"},
			{"repository": nil},
			{"repository": "acme/" + "web/x"},
			{"repository_owner_id": 66},
			{"ref": "refs/heads/main2"},
			{"ref": "refs/pull/1/merge"},
			{"aud": "https://github.com/acme"},
			{"iss": "https://token.actions.githubusercontent.com/acme"},
			{"ref": map[string]any{"refs/heads/main": 1}},
		},
	}},
	"GitLab": {{
		claims: map[string]any{
			"iss": "https://gitlab.com", "aud": us, "sub": "project_path:acme/shop/web:ref_type:branch:ref:main", "nbf": testTime.Unix() - 5,
			"namespace_id": "72", "namespace_path": "acme/shop", "project_id": "20", "project_path": "acme/shop/web", "user_id": "1",
			"user_login": "sample-user", "user_email": "sample-user@example.com", "pipeline_id": "574", "pipeline_source": "push", "job_id": "302",
			"ref": "main", "ref_type": "branch", "ref_path": "refs/heads/main", "ref_protected": "true", "environment": "production",
			"environment_protected": "true", "runner_id": 1, "runner_environment": "gitlab-hosted", "sha": "714a629c",
		},
		// project_id has another meaning than in upstream's tokens (T5).
		want:    Principal{Subject: "project_path:acme/shop/web:ref_type:branch:ref:main", Organization: "acme", read: true, write: true},
		changes: []map[string]any{{"namespace_path": "acmeshop"}, {"namespace_path": "evil/acme"}, {"ref_protected": "false"}, {"ref_protected": nil}, {"aud": "https://vault.example.com"}},
	}},
	"Kubernetes": {{
		claims: map[string]any{
			"iss": "https://kubernetes.default.svc.cluster.local", "aud": []string{"deployrecords"}, "sub": "system:serviceaccount:inventory:agent",
			"nbf": testTime.Unix(), "kubernetes.io": map[string]any{
				"namespace": "inventory", "pod": map[string]any{"name": "agent-1", "uid": "1ef1"},
				"node": map[string]any{"name": "node-1", "uid": "58456cb0"}, "serviceaccount": map[string]any{"name": "agent", "uid": "6a1e"},
			},
		},
		want:    Principal{Subject: "system:serviceaccount:inventory:agent", Organization: "acme", read: true, write: true},
		changes: []map[string]any{{"sub": "system:serviceaccount:inventory:agent2"}, {"sub": "system:serviceaccount:default:agent"}, {"aud": []string{"https://kubernetes.default.svc.cluster.local"}}},
	}},
	"SPIFFE": {{
		method:  jwt.SigningMethodES256,
		claims:  map[string]any{"aud": []string{"deployrecords"}, "sub": "spiffe://example.org/ns/shop/sa/deployer"},
		want:    Principal{Subject: "spiffe://example.org/ns/shop/sa/deployer", Organization: "acme", read: true, write: true},
		changes: []map[string]any{{"sub": "spiffe://example.org/ns/a/b/sa/deployer"}, {"sub": "spiffe://evil.example.org/ns/shop/sa/deployer"}, {"aud": "other"}, {"iss": "https://evil.example.com"}},
	}},
	"Google": {{
		claims: map[string]any{
			"iss": "https://accounts.google.com", "aud": us, "azp": "104029292853099978293", "sub": "104029292853099978293",
			"email": "deployer@acme-prod.iam.gserviceaccount.com", "email_verified": true,
			"google": map[string]any{"compute_engine": map[string]any{"project_id": "acme-prod", "zone": "europe-west3-a"}},
		},
		want:    Principal{Subject: "104029292853099978293", Organization: "acme", read: true, write: true},
		changes: []map[string]any{{"email": "deployer@evil.iam.gserviceaccount.com"}, {"email_verified": false}, {"email_verified": nil}, {"aud": "other"}},
	}},
	"Keycloak": {{
		claims: map[string]any{
			"iss": "https://keycloak.example.com/realms/acme", "aud": []string{"deployrecords", "account"}, "sub": "36fa0f91", "typ": "Bearer",
			"azp": "pipeline", "acr": "1", "scope": "email profile", "realm_access": map[string]any{"roles": []string{"offline_access"}},
			"resource_access": map[string]any{"deployrecords": map[string]any{"roles": []string{"recorder"}}, "account": map[string]any{"roles": []string{"view-profile"}}},
			"email_verified":  false, "preferred_username": "service-account-pipeline",
		},
		want:    Principal{Subject: "36fa0f91", Organization: "acme", read: true, write: true},
		changes: []map[string]any{{"typ": "ID"}, {"aud": "account"}, {"iss": "https://keycloak.example.com/realms/other"}},
	}},
	"Auth0": {{
		claims: map[string]any{
			"iss": "https://acme.eu.auth0.com/", "aud": []string{us, "https://acme.eu.auth0.com/userinfo"}, "sub": "auth0|6553da60", "azp": "K1AUPhZq",
			"scope": "openid profile email", "org_id": "org_9ybsU1dN2dKfDkBi", "permissions": []string{"deployments:read"},
		},
		want:    Principal{Subject: "auth0|6553da60", Organization: "org_9ybsU1dN2dKfDkBi", read: true},
		changes: []map[string]any{{"org_id": nil}, {"org_id": []string{"a", "b"}}, {"iss": "https://acme.eu.auth0.com"}, {"permissions": map[string]any{"deployments:read": true}}},
	}},
	"Okta": {{
		claims: map[string]any{
			"ver": 1, "iss": "https://acme.okta.com/oauth2/aus1example", "aud": "api://deployrecords", "sub": "0oa1example", "cid": "0oa1example",
			"scp": []string{"deployments:read", "deployments:write"},
		},
		want:    Principal{Subject: "0oa1example", Organization: "acme", read: true, write: true},
		changes: []map[string]any{{"aud": "api://default"}, {"scp": 1}},
	}},
	"Entra ID": {{
		claims: map[string]any{
			"aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "iss": "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
			"aio": "E2Rg", "azp": "0e74", "azpacr": "1", "oid": "690222be", "rh": "0.AR", "roles": []string{"Deployments.Write"}, "sub": "690222be",
			"tid": "72f988bf-86f1-41af-91ab-2d7cd011db47", "uti": "XnCk", "ver": "2.0",
		},
		want:    Principal{Subject: "690222be", Organization: "acme", read: true, write: true},
		changes: []map[string]any{{"aud": "00000003-0000-0000-c000-000000000000"}, {"iss": "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/"}},
	}, {
		claims: map[string]any{
			"aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "iss": "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
			"name": "Ann", "oid": "7a", "preferred_username": "ann@acme.example", "scp": "Deployments.Read User.Read", "sub": "AAAA", "ver": "2.0",
		},
		want: Principal{Subject: "AAAA", Organization: "acme", read: true},
	}},
	"Cognito": {{
		claims: map[string]any{
			"iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example", "sub": "1example23456789", "client_id": "1example23456789",
			"token_use": "access", "version": 2, "scope": "deployrecords/deployments.read deployrecords/deployments.write", "auth_time": 1,
		},
		want:    Principal{Subject: "1example23456789", Organization: "acme", read: true, write: true},
		changes: []map[string]any{{"client_id": "other"}, {"token_use": "id"}, {"client_id": nil}},
	}},
	"Chainloop": {{
		method:  jwt.SigningMethodHS256,
		claims:  map[string]any{"iss": "cp.chainloop", "aud": []string{"api-token-auth.chainloop"}, "org_id": "f3d1", "iat": nil, "exp": nil},
		want:    Principal{Organization: "f3d1", read: true},
		changes: []map[string]any{{"aud": "user-auth.chainloop"}, {"org_id": ""}, {"project_name": 1}, {"project_name": ""}, {"exp": testTime.Unix() - 60}},
	}, {
		method: jwt.SigningMethodHS256,
		claims: map[string]any{"iss": "cp.chainloop", "aud": []string{"api-token-auth.chainloop"}, "org_id": "f3d1", "project_id": "1", "project_name": "web", "iat": nil, "exp": nil},
		want:   Principal{Organization: "f3d1", Project: "web", read: true},
	}},
}

func TestEachDocumentedRuleAcceptsTheTokensOfItsProvider(t *testing.T) {
	files := documentedRules(t)
	if len(files) != len(providers) {
		t.Errorf("the page has %d trust files, and the test %d providers", len(files), len(providers))
	}
	together := ""
	for name, tokens := range providers {
		if files[name] == "" {
			t.Fatalf("the page has no trust file for %s", name)
		}
		together += files[name]
		v := documented(t, files[name])
		for _, token := range tokens {
			token.want.Issuer, _ = token.claims["iss"].(string)
			if got := accept(t, v, token.sign(nil)); got != token.want {
				t.Errorf("%s: got %+v, want %+v", name, got, token.want)
			}
			for _, change := range token.changes {
				if p, err := v.Verify(t.Context(), token.sign(change)); err == nil {
					t.Errorf("%s: the token was accepted with %v as %+v", name, change, p)
				}
			}
		}
	}
	// One file with all of them.
	v := documented(t, together)
	for name, tokens := range providers {
		for _, token := range tokens {
			token.want.Issuer, _ = token.claims["iss"].(string)
			if got := accept(t, v, token.sign(nil)); got != token.want {
				t.Errorf("%s, with all rules: got %+v, want %+v", name, got, token.want)
			}
		}
	}
}
