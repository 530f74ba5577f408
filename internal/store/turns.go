package store

import (
	"net"
	"runtime"
	"strings"
)

// Lists are read a few at a time, and those that find no place wait in the order in which they came. Each takes about as
// long as any other: begun all at once, they share the processors, and each is as late as the last. Connections of the
// pool would be given to any of those that wait, and the last to come may be the first.

// listsAtOnce is how many lists are read at once where nobody says so: as many as there are connections, or two for each
// processor if the database has none but those of this machine.
func listsAtOnce(databaseURL string, connections int) int {
	if isHere(databaseURL) {
		return min(connections, 2*runtime.GOMAXPROCS(0))
	}
	return connections
}

// isHere tells whether a database is on this machine: a file, or reached by a socket or a loopback address.
func isHere(databaseURL string) bool {
	if strings.HasPrefix(databaseURL, "sqlite://") {
		return true
	}
	config, err := parsePostgres(databaseURL)
	return err == nil && (strings.HasPrefix(config.Host, "/") || config.Host == "localhost" || net.ParseIP(config.Host).IsLoopback())
}
