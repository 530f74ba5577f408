package contracttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	conformclient "github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// ruleViolations checks a response against rules R1 to R4 and L7. The conformance suite has most of these checks; the
// rest are those that it leaves to its own validators.
func ruleViolations(request *http.Request, status int, header http.Header, body []byte) (violations []error) {
	violation := func(format string, args ...any) { violations = append(violations, fmt.Errorf(format, args...)) }
	if header.Get("X-Request-Id") == "" {
		violation("the header X-Request-Id is missing")
	}
	switch {
	case status == http.StatusOK || status == http.StatusNotModified:
		if isDocument := strings.HasPrefix(request.URL.Path, "/openapi."); isDocument {
			if got := header.Get("Cache-Control"); got != "no-cache" || header.Get("ETag") == "" {
				violation("R2: a document has the Cache-Control %q and the ETag %q", got, header.Get("ETag"))
			}
			return violations
		}
	case status == http.StatusNoContent && (request.Method == http.MethodOptions || request.Method == http.MethodDelete):
		return violations
	}
	isList := request.URL.Path == "/v1/deployments" && request.Method == http.MethodGet
	checks := &report.Checks{}
	spec.CheckSemantics(checks, request.Method, isList, conformclient.NewAnswer(status, header, body))
	// The control API has no tokens, so its 403 names no scheme.
	hasNoTokens := strings.HasPrefix(request.URL.Path, "/sandboxes") || request.URL.Path == "/openapi.control.yaml"
	for _, finding := range checks.Broken {
		if hasNoTokens && strings.HasSuffix(finding.Text, "headers WWW-Authenticate") {
			continue
		}
		violation("%s: %s", finding.Rule.Number, finding.Text)
	}
	if request.Method == http.MethodHead {
		return violations
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&value); err != nil {
		return append(violations, fmt.Errorf("the body is not JSON: %w", err))
	}
	if rest := body[decoder.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		violation("R1: %q follows the JSON value", rest)
	}
	if jsonPath := findNull(value, "$"); jsonPath != "" {
		violation("R1: %s is null", jsonPath)
	}
	if isList && status == http.StatusOK {
		if err := checkPage(value); err != nil {
			violation("L7: %w", err)
		}
	}
	return violations
}

// findNull returns the JSON path of a null, or the empty string.
func findNull(value any, jsonPath string) string {
	switch v := value.(type) {
	case nil:
		return jsonPath
	case []any:
		for i, item := range v {
			if found := findNull(item, fmt.Sprintf("%s[%d]", jsonPath, i)); found != "" {
				return found
			}
		}
	case map[string]any:
		for name, item := range v {
			if found := findNull(item, jsonPath+"."+name); found != "" {
				return found
			}
		}
	}
	return ""
}

// checkPage checks the pagination of a list (L7).
func checkPage(value any) error {
	object, _ := value.(map[string]any)
	records, _ := object["deployment_records"].([]any)
	pagination, _ := object["pagination"].(map[string]any)
	size, _ := pagination["page_size"].(float64)
	total, _ := pagination["total_count"].(float64)
	pages, _ := pagination["total_pages"].(float64)
	if float64(len(records)) > min(size, total) || pages != float64((int64(total)+int64(size)-1)/int64(max(size, 1))) {
		return fmt.Errorf("%d records with the pagination %v", len(records), pagination)
	}
	return nil
}
