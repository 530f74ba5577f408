package replicas

import (
	"context"
	"net/url"
)

// Position returns the position of the primary.
func (s *Set) Position(ctx context.Context) (lsn string, timeline int32, err error) {
	p, err := s.primary.position(ctx)
	return p.lsn, p.timeline, err
}

// Hosts returns the hosts and ports into which a URL is split.
func Hosts(replicaURL string) (hosts []string) {
	for _, a := range addresses(replicaURL) {
		u, err := url.Parse(a.url)
		if err != nil {
			panic(err)
		}
		hosts = append(hosts, u.Query().Get("host")+" "+u.Query().Get("port"))
	}
	return hosts
}
