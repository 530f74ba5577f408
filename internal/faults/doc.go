// Package faults makes a server fail on purpose, for tests of its clients. A Set has the faults of one server. Its Handler
// is middleware around the whole server: it decides which fault a request has, delays the request, and damages the response
// on its way to the client. The server itself writes error responses: it calls Intercept, which returns the error that
// Handler has chosen, so that an injected error has the headers and the schema of a real one.
//
//	client -> Handler -> server -> Intercept   kind status, header Prefer
//	              |         |
//	              v         v
//	            reset    response -> Handler -> client   trickle, truncate, malformed-json, content-type
package faults
