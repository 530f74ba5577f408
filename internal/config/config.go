// Package config holds the settings of the commands: flags, environment variables and defaults in one place. It is
// the only package that reads the environment.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// Database says where records are kept.
type Database struct {
	URL            string   `name:"database-url" env:"DATABASE_URL" default:"sqlite://deployrecords.db" placeholder:"URL" group:"Database" help:"postgres://user:password@host/database?sslmode=…, sqlite://relative.db or sqlite:///absolute.db (${default})."`
	MaxConnections Int      `name:"database-max-connections" env:"DATABASE_MAX_CONNECTIONS" default:"10" placeholder:"N" group:"Database" help:"Size of the pool of connections (${default})."`
	Wait           Duration `name:"database-wait" env:"DATABASE_WAIT" default:"1m" placeholder:"TIME" group:"Database" help:"How long to wait at the start for a database that is not there yet (${default})."`
}

// Secrets sign and verify HS256.
type Secrets struct {
	HMACSecretFile string `name:"jwt-hmac-secret-file" env:"JWT_HMAC_SECRET_FILE" placeholder:"FILE" group:"Tokens" help:"File of HMAC secrets for HS256, one a line, 32 bytes or more each. A secret can also be given by the environment variable JWT_HMAC_SECRET; it has no flag, since other users of the machine can read a command line."`
}

// Claims are what tokens must say.
type Claims struct {
	Issuer            string `name:"jwt-issuer" env:"JWT_ISSUER" placeholder:"TEXT" group:"Tokens" help:"The iss of tokens; a server accepts no other."`
	Audience          string `name:"jwt-audience" env:"JWT_AUDIENCE" placeholder:"TEXT" group:"Tokens" help:"The aud of tokens; a server accepts no other."`
	OrganizationClaim string `name:"organization-claim" env:"ORGANIZATION_CLAIM" default:"org_id" placeholder:"NAME" group:"Tokens" help:"The claim that names the organization (${default})."`
}

// Keys say which tokens are accepted.
type Keys struct {
	Secrets
	PublicKeyFile string `name:"jwt-public-key-file" env:"JWT_PUBLIC_KEY_FILE" placeholder:"FILE" group:"Tokens" help:"File of PEM public keys for RS256, ES256 and EdDSA."`
	JWKSURL       string `name:"jwks-url" env:"JWKS_URL" placeholder:"URL" group:"Tokens" help:"JSON Web Key Set to fetch public keys from, over https or from loopback."`
	Claims
}

// HMACSecret is the secret of the environment, or "".
func (Secrets) HMACSecret() string { return os.Getenv("JWT_HMAC_SECRET") }

// Serve are the settings of the server.
type Serve struct {
	Database
	MaxLists Int `name:"database-max-lists" env:"DATABASE_MAX_LISTS" placeholder:"N" group:"Database" help:"Lists that are read at once; others wait their turn (as many as connections; if the database is on this machine, at most two for each processor)."`
	Memory
	Keys
	AllowMissingScope Switch `name:"allow-missing-scope" env:"ALLOW_MISSING_SCOPE" default:"false" group:"Tokens" help:"Let tokens without a scope claim read, as upstream's often have none."`

	AutoCreate Switch `name:"auto-create" env:"AUTO_CREATE" default:"true" negatable:"" group:"Recording" help:"Make environments, logical environments, projects and versions that are recorded and not known yet; with --no-auto-create they are refused."`

	FirstPage       Int `name:"first-page" env:"FIRST_PAGE" default:"0" placeholder:"0|1" group:"Lists" help:"Number of the first page, 0 or 1 (${default}). A one-based client of a zero-based server misses the first page."`
	DefaultPageSize Int `name:"default-page-size" env:"DEFAULT_PAGE_SIZE" placeholder:"N" group:"Lists" help:"Size of a page for which none is asked (100, or the maximum if that is less)."`
	MaxPageSize     Int `name:"max-page-size" env:"MAX_PAGE_SIZE" default:"100" placeholder:"N" group:"Lists" help:"Greater sizes are cut to this (${default})."`

	Listen            string   `name:"listen" env:"LISTEN_ADDR" default:"127.0.0.1:8080" placeholder:"HOST:PORT" group:"Server" help:"Address to listen on (${default})."`
	RequestTimeout    Duration `name:"request-timeout" env:"REQUEST_TIMEOUT" default:"30s" placeholder:"TIME" group:"Server" help:"How long an answer may take to be found, down to the database (${default})."`
	ReadHeaderTimeout Duration `name:"read-header-timeout" env:"READ_HEADER_TIMEOUT" default:"10s" placeholder:"TIME" group:"Server" help:"How long a client may take to send a header (${default})."`
	ReadTimeout       Duration `name:"read-timeout" env:"READ_TIMEOUT" default:"30s" placeholder:"TIME" group:"Server" help:"How long a client may take to send a request (${default})."`
	WriteTimeout      Duration `name:"write-timeout" env:"WRITE_TIMEOUT" default:"1m" placeholder:"TIME" group:"Server" help:"How long an answer may take to be found and sent; more than the request timeout (${default})."`
	IdleTimeout       Duration `name:"idle-timeout" env:"IDLE_TIMEOUT" default:"2m" placeholder:"TIME" group:"Server" help:"How long a connection may stay open between requests (${default})."`
	ShutdownTimeout   Duration `name:"shutdown-timeout" env:"SHUTDOWN_TIMEOUT" default:"30s" placeholder:"TIME" group:"Server" help:"How long requests under way have to finish after SIGTERM (${default})."`
	MaxHeaderBytes    Int      `name:"max-header-bytes" env:"MAX_HEADER_BYTES" default:"131072" placeholder:"N" group:"Server" help:"Size of a request's line and header (${default})."`
	MaxBodyBytes      Int      `name:"max-body-bytes" env:"MAX_BODY_BYTES" default:"8388608" placeholder:"N" group:"Server" help:"Size of a request's body (${default})."`

	LogFormat string `name:"log-format" env:"LOG_FORMAT" default:"text" placeholder:"text|json" group:"Log" help:"Form of the log on standard error, text or json (${default})."`
	LogLevel  string `name:"log-level" env:"LOG_LEVEL" default:"info" placeholder:"LEVEL" group:"Log" help:"Least level that is logged: debug, info, warn or error (${default})."`
}

