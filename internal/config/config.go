// Package config has the settings of every command: their flags, environment variables, defaults and limits. No other
// package reads the environment.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Database has the settings of the database connection.
type Database struct {
	URL            string   `name:"database-url" env:"DATABASE_URL" default:"sqlite://deployrecords.db" placeholder:"URL" group:"Database" help:"postgres://user:password@host/name?sslmode=…, sqlite://relative.db or sqlite:///absolute.db."`
	MaxConnections Int      `name:"database-max-connections" env:"DATABASE_MAX_CONNECTIONS" default:"20" min:"1" max:"10000" placeholder:"N" group:"Database" help:"Size of the connection pool."`
	Wait           Duration `name:"database-wait" env:"DATABASE_WAIT" default:"1m" min:"0s" placeholder:"TIME" group:"Database" help:"How long to wait at start for an unreachable database; 0s does not wait."`
}

// Secrets sign and verify HS256 tokens.
type Secrets struct {
	HMACSecretFile string `name:"jwt-hmac-secret-file" env:"JWT_HMAC_SECRET_FILE" placeholder:"FILE" group:"Tokens" help:"File of HMAC secrets for HS256, one per line, each at least 32 bytes. The environment variable JWT_HMAC_SECRET adds one more secret. No flag takes a secret itself, since other users of the machine can read command lines."`
}

// Claims are the claims that a token must have.
type Claims struct {
	Issuer            string `name:"jwt-issuer" env:"JWT_ISSUER" placeholder:"TEXT" group:"Tokens" help:"Required iss of tokens. Without it, iss is not checked."`
	Audience          string `name:"jwt-audience" env:"JWT_AUDIENCE" placeholder:"TEXT" group:"Tokens" help:"Required aud of tokens. Without it, aud is not checked."`
	OrganizationClaim string `name:"organization-claim" env:"ORGANIZATION_CLAIM" default:"org_id" placeholder:"NAME" group:"Tokens" help:"Claim that names the organization."`
	ProjectClaim      string `name:"project-claim" env:"PROJECT_CLAIM" default:"project_name" placeholder:"NAME" group:"Tokens" help:"Claim that limits a token to a project; if empty, no claim does. Issuers such as GitLab use upstream's names for something else."`
}

// Keys are the keys that verify tokens.
type Keys struct {
	Secrets
	PublicKeyFile string `name:"jwt-public-key-file" env:"JWT_PUBLIC_KEY_FILE" placeholder:"FILE" group:"Tokens" help:"File of PEM public keys for RS256, ES256 and EdDSA."`
	JWKSURL       string `name:"jwks-url" env:"JWKS_URL" placeholder:"URL" group:"Tokens" help:"JSON Web Key Set with the issuer's public keys: https, or http on loopback."`
	Claims
	ScopeClaim        string `name:"scope-claim" env:"SCOPE_CLAIM" placeholder:"PATH" group:"Tokens" help:"Claim that lists the scopes, in place of scope and scp; a dot leads into an object, as in realm_access.roles."`
	FixedOrganization string `name:"fixed-organization" env:"FIXED_ORGANIZATION" placeholder:"KEY" group:"Tokens" help:"Organization of every token, in place of a claim, for a server with a single one."`
	Trust
}

// Trust has the files that are read again while the server runs.
type Trust struct {
	TrustFile   string `name:"trust" env:"TRUST_FILE" placeholder:"FILE" group:"Tokens" help:"YAML file of rules for the tokens of several issuers, read again when it changes and on SIGHUP. The other settings of keys and claims apply to tokens that no rule accepts."`
	RevokedFile string `name:"revoked-jti-file" env:"REVOKED_JTI_FILE" placeholder:"FILE" group:"Tokens" help:"File with the jti of revoked tokens, one per line, read again when it changes and on SIGHUP."`
}

// hasKey reports whether there is a key.
func (k *Keys) hasKey() bool {
	return k.HMACSecret() != "" || k.HMACSecretFile != "" || k.PublicKeyFile != "" || k.JWKSURL != "" || k.TrustFile != ""
}

