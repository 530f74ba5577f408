package contracttest

import (
	"bytes"
	_ "embed"
	"net/http"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/api"
)

//go:embed testdata/openapi.yaml
var base []byte

// Base returns the document that tests change: upstream's document of 2026-11. An update of openapi.yaml never replaces it,
// so a test that names a location of it, or the answer to a request, holds for every document that the server follows. Only
// a change of the implementation that Base contradicts needs a new copy of openapi.yaml.
func Base() []byte { return bytes.Clone(base) }

// Unsupported returns the query parameters of upstream's document that this server answers with a 501.
func Unsupported(t testing.TB) (names []string) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(deployrecords.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	item := doc.Paths.Value("/v1/deployments")
	if item == nil || item.GetOperation(http.MethodGet) == nil {
		t.Fatal("upstream's document has no GET /v1/deployments")
	}
	for _, ref := range slices.Concat(item.Parameters, item.Get.Parameters) {
		if ref.Value.In == openapi3.ParameterInQuery && !slices.Contains(api.ListParameters, ref.Value.Name) {
			names = append(names, ref.Value.Name)
		}
	}
	return names
}
