package replicas

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// primaryParameters limit an attempt to connect to one host of the primary's URL to a second, so that a host that does not
// respond delays a list no longer than that.
var primaryParameters = map[string]string{"connect_timeout": "1"}

// connectSeconds limits an attempt to connect to a standby, unless the URL has a limit: another node can answer.
const connectSeconds = "2"

// address is one host of a URL, and the URL with this host alone.
type address struct{ host, url string }

// addresses splits a valid URL.
func addresses(replicaURL string) (split []address) {
	config, err := pgx.ParseConfig(replicaURL)
	if err != nil {
		return nil
	}
	add := func(host string, port uint16) {
		parameters := map[string]string{"host": host, "port": strconv.Itoa(int(port))}
		if config.ConnectTimeout == 0 {
			parameters["connect_timeout"] = connectSeconds
		}
		a := address{net.JoinHostPort(host, parameters["port"]), withParameters(replicaURL, parameters)}
		if !slices.Contains(split, a) { // TLS and plain text are two entries of one address
			split = append(split, a)
		}
	}
	add(config.Host, config.Port)
	for _, fallback := range config.Fallbacks {
		add(fallback.Host, fallback.Port)
	}
	return split
}

// withParameters returns a valid URL with other parameters. The parameter host takes precedence over the host of the URL.
func withParameters(databaseURL string, parameters map[string]string) string {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return databaseURL // not reached: the URL is valid
	}
	query := u.Query()
	for name, value := range parameters {
		query.Set(name, value)
	}
	if query.Has("host") {
		u.Host = ""
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // the driver reads + as itself
	return u.String()
}
