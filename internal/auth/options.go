package auth

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/keys"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
)

// Upstream's own claim names (rules T3 to T5).
const (
	defaultOrganizationClaim = "org_id"
	defaultProjectClaim      = "project_name"
)

// Options defines which tokens are accepted. At least one kind of key must be
// set, or Rules; several may be set together (rule T1).
type Options struct {
	// HMACSecrets verify HS256. Each has 32 bytes or more; any may match.
	HMACSecrets [][]byte
	// PublicKeyPEM is any number of PEM blocks: PUBLIC KEY, RSA PUBLIC KEY or
	// CERTIFICATE. RSA keys of 2048 bits or more verify RS256, P-256 keys
	// ES256, Ed25519 keys EdDSA; any key of the algorithm may match. Every
	// block is trusted with the signing of tokens, so a chain of certificates
	// does not belong here, only the one that signs.
	PublicKeyPEM []byte
	// JWKSURL is where the issuer publishes its keys: https, or http to a
	// loopback address (rule T2).
	JWKSURL string

	// Issuer and Audience are checked when they are not empty.
	Issuer, Audience string
	// OrganizationClaim names the claim that holds the organization (rule T3).
	// Empty: org_id.
	OrganizationClaim string
	// FixedOrganization is the organization of every token, whatever its
	// claims. Empty: the claim's.
	FixedOrganization string
	// ProjectClaim names the claim that limits a token to a project (rule T5).
	// Empty: project_name.
	ProjectClaim string
	// IgnoreProjects switches rule T5 off: no claim limits a token to a project.
	IgnoreProjects bool
	// ScopeClaim leads to the claim that is read in place of scope and scp
	// (rule T4). Empty: those.
	ScopeClaim claims.Path
	// AllowMissingScope lets a token read that has none of the claims scope,
	// scp, roles and permissions, nor the ScopeClaim (rule T4).
	AllowMissingScope bool

	// Rules are tried in their order, before the keys and claims above. A nil
	// slice with these keys is a server without a trust file.
	Rules []trust.Rule
	// Revoked has the jti of tokens that are no longer accepted.
	Revoked map[string]struct{}
	// Organizations are those whose tokens are accepted (rule T3). Empty: all.
	Organizations []string

	// Logger receives the results of JWKS fetches. It is required. It never
	// receives a token or a key.
	Logger *slog.Logger
	// Now is the clock for exp, nbf and iat and for the limit on refreshes.
	// Nil: time.Now.
	Now func() time.Time
}

// hasKeys reports whether keys are set apart from those of the rules.
func (o *Options) hasKeys() bool {
	return len(o.HMACSecrets) > 0 || len(o.PublicKeyPEM) > 0 || o.JWKSURL != ""
}

// rule returns the options as a rule for tokens of any issuer.
func (o *Options) rule() (trust.Rule, error) {
	r := trust.Rule{Keys: keys.Static{}, Algorithms: append(slices.Clone(keys.Default), keys.Secret)}
	violations := []error{r.Keys.AddSecrets(o.HMACSecrets)}
	if len(o.PublicKeyPEM) > 0 {
		violations = append(violations, r.Keys.AddPEM(o.PublicKeyPEM, keys.Default))
	}
	if o.JWKSURL != "" {
		r.Source = &jwks.Source{JWKSURL: o.JWKSURL}
		if err := jwks.CheckURL(o.JWKSURL); err != nil {
			violations = append(violations, fmt.Errorf("the JWKS URL %w", err))
		}
	}
	organization, project := cmp.Or(o.OrganizationClaim, defaultOrganizationClaim), cmp.Or(o.ProjectClaim, defaultProjectClaim)
	r.Organization = trust.Claim(organization)
	if o.FixedOrganization != "" {
		r.Organization = trust.Fixed(o.FixedOrganization)
	}
	if o.IgnoreProjects {
		project = ""
	} else {
		r.Project, r.ProjectID = trust.OptionalClaim(project), project == defaultProjectClaim
	}
	r.Scopes = trust.Scopes{Claim: o.ScopeClaim, AllowMissing: o.AllowMissingScope}
	r.Text = fmt.Sprintf("iss=%q aud=%q organization=%q project=%q missing_scope=%t key=", o.Issuer, o.Audience, organization, project, o.AllowMissingScope)
	if o.FixedOrganization != "" || len(o.ScopeClaim) > 0 {
		r.Text = fmt.Sprintf("fixed=%q scope=%q ", o.FixedOrganization, o.ScopeClaim) + r.Text
	}
	return r, errors.Join(violations...)
}

// validator checks the issuer and the audience of the options, beside the dates.
func (o *Options) validator() *jwt.Validator {
	var options []jwt.ParserOption
	if o.Issuer != "" {
		options = append(options, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		options = append(options, jwt.WithAudience(o.Audience))
	}
	return newValidator(o.Now, append(options, jwt.WithExpirationRequired())...)
}

// newValidator sets what golang-jwt leaves open: by default it accepts a token
// issued tomorrow.
func newValidator(now func() time.Time, more ...jwt.ParserOption) *jwt.Validator {
	return jwt.NewValidator(append(more, jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(now))...)
}
