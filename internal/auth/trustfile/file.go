// Package trustfile reads trust files, which are YAML lists of rules (see package trust). It reports everything that is wrong
// with a file at once, each with its line. A name that it does not know is an error.
package trustfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/deployrecords/deployrecords/internal/auth/trust"
)

// File is a trust file with the files that its rules name.
type File struct {
	Rules []trust.Rule
	// Warnings are about rules that are valid and accept more than most others do.
	Warnings []string
	// Digest changes with the bytes of the files. It is also that of a file with violations.
	Digest [sha256.Size]byte
}

// Load reads a trust file and the files of keys that its rules name; a relative name is relative to the directory of the trust
// file. The error has every violation with its line.
func Load(name string) (File, error) {
	hash := sha256.New()
	readFile := func(name string) ([]byte, error) {
		text, err := os.ReadFile(name)
		fmt.Fprintf(hash, "%q %d %v\n", name, len(text), err)
		hash.Write(text)
		return text, err
	}
	text, err := readFile(name)
	if err != nil {
		return File{Digest: [sha256.Size]byte(hash.Sum(nil))}, err
	}
	file, err := Parse(text, filepath.Dir(name), readFile)
	file.Digest = [sha256.Size]byte(hash.Sum(nil))
	if err != nil {
		return file, fmt.Errorf("%s: %w", name, err)
	}
	return file, nil
}

// Parse reads the text of a trust file. It calls read for each file that a rule names; a relative name is relative to directory.
// The error has every violation with its line.
func Parse(text []byte, directory string, read func(name string) ([]byte, error)) (File, error) {
	d := &decoder{directory: directory, read: read}
	nodes := d.document(bytes.TrimPrefix(text, []byte("\ufeff")))
	var file File
	for i, node := range nodes {
		rule := d.rule(i+1, node)
		file.Rules = append(file.Rules, rule)
		file.Warnings = append(file.Warnings, warningsOf(&rule)...)
	}
	if err := d.err(); err != nil {
		return File{}, err
	}
	return file, nil
}

// clientClaims name the client for which an issuer made a token, so that a condition on one of them stands in for audiences.
var clientClaims = map[string]bool{"aud": true, "azp": true, "client_id": true, "cid": true, "appid": true}

// warningsOf returns what an operator should know about a valid rule.
func warningsOf(r *trust.Rule) (warnings []string) {
	add := func(text string) {
		warnings = append(warnings, fmt.Sprintf("rule %d (line %d) %s", r.Number, r.Line, text))
	}
	if r.AllowMissingExpiry {
		add("accepts tokens that never expire (allow_missing_exp): revoke them by their jti or their key")
	}
	bound := len(r.Audiences) > 0
	for _, condition := range r.Match {
		bound = bound || clientClaims[condition.Claim.String()]
	}
	if !bound {
		add("has no audiences: tokens that the issuer made for other services are accepted too")
	}
	return warnings
}

// sharedIssuers sign tokens for everybody. Each has claims that name whose token it is, with what precedes the name there. A claim
// that names only what the token's owner uses is not among them: a workflow that others may call (job_workflow_ref), a client that
// others may use (azp), or a user who may start the jobs of others (user_login).
var sharedIssuers = map[string]map[string]string{
	"https://token.actions.githubusercontent.com": {
		"repository": "", "repository_id": "", "repository_owner": "", "repository_owner_id": "", "sub": "repo:",
		"enterprise": "", "enterprise_id": "",
	},
	"https://gitlab.com": {
		"project_path": "", "project_id": "", "namespace_path": "", "namespace_id": "", "sub": "project_path:",
	},
	"https://accounts.google.com": {"sub": "", "email": "", "hd": ""},
	"accounts.google.com":         {"sub": "", "email": "", "hd": ""}, // the iss of some tokens
	"https://agent.buildkite.com": {"organization_slug": "", "organization_id": "", "pipeline_id": "", "sub": "organization:"},
	"https://app.terraform.io":    {"terraform_organization_name": "", "terraform_organization_id": "", "sub": "organization:"},
}

// checkShared returns a violation of a rule that would let everybody in who has an account at a shared issuer.
func checkShared(r *trust.Rule) error {
	owners, shared := sharedIssuers[r.Issuer]
	if !shared {
		return nil
	}
	for _, condition := range r.Match {
		prefix, names := owners[condition.Claim.String()]
		literal := names
		for _, g := range condition.Globs {
			literal = literal && g.StartsLiteral(prefix)
		}
		if literal {
			return nil
		}
	}
	return errors.New("signs tokens for everybody who has an account there: match needs a claim that names yours, without a * in its first part")
}
