package trustfile

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/keys"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
)

// pending has the parts of a rule that are read once the rest is known.
type pending struct {
	pem, set, secrets []byte
	pemNode, setNode  *yaml.Node
	secretsNode       *yaml.Node
	algorithmsNode    *yaml.Node
	hasDiscovery      bool
	discovery         bool
	source            jwks.Source
	sourceNode        *yaml.Node // of what goes with a source only
}

// rule reads a rule.
func (d *decoder) rule(number int, node *yaml.Node) trust.Rule {
	r := trust.Rule{Number: number, Line: node.Line, Keys: keys.Static{}, Text: canonical(node)}
	what := func(field string) string { return fmt.Sprintf("rule %d: %s", number, field) }
	var p pending
	d.fields(fmt.Sprintf("rule %d", number), node, map[string]func(*yaml.Node){
		"issuer":            func(n *yaml.Node) { r.Issuer = d.text(what("issuer"), n) },
		"jwks_url":          func(n *yaml.Node) { p.source.JWKSURL = d.url(what("jwks_url"), n) },
		"oidc_discovery":    func(n *yaml.Node) { p.hasDiscovery, p.discovery = true, d.truth(what("oidc_discovery"), n) },
		"jwks_file":         func(n *yaml.Node) { p.setNode, p.set = n, d.file(what("jwks_file"), n) },
		"public_keys_file":  func(n *yaml.Node) { p.pemNode, p.pem = n, d.file(what("public_keys_file"), n) },
		"hmac_secret_file":  func(n *yaml.Node) { p.secretsNode, p.secrets = n, d.file(what("hmac_secret_file"), n) },
		"ca_file":           func(n *yaml.Node) { p.sourceNode, p.source.CA = n, string(d.authorities(what("ca_file"), n)) },
		"bearer_token_file": func(n *yaml.Node) { p.sourceNode, p.source.BearerTokenFile = n, d.path(what("bearer_token_file"), n) },
		"algorithms":        func(n *yaml.Node) { p.algorithmsNode, r.Algorithms = n, d.algorithms(what("algorithms"), n) },
		"audiences":         func(n *yaml.Node) { r.Audiences = d.texts(what("audiences"), n) },
		"match":             func(n *yaml.Node) { r.Match = d.match(what("match"), n) },
		"organization":      func(n *yaml.Node) { r.Organization = d.organization(what("organization"), n) },
		"project":           func(n *yaml.Node) { r.Project = d.value(what("project"), n, true) },
		"scopes":            func(n *yaml.Node) { r.Scopes = d.scopes(what("scopes"), n) },
		"allow_missing_exp": func(n *yaml.Node) { r.AllowMissingExpiry = d.truth(what("allow_missing_exp"), n) },
	})
	if node.Kind == yaml.MappingNode {
		d.finish(&r, &p, node, what)
	}
	return r
}

// finish reads the keys by the algorithms of the rule, and checks what depends on several fields.
func (d *decoder) finish(r *trust.Rule, p *pending, node *yaml.Node, what func(string) string) {
	hasSource := p.source.JWKSURL != "" || p.discovery
	if p.algorithmsNode == nil && (hasSource || p.pemNode != nil || p.setNode != nil) {
		r.Algorithms = slices.Clone(keys.Default)
	}
	if p.discovery {
		p.source.Issuer = r.Issuer
	}
	switch {
	case p.discovery && p.source.JWKSURL != "":
		d.violation(node, "%s and jwks_url are both given; one of them names the keys", what("oidc_discovery"))
	case p.discovery && r.Issuer == "":
		d.violation(node, "%s needs an issuer", what("oidc_discovery"))
	case p.discovery:
		if err := jwks.CheckURL(r.Issuer); err != nil {
			d.violation(node, "%s: the issuer %v", what("oidc_discovery"), err)
		}
	case !hasSource && p.sourceNode != nil:
		d.violation(p.sourceNode, "rule %d: ca_file and bearer_token_file go with jwks_url or oidc_discovery", r.Number)
	}
	if hasSource {
		r.Source = &p.source
	} else if !p.hasDiscovery && p.setNode == nil && p.pemNode == nil && p.secretsNode == nil {
		d.violation(node, "rule %d has no keys: it needs oidc_discovery, jwks_url, jwks_file, public_keys_file or hmac_secret_file", r.Number)
	}
	d.keys(r, p, what)
	if p.secretsNode != nil {
		r.Algorithms = append(r.Algorithms, keys.Secret)
	}
	if r.Organization.IsZero() && !slices.ContainsFunc(d.violations, func(v violation) bool { return strings.HasPrefix(v.text, what("organization")) }) {
		d.violation(node, "rule %d has no organization", r.Number)
	}
	if r.Issuer == "" && len(r.Match) == 0 {
		d.violation(node, "rule %d has no issuer: it is for tokens without iss, and needs match", r.Number)
	}
	if err := checkShared(r); err != nil {
		d.violation(node, "rule %d: the issuer %s %v", r.Number, r.Issuer, err)
	}
}

