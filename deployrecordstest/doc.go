// Package deployrecordstest starts a deployrecords server inside a Go test, to test clients of the API. It is the real
// server on a port of the loopback address, with an SQLite database in memory, and behaves as `deployrecords serve` does
// with its default settings.
//
//	server := deployrecordstest.Start(t,
//		deployrecordstest.WithRecordsFile("testdata/records.ndjson"),
//		deployrecordstest.WithNow(time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)))
//
// The program under test needs server.URL and server.Token; server.Client() returns an HTTP client that sends the token.
// Each server has its own records, so tests can run in parallel.
//
// Sandbox starts a server that the test steers: it makes requests fail, moves the clock, and reads what the server received.
//
// With the same records, the same WithNow and the same sequence of requests, the bodies of the responses are the same byte
// for byte in every run, including generated ids.
package deployrecordstest