// violations returns the violations of several settings together.
func (k *Keys) violations() (violations []error) {
	add := func(text string) { violations = append(violations, errors.New(text)) }
	switch {
	case k.OrganizationClaim == "":
		add("--organization-claim: is empty")
	case k.ProjectClaim == k.OrganizationClaim && k.FixedOrganization == "":
		add(fmt.Sprintf("--project-claim: %q is the claim of the organization", k.ProjectClaim))
	}
	return violations
}

// HMACSecret returns the secret of the environment, or "".
func (Secrets) HMACSecret() string { return os.Getenv("JWT_HMAC_SECRET") }

// Organizations limit which organizations exist.
type Organizations struct {
	Allowed Names `name:"organizations" env:"ORGANIZATIONS" placeholder:"KEY" group:"Tokens" help:"Only these organizations exist: tokens for others are rejected, and imports into others fail. Repeatable; the environment variable has one organization per line. Without it, every organization does."`
}

// Includes reports whether the organization exists.
func (o *Organizations) Includes(organization string) bool {
	return len(o.Allowed) == 0 || slices.Contains(o.Allowed, organization)
}

// Accepted has the settings that decide which tokens are accepted.
type Accepted struct {
	Keys
	Organizations
	AllowMissingScope Switch `name:"allow-missing-scope" env:"ALLOW_MISSING_SCOPE" default:"false" group:"Tokens" help:"Let tokens read that have none of the claims scope, scp, roles and permissions; upstream's tokens often have none."`
}

// Quotas limit what recordings add to each organization.
type Quotas struct {
	Environments        Int `name:"max-environments" env:"MAX_ENVIRONMENTS" default:"100000" min:"1" max:"1000000000" placeholder:"N" group:"Quotas of each organization" help:"Maximum number of environments. A recording that would add one beyond a quota gets a 429; known names record on, and imports obey no quota."`
	LogicalEnvironments Int `name:"max-logical-environments" env:"MAX_LOGICAL_ENVIRONMENTS" default:"100000" min:"1" max:"1000000000" placeholder:"N" group:"Quotas of each organization" help:"Maximum number of logical environments."`
	Deployments         Int `name:"max-deployments" env:"MAX_DEPLOYMENTS" default:"1000000" min:"1" max:"1000000000" placeholder:"N" group:"Quotas of each organization" help:"Maximum number of slots: deployment names, counted in each environment."`
	Projects            Int `name:"max-projects" env:"MAX_PROJECTS" default:"100000" min:"1" max:"1000000000" placeholder:"N" group:"Quotas of each organization" help:"Maximum number of projects."`
	ProjectVersions     Int `name:"max-project-versions" env:"MAX_PROJECT_VERSIONS" default:"1000000" min:"1" max:"1000000000" placeholder:"N" group:"Quotas of each organization" help:"Maximum number of versions of all projects together."`
	IdempotencyKeys     Int `name:"max-idempotency-keys" env:"MAX_IDEMPOTENCY_KEYS" default:"1000000" min:"1" max:"1000000000" placeholder:"N" group:"Quotas of each organization" help:"Maximum number of idempotency keys of 24 hours. Beyond 1,000, single keys may be rejected from nine tenths of it."`
}

// Replicas are standbys of the PostgreSQL database.
type Replicas struct {
	ReplicaURL    string   `name:"database-replica-url" env:"DATABASE_REPLICA_URL" placeholder:"URL" group:"Database" help:"Hot standbys of the PostgreSQL database, with one or more hosts: postgres://user:password@/name?host=one,two. They answer each list for which they have all acknowledged recordings; the primary answers the others."`
	ReplicaMaxLag Duration `name:"replica-max-lag" env:"REPLICA_MAX_LAG" default:"50ms" placeholder:"TIME" group:"Database" help:"How long a list waits for a standby to replay what the primary has committed, before another standby or the primary answers it."`
	ReadOnly      Switch   `name:"read-only" env:"READ_ONLY" default:"false" group:"Database" help:"Answer lists from a database that may be a standby, without migration and compaction. Recordings get a 503."`
}

// PerTransaction is the value of Serve.SessionSettings for poolers in transaction mode.
const PerTransaction = "transaction"

