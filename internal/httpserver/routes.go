package httpserver

import (
	"net/http"

	"github.com/deployrecords/deployrecords/internal/httpserver/openapi"
)

// PublicRoutes need no token (R4). Every other route is an operation of a document and needs one.
var PublicRoutes = func() map[string]bool {
	routes := make(map[string]bool)
	for _, path := range []string{"/openapi.yaml", "/openapi.local.yaml", "/openapi.recording.yaml", "/healthz", "/readyz"} {
		for _, method := range publicMethods {
			routes[routeKey(method, path)] = true
		}
	}
	return routes
}()

// publicMethods are the methods of each public path.
var publicMethods = []string{http.MethodGet, http.MethodHead}

// routeKey joins a method and a path in Echo's form, as "GET /v1/things/:id".
func routeKey(method, path string) string { return method + " " + path }

// echoKey returns the routeKey of the operation's generated route.
func echoKey(o *openapi.Operation) string {
	return routeKey(o.Route.Method, openapi.PathParameter.ReplaceAllString(o.Route.Path, ":$1"))
}
