package variant

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// rewriteRequests writes values in other spellings as the server expects them.
func (s Set) rewriteRequests(next http.Handler) http.Handler {
	if !s[lenientSpelling] {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isList(r) {
			r.URL.RawQuery = normalizeQuery(r.URL.RawQuery)
		}
		next.ServeHTTP(w, r)
	})
}

// spellings normalize the values of parameters, as lenient parsers of Protocol Buffers do: they accept the numbers of enums.
// A value that none of them accepts is left as it is.
var spellings = map[string]func(string) (string, bool){
	"full_history":         normalizeBool,
	"pagination.page":      normalizeInt,
	"pagination.page_size": normalizeInt,
	"status": normalizeEnum("DEPLOYMENT_STATUS_UNSPECIFIED", deployments.Deployed.String(), deployments.Decommissioned.String(),
		deployments.Superseded.String()),
	"artifact_kind": normalizeEnum("ARTIFACT_KIND_UNSPECIFIED", deployments.ContainerImage.String(), deployments.HelmChart.String()),
}

// normalizeQuery changes single values and leaves every other byte, so that the server finds what is invalid. A parameter
// without a value is as if absent.
func normalizeQuery(query string) string {
	pairs := strings.Split(query, "&")
	pairs = slices.DeleteFunc(pairs, func(pair string) bool {
		name, value, _ := strings.Cut(pair, "=")
		return value == "" && spellings[name] != nil
	})
	for i, pair := range pairs {
		name, escaped, _ := strings.Cut(pair, "=")
		value, err := url.QueryUnescape(escaped)
		if normalize := spellings[name]; normalize != nil && err == nil {
			if normal, ok := normalize(value); ok {
				pairs[i] = name + "=" + normal
			}
		}
	}
	return strings.Join(pairs, "&")
}

func normalizeBool(text string) (string, bool) {
	b, err := strconv.ParseBool(text)
	return strconv.FormatBool(b), err == nil
}

func normalizeInt(text string) (string, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return strconv.FormatInt(n, 10), err == nil
}

// normalizeEnum accepts the number of a name, counted from 0.
func normalizeEnum(names ...string) func(string) (string, bool) {
	return func(text string) (string, bool) {
		n, err := strconv.ParseUint(text, 10, 8)
		if err != nil || n >= uint64(len(names)) {
			return "", false
		}
		return names[n], true
	}
}
