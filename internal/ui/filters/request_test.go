package filters

import (
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/api"
)

// The form has a field for each parameter of the listing, apart from those of its pages: a new filter of upstream's is not
// missing there.
func TestTheFormHasEveryFilter(t *testing.T) {
	var fields []string
	for _, f := range formFields {
		fields = append(fields, f.Name)
	}
	filters := slices.DeleteFunc(slices.Clone(api.ListParameters), func(name string) bool { return strings.HasPrefix(name, "pagination.") })
	slices.Sort(fields)
	slices.Sort(filters)
	if !slices.Equal(fields, filters) {
		t.Errorf("the form has %q, and the listing %q", fields, filters)
	}
}