// faults collects what is wrong, each with the names of its setting.
type faults []error

func (f *faults) add(setting, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: %s", setting, fmt.Sprintf(format, args...)))
}

func (f *faults) number(setting string, n Int, least, most int64) {
	switch {
	case n.fault != "":
		f.add(setting, "%s", n.fault)
	case n.Value < least || n.Value > most:
		f.add(setting, "%d is not from %d to %d", n.Value, least, most)
	}
}

func (f *faults) duration(setting string, d Duration) {
	switch {
	case d.fault != "":
		f.add(setting, "%s", d.fault)
	case d.Value <= 0:
		f.add(setting, "%s is not more than 0", d.Value)
	}
}

// maxInt32 is the greatest number in the contract's pagination.
const maxInt32 = 1<<31 - 1

// Faults tells everything that is wrong with the database's settings, except for the URL, which the store judges.
func (d *Database) Faults() []error {
	var f faults
	f.number("--database-max-connections", d.MaxConnections, 1, 10_000)
	if d.Wait.fault != "" {
		f.add("--database-wait", "%s", d.Wait.fault)
	} else if d.Wait.Value < 0 {
		f.add("--database-wait", "%s is less than 0", d.Wait.Value)
	}
	return f
}

// Faults tells everything that is wrong with the settings, except for the database URL and the keys themselves,
// which the packages that use them judge.
func (s *Serve) Faults() []error {
	f := faults(s.Memory.Faults())
	if !s.InMemory.Value {
		f = append(f, s.Database.Faults()...)
		if s.MaxLists.given {
			f.number("--database-max-lists", s.MaxLists, 1, 10_000)
			if s.MaxLists.fault == "" && s.MaxConnections.fault == "" && s.MaxLists.Value > s.MaxConnections.Value {
				f.add("--database-max-lists", "%d is more than --database-max-connections %d", s.MaxLists.Value, s.MaxConnections.Value)
			}
		}
	}
	if !s.InMemory.Value && s.HMACSecret() == "" && s.HMACSecretFile == "" && s.PublicKeyFile == "" && s.JWKSURL == "" {
		f.add("tokens", "there is no key: set JWT_HMAC_SECRET, --jwt-hmac-secret-file, --jwt-public-key-file or --jwks-url")
	}
	if s.OrganizationClaim == "" {
		f.add("--organization-claim", "is empty")
	}
	if s.AllowMissingScope.fault != "" {
		f.add("--allow-missing-scope", "%s", s.AllowMissingScope.fault)
	}
	if s.AutoCreate.fault != "" {
		f.add("--auto-create", "%s", s.AutoCreate.fault)
	}
	f.number("--first-page", s.FirstPage, 0, 1)
	f.number("--max-page-size", s.MaxPageSize, 1, maxInt32)
	if s.DefaultPageSize.given {
		f.number("--default-page-size", s.DefaultPageSize, 1, maxInt32)
		if s.DefaultPageSize.fault == "" && s.MaxPageSize.fault == "" && s.DefaultPageSize.Value > s.MaxPageSize.Value {
			f.add("--default-page-size", "%d is more than --max-page-size %d", s.DefaultPageSize.Value, s.MaxPageSize.Value)
		}
	}
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		f.add("--listen", "%q is not HOST:PORT", s.Listen)
	}
	f.duration("--request-timeout", s.RequestTimeout)
	f.duration("--read-header-timeout", s.ReadHeaderTimeout)
	f.duration("--read-timeout", s.ReadTimeout)
	f.duration("--write-timeout", s.WriteTimeout)
	f.duration("--idle-timeout", s.IdleTimeout)
	f.duration("--shutdown-timeout", s.ShutdownTimeout)
	if s.WriteTimeout.fault == "" && s.RequestTimeout.fault == "" && s.WriteTimeout.Value <= s.RequestTimeout.Value {
		f.add("--write-timeout", "%s is not more than --request-timeout %s", s.WriteTimeout.Value, s.RequestTimeout.Value)
	}
	f.number("--max-header-bytes", s.MaxHeaderBytes, 4096, 16<<20)
	f.number("--max-body-bytes", s.MaxBodyBytes, 1024, 1<<30)
	if s.LogFormat != "text" && s.LogFormat != "json" {
		f.add("--log-format", "%q is neither text nor json", s.LogFormat)
	}
	if err := new(slog.Level).UnmarshalText([]byte(s.LogLevel)); err != nil {
		f.add("--log-level", "%q is not debug, info, warn or error", s.LogLevel)
	}
	return f
}

