package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/keys"
	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// verifierOptions reads the files of the keys, and returns the violations of the keys with the names of their settings.
func verifierOptions(settings *config.Accepted) (options auth.Options, violations []error) {
	options = auth.Options{
		JWKSURL:           settings.JWKSURL,
		Issuer:            settings.Issuer,
		Audience:          settings.Audience,
		OrganizationClaim: settings.OrganizationClaim,
		ProjectClaim:      settings.ProjectClaim,
		IgnoreProjects:    settings.ProjectClaim == "",
		FixedOrganization: settings.FixedOrganization,
		AllowMissingScope: settings.AllowMissingScope.Value,
		Organizations:     settings.Allowed,
	}
	secrets, err := readSecrets(&settings.Secrets)
	if err != nil {
		violations = append(violations, err)
	}
	options.HMACSecrets = secrets
	if settings.PublicKeyFile != "" {
		if options.PublicKeyPEM, err = os.ReadFile(settings.PublicKeyFile); err != nil {
			violations = append(violations, fmt.Errorf("--jwt-public-key-file: %w", err))
		} else if err := (keys.Static{}).AddPEM(options.PublicKeyPEM, keys.Default); err != nil {
			violations = append(violations, fmt.Errorf("--jwt-public-key-file: %s: %w", settings.PublicKeyFile, err))
		}
	}
	if settings.JWKSURL != "" {
		if err := jwks.CheckURL(settings.JWKSURL); err != nil {
			violations = append(violations, fmt.Errorf("--jwks-url: %s %w", config.QuoteURL(settings.JWKSURL), err))
		}
	}
	if settings.ScopeClaim != "" {
		if options.ScopeClaim, err = claims.ParsePath(settings.ScopeClaim); err != nil {
			violations = append(violations, fmt.Errorf("--scope-claim: %q %w", settings.ScopeClaim, err))
		}
	}
	return options, append(violations, checkFixedOrganization(settings)...)
}

// checkFixedOrganization returns the violations of --fixed-organization.
func checkFixedOrganization(settings *config.Accepted) (violations []error) {
	name := settings.FixedOrganization
	if name == "" {
		return nil
	}
	if err := deployments.CheckOrganization(name); err != nil {
		violations = append(violations, fmt.Errorf("--fixed-organization: %s %w", deployments.Quote(name), err))
	}
	if !settings.Includes(name) {
		violations = append(violations, fmt.Errorf("--fixed-organization: %s is not one of --organizations", deployments.Quote(name)))
	}
	return violations
}

// readSecrets returns the HMAC secrets, the secret of the environment first, or the violations of both sources.
func readSecrets(settings *config.Secrets) ([][]byte, error) {
	var secrets [][]byte
	var invalid error
	if secret := []byte(settings.HMACSecret()); len(secret) > 0 {
		secrets = append(secrets, secret)
		if err := keys.CheckSecret(secret); err != nil {
			invalid = fmt.Errorf("JWT_HMAC_SECRET: %w", err)
		}
	}
	more, err := readSecretFile("jwt-hmac-secret-file", settings.HMACSecretFile)
	return append(secrets, more...), errors.Join(invalid, err)
}

// readSecretFile reads the secrets of the file that a flag names, if it names one.
func readSecretFile(flag, name string) ([][]byte, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	defer file.Close()
	secrets, err := keys.ReadSecrets(file)
	if err != nil {
		return nil, fmt.Errorf("--%s: %s: %w", flag, name, err)
	}
	return secrets, nil
}
