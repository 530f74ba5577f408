// Package filters reads the query of a page, whose parameters are those of GET /v1/deployments, and makes the links of the page.
package filters

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Request is the query of a page, with what its form shows.
type Request struct {
	deployments.Query
	// Path is that of the page. Values are the parameters of its query that pages have, each once: every link of a page repeats
	// them.
	Path   string
	Values url.Values
	// Fields are the filters of the form, as typed.
	Fields []Field
	// Violations are those of no field.
	Violations []string
	// Invalid reports that there is a violation: Query is not set.
	Invalid bool
}

// Field is a filter in a form. Its name is the parameter's.
type Field struct {
	Name, Label, Value, Placeholder string
	// Violation is the message about the value.
	Violation string
	// Options are the choices, if there are only some.
	Options []Option
}

// Option is a choice of a field.
type Option struct {
	Value, Label string
	Selected     bool
}

var (
	statusOptions = []Option{
		{Value: "DEPLOYMENT_STATUS_UNSPECIFIED", Label: "any"},
		{Value: "DEPLOYED", Label: "deployed"},
		{Value: "SUPERSEDED", Label: "superseded"},
		{Value: "DECOMMISSIONED", Label: "decommissioned"},
	}
	kindOptions = []Option{
		{Value: "ARTIFACT_KIND_UNSPECIFIED", Label: "any"}, {Value: "CONTAINER_IMAGE", Label: "container image"}, {Value: "HELM_CHART", Label: "Helm chart"},
	}
	historyOptions = []Option{{Value: "false", Label: "latest of each slot"}, {Value: "true", Label: "all records"}}
	// formFields are the filters of GET /v1/deployments.
	formFields = []Field{
		{Name: "environment_name", Label: "Environment", Placeholder: "exact name"},
		{Name: "logical_environment_name", Label: "Logical environment", Placeholder: "exact name"},
		{Name: "deployment_name", Label: "Deployment", Placeholder: "exact name"},
		{Name: "artifact_digest", Label: "Digest", Placeholder: "sha256:…"},
		{Name: "project_name", Label: "Project", Placeholder: "exact name"},
		{Name: "project_version_name", Label: "Project version", Placeholder: "needs a project"},
		{Name: "artifact_kind", Label: "Kind", Options: kindOptions},
		{Name: "status", Label: "Status", Options: statusOptions},
		{Name: "full_history", Label: "Records", Options: historyOptions},
	}
)

// The values of full_history and status that select what runs now.
const (
	AllRecords = "true"
	Deployed   = "DEPLOYED"
)

// Parse returns the query of a raw URL query as GET /v1/deployments reads it, or its violations: "parameter: message".
type Parse func(raw string) (deployments.Query, []string, error)

// Read reads the query of a page. The defaults apply to a query that has neither of their parameters.
func Read(r *http.Request, parse Parse, defaults url.Values) (*Request, error) {
	raw := r.URL.RawQuery
	values := known(r.URL.Query()) // the violations are those of the raw query
	given := false
	for name := range defaults {
		given = given || values.Has(name)
	}
	if !given && len(defaults) > 0 {
		raw = strings.TrimPrefix(raw+"&"+defaults.Encode(), "&")
		for name := range defaults {
			values.Set(name, defaults.Get(name))
		}
	}
	query, violations, err := parse(raw)
	if err != nil {
		return nil, err
	}
	request := &Request{Query: query, Path: r.URL.Path, Values: values, Invalid: len(violations) > 0}
	byName := map[string]string{}
	for _, violation := range violations {
		name, message, _ := strings.Cut(violation, ": ")
		if !isFormField(name) || byName[name] != "" {
			request.Violations = append(request.Violations, violation)
			continue
		}
		byName[name] = message
	}
	for _, f := range formFields {
		f.Value, f.Violation = values.Get(f.Name), byName[f.Name]
		f.Options = selected(f.Options, f.Value)
		request.Fields = append(request.Fields, f)
	}
	return request, nil
}

// known returns the parameters that pages have.
func known(all url.Values) url.Values {
	kept := url.Values{}
	for name := range all {
		switch name {
		case "by", columnPage, "pagination.page", "pagination.page_size":
			kept.Set(name, all.Get(name))
		default:
			if isFormField(name) {
				kept.Set(name, all.Get(name))
			}
		}
	}
	return kept
}

func isFormField(name string) bool {
	for _, f := range formFields {
		if f.Name == name {
			return true
		}
	}
	return false
}

// selected returns the options with the value selected. A value that is none of them is added, so that the form keeps it.
func selected(options []Option, value string) []Option {
	if len(options) == 0 {
		return nil
	}
	result := make([]Option, 0, len(options)+1)
	found := value == ""
	for _, o := range options {
		o.Selected = o.Value == value
		found = found || o.Selected
		result = append(result, o)
	}
	if !found {
		result = append(result, Option{Value: value, Label: value, Selected: true})
	}
	return result
}

// With returns the link to a page with this query, in which some parameters are changed. An empty value removes one. Other pages than
// the first have their own numbers, of rows and of columns, so a change of filters begins at the first.
func (q *Request) With(path string, pairs ...string) string {
	values := url.Values{}
	for name, list := range q.Values {
		if name != "pagination.page" && name != columnPage {
			values[name] = list
		}
	}
	maps.Copy(values, Query(pairs...))
	return Link(path, values)
}

// Active are the filters that narrow the page, each with a link that removes it.
func (q *Request) Active() (active []ActiveFilter) {
	for _, f := range q.Fields {
		value := f.Value
		for _, o := range f.Options {
			if o.Selected {
				value = o.Label
			}
		}
		if f.Value == "" || f.Name == "status" || f.Name == "full_history" || strings.HasSuffix(f.Value, "_UNSPECIFIED") {
			continue
		}
		active = append(active, ActiveFilter{f.Label, value, q.With(q.Path, f.Name, "")})
	}
	return active
}

// ActiveFilter is a filter with the link to the page without it.
type ActiveFilter struct{ Label, Value, Without string }

// Clear returns the link to the page without filters.
func (q *Request) Clear() string { return Link(q.Path, url.Values{"by": q.Values["by"]}) }

// Visible are the fields of the form. The matrix has links in place of those that select the records, unless they are invalid.
func (q *Request) Visible() (visible []Field) {
	for _, f := range q.Fields {
		if !q.isSwitch(f) {
			visible = append(visible, f)
		}
	}
	return visible
}

// Hidden are what the form keeps without showing it.
func (q *Request) Hidden() (hidden []Field) {
	for _, f := range q.Fields {
		if q.isSwitch(f) && f.Value != "" {
			hidden = append(hidden, f)
		}
	}
	for _, name := range []string{"by", "pagination.page_size"} {
		if value := q.Values.Get(name); value != "" {
			hidden = append(hidden, Field{Name: name, Value: value})
		}
	}
	return hidden
}

func (q *Request) isSwitch(f Field) bool {
	return q.Path == "/" && (f.Name == "full_history" || f.Name == "status") && f.Violation == ""
}
