package control

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// checkHost returns a 403 for a request by a name that a page may have. If the name resolves to this machine (DNS rebinding), the
// page has the origin of the control API, so its browser sends no sign of another origin. With allowRemote, a request may come by
// every IP address, and by a name that only a private network resolves, as that of a container.
func checkHost(r *http.Request, allowRemote bool) error {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil { // without a port
		host = strings.TrimSuffix(strings.TrimPrefix(r.Host, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return nil
	}
	accepted := "neither localhost nor a loopback address"
	if allowRemote {
		accepted = "neither an IP address nor a name of a private network, such as mock or mock.internal"
	}
	if address, err := netip.ParseAddr(host); err == nil && (allowRemote || address.Unmap().IsLoopback()) {
		return nil
	}
	if allowRemote && isPrivateName(host) {
		return nil
	}
	return &api.Problem{Status: http.StatusForbidden, Message: "Host: " + deployments.Quote(r.Host) + " is " + accepted}
}

// privateDomains have no public names (RFC 2606, RFC 6761, RFC 6762, and the reservation of internal by ICANN).
var privateDomains = []string{"internal", "local", "localhost", "test"}

// isPrivateName reports whether no page of the internet can have a name: it has no domain, or a private one. Browsers
// read a number such as 10 as an IPv4 address.
func isPrivateName(host string) bool {
	host = strings.ToLower(host)
	if !strings.ContainsFunc(host, unicode.IsLetter) || strings.HasPrefix(host, "0x") {
		return false
	}
	end := strings.LastIndexByte(host, '.')
	return end < 0 || slices.Contains(privateDomains, host[end+1:])
}