// keys reads the files of keys.
func (d *decoder) keys(r *trust.Rule, p *pending, what func(string) string) {
	if p.pem != nil {
		if err := r.Keys.AddPEM(p.pem, r.Algorithms); err != nil {
			d.violation(p.pemNode, "%s: %v", what("public_keys_file"), oneLine(err))
		}
	}
	if p.set != nil {
		if err := r.Keys.AddJWKS(p.set, r.Algorithms); err != nil {
			d.violation(p.setNode, "%s: %v", what("jwks_file"), oneLine(err))
		}
	}
	if p.secrets != nil {
		secrets, err := keys.ReadSecrets(bytes.NewReader(p.secrets))
		if err == nil {
			err = r.Keys.AddSecrets(secrets)
		}
		if err != nil {
			d.violation(p.secretsNode, "%s: %v", what("hmac_secret_file"), oneLine(err))
		}
	}
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func (d *decoder) url(what string, node *yaml.Node) string {
	text := d.text(what, node)
	if text != "" {
		if err := jwks.CheckURL(text); err != nil {
			d.violation(node, "%s %v", what, err)
		}
	}
	return text
}

func (d *decoder) authorities(what string, node *yaml.Node) []byte {
	text := d.file(what, node)
	if len(text) > 0 {
		if _, err := jwks.Authorities(text); err != nil {
			d.violation(node, "%s %v", what, err)
		}
	}
	return text
}

func (d *decoder) algorithms(what string, node *yaml.Node) (algorithms []string) {
	for _, name := range d.texts(what, node) {
		if !slices.Contains(keys.Public, name) {
			d.violation(node, "%s: %s is not one of %s", what, strconv.Quote(name), strings.Join(keys.Public, ", "))
		}
		algorithms = append(algorithms, name)
	}
	return algorithms
}

func (d *decoder) match(what string, node *yaml.Node) (conditions []trust.Condition) {
	for _, m := range d.members(what, node) {
		claim, err := claims.ParsePath(m.name)
		if err != nil {
			d.violation(m.node, "%s: the claim %s %v", what, strconv.Quote(m.name), err)
		}
		condition := trust.Condition{Claim: claim}
		for _, text := range d.texts(what+"."+m.name, m.value) {
			glob, err := trust.ParseGlob(text)
			if err != nil {
				d.violation(m.value, "%s.%s: %s %v", what, m.name, strconv.Quote(text), err)
			}
			condition.Globs = append(condition.Globs, glob)
		}
		conditions = append(conditions, condition)
	}
	return conditions
}

func (d *decoder) value(what string, node *yaml.Node, mayBeOptional bool) trust.Value {
	text := d.text(what, node)
	value, err := trust.ParseValue(text, mayBeOptional)
	if err != nil {
		d.violation(node, "%s: %s %v", what, strconv.Quote(text), err)
	}
	return value
}

func (d *decoder) organization(what string, node *yaml.Node) trust.Value {
	value := d.value(what, node, false)
	if text, fixed := value.Text(); fixed && trust.CheckOrganization("", text) != nil {
		d.violation(node, "%s: %s is longer than 256 characters or has a control character", what, claims.Quote(text))
	}
	return value
}

// scopes reads one of our scopes, a list of them, or a claim with a map from the issuer's words to ours.
func (d *decoder) scopes(what string, node *yaml.Node) (scopes trust.Scopes) {
	if node.Kind != yaml.MappingNode {
		scopes.Fixed = d.scopeList(what, node)
		return scopes
	}
	d.fields(what, node, map[string]func(*yaml.Node){
		"claim": func(n *yaml.Node) {
			text := d.text(what+".claim", n)
			var err error
			if scopes.Claim, err = claims.ParsePath(text); err != nil && text != "" {
				d.violation(n, "%s.claim: %s %v", what, strconv.Quote(text), err)
			}
		},
		"map": func(n *yaml.Node) {
			scopes.Words = map[string][]trust.Scope{}
			for _, m := range d.members(what+".map", n) {
				scopes.Words[m.name] = d.scopeList(what+".map."+m.name, m.value)
			}
		},
	})
	return scopes
}

func (d *decoder) scopeList(what string, node *yaml.Node) (scopes []trust.Scope) {
	for _, word := range d.texts(what, node) {
		scope := trust.Scope(word)
		if scope != trust.ReadDeployments && scope != trust.WriteDeployments {
			d.violation(node, "%s: %s is neither %s nor %s", what, strconv.Quote(word), trust.ReadDeployments, trust.WriteDeployments)
		}
		scopes = append(scopes, scope)
	}
	return scopes
}

// canonical returns the text of a rule without its comments and its style. Rules that differ in anything else have different texts.
func canonical(node *yaml.Node) string {
	var children strings.Builder
	for _, child := range node.Content {
		children.WriteString(canonical(child))
	}
	return fmt.Sprintf("%d %s %q (%s)", node.Kind, node.Tag, node.Value, &children)
}
