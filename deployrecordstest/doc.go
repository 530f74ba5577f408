// Package deployrecordstest starts a deployrecords server inside a Go test, for the tests of programs that ask the API.
// It is the server itself, on a real port of the loopback address, with an SQLite database in memory: what it accepts,
// refuses and answers is what `deployrecords serve` does with its default settings.
//
//	server := deployrecordstest.Start(t,
//		deployrecordstest.WithRecordsFile("testdata/records.ndjson"),
//		deployrecordstest.WithNow(time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)))
//
// Then server.URL and server.Token are what the program under test needs, and server.Client() sends the token by itself.
// Every server has records of its own, so tests can run in parallel.
//
// With the same records, the same WithNow and the same requests one after the other, the bodies of the answers are the
// same in every run, to the byte. So are the ids that the server makes, of environments that a file only names, say.
package deployrecordstest
