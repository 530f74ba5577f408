package bench

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/api"
)

// unsupportedFlags returns the flags of conform for the parameters of upstream's document that the server answers with a 501.
func unsupportedFlags() (flags []string, err error) {
	document, err := openapi3.NewLoader().LoadFromData(deployrecords.OpenAPI())
	if err != nil {
		return nil, err
	}
	item := document.Paths.Value("/v1/deployments")
	for _, p := range slices.Concat(item.Parameters, item.Get.Parameters) {
		if p.Value.In == openapi3.ParameterInQuery && !slices.Contains(api.ListParameters, p.Value.Name) {
			flags = append(flags, "--unsupported", p.Value.Name)
		}
	}
	return flags, nil
}
