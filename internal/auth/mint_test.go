package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func readClaims(t *testing.T, token string) (header map[string]any, claims jwt.MapClaims) {
	t.Helper()
	claims = jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(token, claims)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header, claims
}

func TestAMintedTokenIsAcceptedAsItWasAskedFor(t *testing.T) {
	token, err := Mint(secretA, MintRequest{
		Organization: "acme", Project: "web", Subject: "ci",
		Issuer: "me", Audience: "records", OrganizationClaim: "tenant",
		Scopes: []Scope{ReadDeployments}, TTL: time.Hour, Now: testTime,
	})
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, Issuer: "me", Audience: "records", OrganizationClaim: "tenant"})
	p := accept(t, v, token)
	if p.Organization != "acme" || p.Project != "web" || p.Subject != "ci" {
		t.Errorf("got %+v", p)
	}
	checkAllows(t, p, true, false)

	header, c := readClaims(t, token)
	if header["alg"] != "HS256" || c["iat"] != float64(testTime.Unix()) || c["exp"] != float64(testTime.Add(time.Hour).Unix()) {
		t.Errorf("header %v, claims %v", header, c)
	}
}

func TestAMintedTokenHoldsNothingThatWasNotAskedFor(t *testing.T) {
	token, err := Mint(secretA, MintRequest{Organization: "acme", TTL: time.Hour, Now: testTime})
	if err != nil {
		t.Fatal(err)
	}
	_, c := readClaims(t, token)
	if len(c) != 4 || c["org_id"] != "acme" || c["iat"] == nil || c["exp"] == nil || c["jti"] == nil {
		t.Errorf("got %v, want org_id, iat, exp and jti only", c)
	}
	checkAllows(t, accept(t, withSecret(t), token), false, false)
}

func TestT4_BothScopesCanBeMinted(t *testing.T) {
	token, err := Mint(secretA, MintRequest{Organization: "acme", Scopes: []Scope{ReadDeployments, WriteDeployments}, TTL: time.Hour, Now: testTime})
	if err != nil {
		t.Fatal(err)
	}
	checkAllows(t, accept(t, withSecret(t), token), true, true)
}

func TestEveryMintedTokenHasItsOwnRandomID(t *testing.T) {
	seen := map[any]bool{}
	for range 100 {
		token, err := Mint(secretA, MintRequest{Organization: "acme", TTL: time.Hour, Now: testTime})
		if err != nil {
			t.Fatal(err)
		}
		_, c := readClaims(t, token)
		if id, _ := c["jti"].(string); len(id) < 20 {
			t.Fatalf("jti %q is too short to be unique", id)
		}
		seen[c["jti"]] = true
	}
	if len(seen) != 100 {
		t.Errorf("100 tokens have %d different jti", len(seen))
	}
}

func TestAMintedTokenLivesForItsTTL(t *testing.T) {
	for ttl, want := range map[time.Duration]int64{
		time.Millisecond:        1,
		time.Second:             1,
		1500 * time.Millisecond: 2,
		90 * 24 * time.Hour:     90 * 24 * 3600,
	} {
		token, err := Mint(secretA, MintRequest{Organization: "acme", TTL: ttl, Now: testTime})
		if err != nil {
			t.Fatal(err)
		}
		if _, c := readClaims(t, token); c["exp"] != float64(testTime.Unix()+want) {
			t.Errorf("a TTL of %s ends at %v", ttl, c["exp"])
		}
	}
	token, err := Mint(secretA, MintRequest{Organization: "acme", TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	accept(t, verifier(t, Options{HMACSecrets: [][]byte{secretA}, Now: time.Now}), token)
}

func TestWhatVerifyWouldRefuseIsNotMinted(t *testing.T) {
	good := MintRequest{Organization: "acme", TTL: time.Hour, Now: testTime}
	for name, c := range map[string]struct {
		change func(*MintRequest)
		says   string
	}{
		"no organization":             {func(r *MintRequest) { r.Organization = "" }, "no organization (claim org_id)"},
		"organization with NUL":       {func(r *MintRequest) { r.Organization = "a\x00" }, "claim org_id holds a character"},
		"organization not in UTF-8":   {func(r *MintRequest) { r.Organization = "a\xff" }, "claim org_id holds a character"},
		"organization too long":       {func(r *MintRequest) { r.Organization = strings.Repeat("a", 257) }, "longer than 256"},
		"project with a line break":   {func(r *MintRequest) { r.Project = "a\n" }, "claim project_name holds a character"},
		"subject not in UTF-8":        {func(r *MintRequest) { r.Subject = "a\xff" }, "claim sub holds a character"},
		"issuer not in UTF-8":         {func(r *MintRequest) { r.Issuer = "a\xff" }, "claim iss holds a character"},
		"audience not in UTF-8":       {func(r *MintRequest) { r.Audience = "a\xff" }, "claim aud holds a character"},
		"no TTL":                      {func(r *MintRequest) { r.TTL = 0 }, "time to live"},
		"negative TTL":                {func(r *MintRequest) { r.TTL = -time.Hour }, "time to live"},
		"unknown scope":               {func(r *MintRequest) { r.Scopes = []Scope{"deployments:all"} }, `scope "deployments:all" is unknown`},
		"empty scope":                 {func(r *MintRequest) { r.Scopes = []Scope{""} }, `scope "" is unknown`},
		"organization in the expiry":  {func(r *MintRequest) { r.OrganizationClaim = "exp" }, "can't be the claim exp"},
		"organization in the subject": {func(r *MintRequest) { r.OrganizationClaim, r.Subject = "sub", "x" }, "can't be the claim sub"},
		"T5: write within a project": {func(r *MintRequest) {
			r.Project, r.Scopes = "web", []Scope{ReadDeployments, WriteDeployments}
		}, "limited to a project can't have the scope deployments:write"},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			c.change(&r)
			token, err := Mint(secretA, r)
			if err == nil || token != "" || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %q, %v, want an error that says %q", token, err, c.says)
			}
		})
	}
	short := []byte("hunter2-hunter2-hunter2-hunter2")
	if _, err := Mint(short, good); err == nil || !strings.Contains(err.Error(), "shorter than 32 bytes") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("with a short secret: %v", err)
	}
	_, err := Mint(nil, MintRequest{})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want all three violations at once", err)
	}
}

func TestT5_AMintedTokenHasItsProjectInTheProjectClaim(t *testing.T) {
	token, err := Mint(secretA, MintRequest{Organization: "acme", Project: "web", ProjectClaim: "project_path", TTL: time.Hour, Now: testTime})
	if err != nil {
		t.Fatal(err)
	}
	if p := accept(t, verifier(t, Options{HMACSecrets: [][]byte{secretA}, ProjectClaim: "project_path"}), token); p.Project != "web" {
		t.Errorf("the project is %q", p.Project)
	}
	for _, claim := range []string{"sub", "exp", "org_id"} {
		_, err := Mint(secretA, MintRequest{Organization: "acme", Project: "web", Subject: "ci", ProjectClaim: claim, TTL: time.Hour})
		if err == nil || !strings.Contains(err.Error(), "can't be the claim "+claim) {
			t.Errorf("project claim %s: got %v", claim, err)
		}
	}
}