// Serve has the settings of the server.
type Serve struct {
	Database
	Replicas
	SessionSettings    string   `name:"database-session-settings" env:"DATABASE_SESSION_SETTINGS" default:"startup" placeholder:"startup|transaction" group:"Database" help:"Where the session parameters of PostgreSQL are set: when a connection starts, or in each transaction, for PgBouncer and other poolers in transaction mode. With transaction, the server does not migrate the database: run migrate on a direct connection."`
	MaxConcurrentLists Int      `name:"max-concurrent-lists" env:"MAX_CONCURRENT_LISTS" min:"1" max:"10000" placeholder:"N" group:"Database" help:"Maximum number of listings with precomputed totals that run at once; others wait. Default: what other requests leave of the connections, and for a database on this machine at most two per processor."`
	MaxWait            Duration `name:"max-wait" env:"MAX_WAIT" default:"5s" placeholder:"TIME" group:"Database" help:"Maximum time that a request waits for other requests before it is rejected with a 429 or 503 and Retry-After."`
	Memory
	Accepted

	AutoCreate Switch `name:"auto-create" env:"AUTO_CREATE" default:"true" negatable:"" group:"Recording" help:"Create environments, logical environments, projects and project versions on their first recording; --no-auto-create rejects unknown names."`
	Quotas

	FirstPage       Int `name:"first-page" env:"FIRST_PAGE" default:"0" min:"0" max:"1" placeholder:"0|1" group:"Lists" help:"Number of the first page, 0 or 1. A one-based client of a zero-based server misses the first page."`
	DefaultPageSize Int `name:"default-page-size" env:"DEFAULT_PAGE_SIZE" min:"1" max:"2147483647" placeholder:"N" group:"Lists" help:"Page size of requests that give none. Default: 100, or the maximum if that is less."`
	MaxPageSize     Int `name:"max-page-size" env:"MAX_PAGE_SIZE" default:"100" min:"1" max:"2147483647" placeholder:"N" group:"Lists" help:"Maximum page size. Larger requested sizes are reduced to it."`

	UnknownParameters string `name:"unknown-parameters" env:"UNKNOWN_PARAMETERS" default:"ignore" placeholder:"ignore|reject" group:"Requests" help:"What to do with a query parameter that no document names: ignore it, as upstream does, or reject the request with a 400 that names the nearest known parameter."`

	Listen            string   `name:"listen" env:"LISTEN_ADDR" default:"127.0.0.1:8080" placeholder:"HOST:PORT" group:"Server" help:"Address to listen on; :8080 is every address of the machine."`
	RequestTimeout    Duration `name:"request-timeout" env:"REQUEST_TIMEOUT" default:"30s" placeholder:"TIME" group:"Server" help:"Limit for processing a request, database statements included."`
	ReadHeaderTimeout Duration `name:"read-header-timeout" env:"READ_HEADER_TIMEOUT" default:"10s" placeholder:"TIME" group:"Server" help:"Limit for receiving a request's header."`
	ReadTimeout       Duration `name:"read-timeout" env:"READ_TIMEOUT" default:"30s" placeholder:"TIME" group:"Server" help:"Limit for receiving a request."`
	WriteTimeout      Duration `name:"write-timeout" env:"WRITE_TIMEOUT" default:"1m" placeholder:"TIME" group:"Server" help:"Limit for processing a request and sending the response; more than the request timeout."`
	IdleTimeout       Duration `name:"idle-timeout" env:"IDLE_TIMEOUT" default:"2m" placeholder:"TIME" group:"Server" help:"How long a connection may stay open between requests."`
	DrainDelay        Duration `name:"drain-delay" env:"DRAIN_DELAY" default:"0s" min:"0s" placeholder:"TIME" group:"Server" help:"How long requests are still accepted after SIGTERM, while /readyz is a 503, so that load balancers notice it before the port closes."`
	ShutdownTimeout   Duration `name:"shutdown-timeout" env:"SHUTDOWN_TIMEOUT" default:"30s" placeholder:"TIME" group:"Server" help:"How long running requests may take to finish after SIGTERM and --drain-delay."`
	MaxHeaderBytes    Int      `name:"max-header-bytes" env:"MAX_HEADER_BYTES" default:"131072" min:"4096" max:"16777216" placeholder:"N" group:"Server" help:"Maximum size of a request line with its header."`
	MaxBodyBytes      Int      `name:"max-body-bytes" env:"MAX_BODY_BYTES" default:"8388608" min:"1024" max:"1073741824" placeholder:"N" group:"Server" help:"Maximum size of a request body; for a single recording, at most 1 MiB."`
	MaxTotalBodyBytes Int      `name:"max-total-body-bytes" env:"MAX_TOTAL_BODY_BYTES" default:"67108864" min:"1024" max:"1099511627776" placeholder:"N" group:"Server" help:"Maximum size of all request bodies that are held at once, half of it for one organization. Further bodies get a 503; a larger body is accepted while there is no other one."`

	MaxClientConnections Int `name:"max-connections" env:"MAX_CONNECTIONS" default:"4096" min:"0" max:"10000000" placeholder:"N" group:"Server" help:"Maximum number of open client connections; further ones wait, those of health checks too. 0 is no limit."`
	RateLimit            Int `name:"rate-limit" env:"RATE_LIMIT" default:"0" min:"0" max:"1000000" placeholder:"N" group:"Server" help:"Maximum number of requests a second for each token subject; further requests get a 429 with Retry-After. 0 is no limit."`

	UI        Switch `name:"ui" env:"UI" default:"true" negatable:"" group:"Pages" help:"Serve the pages for people at /, with a login by token or by --oidc-issuer; --no-ui removes them."`
	UIKeyFile string `name:"ui-key-file" env:"UI_KEY_FILE" placeholder:"FILE" group:"Pages" help:"File of secrets for the sessions of the pages, one per line, each at least 32 bytes. The first one signs, all verify. Several servers share the file. Without it, sessions end when the server stops."`
	OIDC      OIDC   `embed:""`
	// UILogicalEnvironments are in the order of the matrix.
	UILogicalEnvironments Names `name:"ui-logical-environments" env:"UI_LOGICAL_ENVIRONMENTS" placeholder:"NAME" group:"Pages" help:"Logical environment of the matrix, in the order of promotion. Repeatable; the environment variable has one name per line. Others follow by words in their names, such as dev, test, staging and prod."`

	Gzip Switch `name:"gzip" env:"GZIP" default:"false" group:"Server" help:"Compress lists and documents of at least 1,400 bytes for clients that accept gzip. It takes processors; a proxy may do it in its place."`

	CORSOrigins Names `name:"cors-origins" env:"CORS_ORIGINS" placeholder:"ORIGIN" group:"Server" help:"Origin whose pages may call the API with a bearer token, as https://dash.example. Repeatable; the environment variable has one origin per line. Without it, browsers let no other origin read responses."`

	Monitoring

	LogFormat string `name:"log-format" env:"LOG_FORMAT" default:"text" placeholder:"text|json" group:"Log" help:"Format of the log on standard error."`
	LogLevel  string `name:"log-level" env:"LOG_LEVEL" default:"info" placeholder:"LEVEL" group:"Log" help:"Lowest level that is logged: debug, info, warn or error."`
}

