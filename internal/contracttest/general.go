package contracttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance"
)

// generalFaults holds every answer against R1 to R4. What an answer alone can break of them, the contract suite judges;
// here is what that leaves to validators, which are others for it.
func generalFaults(request *http.Request, status int, header http.Header, body []byte) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if header.Get("X-Request-Id") == "" {
		fault("there is no X-Request-Id")
	}
	if status == http.StatusOK && strings.HasPrefix(request.URL.Path, "/openapi.") {
		return faults
	}
	isList := request.URL.Path == "/v1/deployments" && request.Method == http.MethodGet
	for _, found := range conformance.OwnFindings(request, isList, status, header, body) {
		fault("%s: %s", found.Rule.Number, found.Text)
	}
	if request.Method == http.MethodHead {
		return faults
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&value); err != nil {
		return append(faults, fmt.Errorf("the body is not JSON: %w", err))
	}
	if rest := body[decoder.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		fault("R1: %q follows the JSON value", rest)
	}
	if path := nullAt(value, "$"); path != "" {
		fault("R1: %s is null", path)
	}
	if isList && status == http.StatusOK {
		faults = append(faults, pageFaults(value)...)
	}
	return faults
}

func nullAt(value any, path string) string {
	switch v := value.(type) {
	case nil:
		return path
	case []any:
		for i, item := range v {
			if found := nullAt(item, fmt.Sprintf("%s[%d]", path, i)); found != "" {
				return found
			}
		}
	case map[string]any:
		for name, item := range v {
			if found := nullAt(item, path+"."+name); found != "" {
				return found
			}
		}
	}
	return ""
}

// pageFaults holds the page of a list against L7.
func pageFaults(value any) (faults []error) {
	object, _ := value.(map[string]any)
	records, _ := object["deployment_records"].([]any)
	pagination, _ := object["pagination"].(map[string]any)
	size, _ := pagination["page_size"].(float64)
	total, _ := pagination["total_count"].(float64)
	pages, _ := pagination["total_pages"].(float64)
	if float64(len(records)) > min(size, total) || pages != float64((int64(total)+int64(size)-1)/int64(max(size, 1))) {
		faults = append(faults, fmt.Errorf("L7: %d records with the pagination %v", len(records), pagination))
	}
	return faults
}