// defaultPageSize is that of a server for which none is given, unless its maximum is less.
const defaultPageSize = 100

// PageSize is the size of a page for which none is asked. One that nobody gave must not keep whoever gives a smaller
// maximum from starting the server.
func (s *Serve) PageSize() int64 {
	if s.DefaultPageSize.given {
		return s.DefaultPageSize.Value
	}
	return min(defaultPageSize, s.MaxPageSize.Value)
}

// Join makes one error of faults that reads as a list, or nil of none.
func Join(faults ...error) error {
	err := errors.Join(faults...)
	if err == nil {
		return nil
	}
	return fmt.Errorf("the configuration has faults:\n  %s", strings.ReplaceAll(err.Error(), "\n", "\n  "))
}

// LogValue is what the log tells of the settings in force: no secret is among it.
func (s *Serve) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("database", RedactURL(s.Database.URL)),
		slog.Int64("database_max_connections", s.MaxConnections.Value),
	}
	if s.InMemory.Value {
		attrs = []slog.Attr{slog.String("database", "in memory"), slog.Any("load", s.Load), slog.String("organization", s.Organization)}
		if now := s.Now.Value; !now.IsZero() {
			attrs = append(attrs, slog.Time("now", now))
		}
	}
	attrs = append(attrs,
		slog.Bool("hmac_secret", s.HMACSecret() != "" || s.HMACSecretFile != ""),
		slog.String("public_key_file", s.PublicKeyFile),
		slog.String("jwks_url", withoutQuery(RedactURL(s.JWKSURL))),
		slog.String("issuer", s.Issuer),
		slog.String("audience", s.Audience),
		slog.String("organization_claim", s.OrganizationClaim),
		slog.Bool("allow_missing_scope", s.AllowMissingScope.Value),
		slog.Bool("auto_create", s.AutoCreate.Value),
		slog.Int64("first_page", s.FirstPage.Value),
		slog.Int64("default_page_size", s.PageSize()),
		slog.Int64("max_page_size", s.MaxPageSize.Value),
		slog.Duration("request_timeout", s.RequestTimeout.Value))
	return slog.GroupValue(attrs...)
}

// withoutQuery leaves out where some issuers want a key.
func withoutQuery(text string) string {
	before, _, _ := strings.Cut(text, "?")
	return before
}

// secretParameters can stand in the query of a PostgreSQL URL.
var secretParameters = []string{"password", "passfile", "sslpassword"}

// RedactURL hides the secrets of a URL, wherever they can stand.
func RedactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(not a URL)"
	}
	query := u.Query()
	for _, name := range secretParameters {
		if query.Has(name) {
			query.Set(name, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}

// Token are the settings of the token command.
type Token struct {
	Secrets
	Claims
	Organization string        `required:"" placeholder:"KEY" help:"The organization that the token speaks for."`
	Scope        []string      `default:"deployments:read" sep:" " placeholder:"SCOPE" help:"What the token allows: deployments:read, deployments:write, or both (${default})."`
	Project      string        `placeholder:"NAME" help:"Show only records of artifacts of this project; such a token can't record."`
	Subject      string        `placeholder:"TEXT" help:"Who the token is for."`
	TTL          time.Duration `name:"ttl" default:"24h" placeholder:"TIME" help:"How long the token is valid (${default})."`
}