// Demo has the settings of the demo command.
type Demo struct {
	Records Int  `name:"records" default:"400" min:"1" max:"1000000000" placeholder:"N" help:"Number of records."`
	Seed    Int  `name:"seed" default:"116" min:"0" placeholder:"N" help:"Each seed generates a different history with different ids."`
	End     Time `name:"end" default:"2026-11-20T17:00:00Z" placeholder:"TIME" help:"End of the history, as an RFC 3339 time."`
}

// Validate returns the violations of the settings.
func (d *Demo) Validate() []error { return validate(d) }

// Validate returns the violations of the settings. The store checks the URL.
//
// Validate returns a slice because kong calls any method Validate() error itself, before the command can add violations
// of its own.
func (d *Database) Validate() []error { return validate(d) }

// effective returns the settings that have an effect: with records in memory, environment variables for a database have none.
func (s *Serve) effective() *Serve {
	effective := *s
	if s.InMemory.Value {
		effective.Database, effective.Replicas, effective.MaxConcurrentLists, effective.Quotas = Database{}, Replicas{}, Int{}, Quotas{}
		effective.SessionSettings = "startup"
	}
	return &effective
}

// Validate returns the violations of the settings. The packages that use them check the database URL, the keys, the
// organization and the files.
func (s *Serve) Validate() []error {
	s = s.effective()
	violations := validate(s)
	add := func(format string, args ...any) { violations = append(violations, fmt.Errorf(format, args...)) }
	if exceeds(&s.MaxConcurrentLists, &s.MaxConnections) {
		add("--max-concurrent-lists: %d is more than --database-max-connections %d", s.MaxConcurrentLists.Value, s.MaxConnections.Value)
	}
	if s.ReadOnly.Value && s.ReplicaURL != "" {
		add("--database-replica-url: is for a server on the primary; with --read-only, --database-url has the standbys")
	}
	switch {
	case s.SessionSettings != "startup" && s.SessionSettings != PerTransaction:
		add("--database-session-settings: %q is neither startup nor transaction", s.SessionSettings)
	case s.SessionSettings == PerTransaction && strings.HasPrefix(s.URL, "sqlite:"):
		add("--database-session-settings: the database %s is of SQLite, and only PostgreSQL has poolers", QuoteURL(s.URL))
	}
	if exceeds(&s.DefaultPageSize, &s.MaxPageSize) {
		add("--default-page-size: %d is more than --max-page-size %d", s.DefaultPageSize.Value, s.MaxPageSize.Value)
	}
	if s.WriteTimeout.err == nil && s.RequestTimeout.err == nil && s.WriteTimeout.Value <= s.RequestTimeout.Value {
		add("--write-timeout: %s is not more than --request-timeout %s", s.WriteTimeout.Value, s.RequestTimeout.Value)
	}
	if !s.InMemory.Value && !s.hasKey() {
		add("tokens: there is no key: set JWT_HMAC_SECRET, --jwt-hmac-secret-file, --jwt-public-key-file, --jwks-url or --trust")
	}
	violations = append(violations, s.Keys.violations()...)
	violations = append(violations, checkListenAddress("listen", s.Listen)...)
	violations = append(violations, s.Monitoring.violations()...)
	violations = append(violations, s.Memory.violations()...)
	if s.Control != "" && s.MetricsListen != "" {
		add("--metrics-listen: does not go with --control, whose resets replace the database")
	}
	for _, origin := range s.CORSOrigins {
		if !isOrigin(origin) {
			add("--cors-origins: %s is not an exact origin as browsers send it, such as https://dash.example: in lower case, in punycode and without the default port", deployments.Quote(origin))
		}
	}
	violations = append(violations, s.OIDC.violations(&s.Organizations)...)
	for i, name := range s.UILogicalEnvironments {
		if err := deployments.CheckName(name); err != nil {
			add("--ui-logical-environments: %s %w", deployments.Quote(name), err)
		} else if slices.Contains(s.UILogicalEnvironments[:i], name) {
			add("--ui-logical-environments: %s is there twice", deployments.Quote(name))
		}
	}
	if s.UnknownParameters != "ignore" && s.UnknownParameters != "reject" {
		add("--unknown-parameters: %q is neither ignore nor reject", s.UnknownParameters)
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		add("--log-format: %q is neither text nor json", s.LogFormat)
	}
	if err := new(slog.Level).UnmarshalText([]byte(s.LogLevel)); err != nil {
		add("--log-level: %q is not debug, info, warn or error", s.LogLevel)
	}
	return violations
}

// isOrigin reports whether browsers send the text as an Origin.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.ToLower(u.Scheme+"://"+u.Host) != text {
		return false
	}
	isASCII := !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
	defaultPorts := map[string]string{"http": "80", "https": "443"}
	defaultPort, isHTTP := defaultPorts[u.Scheme]
	return isHTTP && isASCII && u.Port() != defaultPort
}

// exceeds reports whether n was given and both numbers are valid and n is the greater one.
func exceeds(n, limit *Int) bool {
	return n.given && n.err == nil && limit.err == nil && n.Value > limit.Value
}

// PageSize returns the page size of requests that give none: the setting, or 100 limited by the maximum.
func (s *Serve) PageSize() int64 {
	if s.DefaultPageSize.given {
		return s.DefaultPageSize.Value
	}
	return min(100, s.MaxPageSize.Value)
}

// Join returns one error that lists all violations, or nil if there are none.
func Join(violations ...error) error {
	err := errors.Join(violations...)
	if err == nil {
		return nil
	}
	return fmt.Errorf("invalid flags or settings:\n  %s", strings.ReplaceAll(err.Error(), "\n", "\n  "))
}
