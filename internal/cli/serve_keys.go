package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/config"
)

// verifierOptions reads the files of the keys, and returns the violations of the keys with the names of their settings.
func verifierOptions(keys *config.Keys) (options auth.Options, violations []error) {
	options = auth.Options{
		JWKSURL:           keys.JWKSURL,
		Issuer:            keys.Issuer,
		Audience:          keys.Audience,
		OrganizationClaim: keys.OrganizationClaim,
		ProjectClaim:      keys.ProjectClaim,
		IgnoreProjects:    keys.ProjectClaim == "",
	}
	secrets, err := readSecrets(&keys.Secrets)
	if err != nil {
		violations = append(violations, err)
	}
	options.HMACSecrets = secrets
	if keys.PublicKeyFile != "" {
		if options.PublicKeyPEM, err = os.ReadFile(keys.PublicKeyFile); err != nil {
			violations = append(violations, fmt.Errorf("--jwt-public-key-file: %w", err))
		} else if err := auth.CheckPublicKeys(options.PublicKeyPEM); err != nil {
			violations = append(violations, fmt.Errorf("--jwt-public-key-file: %s: %w", keys.PublicKeyFile, err))
		}
	}
	if keys.JWKSURL != "" {
		if err := auth.CheckJWKSURL(keys.JWKSURL); err != nil {
			violations = append(violations, fmt.Errorf("--jwks-url: %s %w", config.QuoteURL(keys.JWKSURL), err))
		}
	}
	return options, violations
}

// readSecrets returns the HMAC secrets, the secret of the environment first, or the violations of both sources.
func readSecrets(keys *config.Secrets) ([][]byte, error) {
	var secrets [][]byte
	var invalid error
	if secret := []byte(keys.HMACSecret()); len(secret) > 0 {
		secrets = append(secrets, secret)
		if err := auth.CheckSecret(secret); err != nil {
			invalid = fmt.Errorf("JWT_HMAC_SECRET: %w", err)
		}
	}
	more, err := readSecretFile("jwt-hmac-secret-file", keys.HMACSecretFile)
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
	secrets, err := auth.ReadSecrets(file)
	if err != nil {
		return nil, fmt.Errorf("--%s: %s: %w", flag, name, err)
	}
	return secrets, nil
}
