package openapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A server must start in seconds with an API of thousands of operations, of which it implements a few.
func TestALargeDocumentIsReadWithoutItsOtherOperations(t *testing.T) {
	var paths strings.Builder
	for i := range 500 {
		fmt.Fprintf(&paths, "  /v1/test-things%d/{id}:\n    delete:\n      security: []\n      responses: {default: {description: d}}\n", i)
	}
	text := "openapi: 3.0.1\ninfo: {title: t, version: '1'}\npaths:\n  /v1/deployments: {get: {responses: {default: {description: d}}}}\n" + paths.String()
	operations, err := readDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	others := 0
	for _, o := range operations {
		if o.Endpoint != nil {
			if n := o.Route.Spec.Paths.Len(); n != 1 {
				t.Errorf("%s keeps a document of %d paths", o.Name(), n)
			}
		} else if strings.HasPrefix(o.Route.Path, "/v1/test-things") {
			others++
			if !o.IsPublic() || o.Route.Method != http.MethodDelete {
				t.Errorf("%s is not the documented operation", o.Name())
			}
		}
	}
	if others != 500 {
		t.Errorf("%d other operations", others)
	}
}
