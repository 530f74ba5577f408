package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"testing"
	"time"
)

func TestCredentialsEndWithTheirKeyAndOrganization(t *testing.T) {
	digest := func(text []byte) string { sum := sha256.Sum256(text); return hex.EncodeToString(sum[:]) }
	first, second := []byte("the first secret of more than 32 bytes"), []byte("another secret of more than 32 bytes..")
	verifier := func(change ...func(*Options)) *Verifier {
		o := Options{HMACSecrets: [][]byte{first, second}, Logger: slog.New(slog.DiscardHandler)}
		for _, c := range change {
			c(&o)
		}
		v, err := New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	token, err := Mint(second, MintRequest{Organization: "acme", Project: "web", Issuer: "ci", Scopes: []Scope{ReadDeployments}, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	c, principal, err := verifier().Credential(t.Context(), token, digest)
	if err != nil || !principal.Allows(ReadDeployments) || c.Key == "" || c.Organization != "acme" || c.Project != "web" || c.Issuer != "ci" || c.TokenID == "" || time.Until(c.Expires) < 59*time.Minute {
		t.Fatalf("got %+v, %+v and %v", c, principal, err)
	}
	if _, _, err := verifier().Credential(t.Context(), token+"x", digest); err == nil {
		t.Error("a changed token has a credential")
	}
	for name, check := range map[string]struct {
		change func(*Options)
		ok     bool
	}{
		"the same keys":               {func(*Options) {}, true},
		"another order":               {func(o *Options) { o.HMACSecrets = [][]byte{second, first} }, true},
		"without the key":             {func(o *Options) { o.HMACSecrets = o.HMACSecrets[:1] }, false},
		"without the organization":    {func(o *Options) { o.Organizations = []string{"globex"} }, false},
		"with the organization alone": {func(o *Options) { o.Organizations = []string{"acme"} }, true},
		"with the default claims":     {func(o *Options) { o.OrganizationClaim, o.ProjectClaim = "org_id", "project_name" }, true},
		"with an issuer":              {func(o *Options) { o.Issuer = "ci" }, false},
		"with an audience":            {func(o *Options) { o.Audience = "deployrecords" }, false},
		"by another organization":     {func(o *Options) { o.OrganizationClaim = "tenant" }, false},
		"by another project":          {func(o *Options) { o.ProjectClaim = "repository" }, false},
		"without projects":            {func(o *Options) { o.IgnoreProjects = true }, false},
		"without scopes":              {func(o *Options) { o.AllowMissingScope = true }, false},
	} {
		err := verifier(check.change).Check(c, digest)
		var rejected *TokenError
		if check.ok != (err == nil) || err != nil && !errors.As(err, &rejected) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCredentialsWaitForKeysThatAreNotLoaded(t *testing.T) {
	v, err := New(t.Context(), Options{JWKSURL: "http://127.0.0.1:1/jwks", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var missing *KeysError
	if err := v.Check(Credential{Organization: "acme", Key: "x"}, func([]byte) string { return "y" }); !errors.As(err, &missing) {
		t.Errorf("got %v, want a *KeysError", err)
	}
}
