package control

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// checkHost returns a 403 for a request by a name other than localhost: a page whose name resolves to this machine (DNS rebinding)
// has the origin of the control API, so its browser sends no sign of another origin. An address that is not a loopback address
// needs allowRemote.
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
		accepted = "neither localhost nor an IP address"
	}
	if address, err := netip.ParseAddr(host); err == nil && (allowRemote || address.Unmap().IsLoopback()) {
		return nil
	}
	return &api.Problem{Status: http.StatusForbidden, Message: "Host: " + deployments.Quote(r.Host) + " is " + accepted}
}
