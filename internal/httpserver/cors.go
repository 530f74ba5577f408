package httpserver

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// The headers of a preflight's response, and those that scripts may read of any response.
const (
	corsMethods  = "GET, HEAD, POST"
	corsRequest  = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id"
	corsResponse = "ETag, Retry-After, WWW-Authenticate, X-Request-Id"
	corsMaxAge   = "600" // seconds
)

// cors lets pages of the allowed origins read the API and the documents. It answers a preflight itself, with a 204 (R4). There are no
// credentials: a page sends a bearer token, and cookies do not open the API.
func (h *handler) cors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, header := c.Request(), c.Response().Header()
		if len(h.CORSOrigins) == 0 || !isShared(r.URL.Path) {
			return next(c)
		}
		header.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		allowed := slices.Contains(h.CORSOrigins, origin)
		if allowed {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Expose-Headers", corsResponse)
		}
		if r.Method != http.MethodOptions || origin == "" || r.Header.Get("Access-Control-Request-Method") == "" {
			return next(c)
		}
		if allowed {
			header.Set("Access-Control-Allow-Methods", corsMethods)
			header.Set("Access-Control-Allow-Headers", strings.Join(append([]string{corsRequest}, h.CORSHeaders...), ", "))
			header.Set("Access-Control-Max-Age", corsMaxAge)
		}
		return c.NoContent(http.StatusNoContent)
	}
}

// isShared reports whether a path is one of the API or a document.
func isShared(path string) bool {
	return path == "/v1" || strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/openapi.")
}
