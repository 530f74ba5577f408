package spec

import (
	"fmt"
	"mime"
	"net/http"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// Check checks an answer of the documented operation against the document.
func (d *Document) Check(c *report.Checks, a *client.Answer) {
	response := d.response(a.Status)
	c.Check(report.AnswerStatus, response != nil, "the status is %d", a.Status)
	if response == nil {
		return
	}
	for name, ref := range response.Headers {
		if ref.Value.Required {
			c.Check(report.AnswerHeaders, a.Header.Get(name) != "", "the header %s is missing", name)
		}
	}
	if len(response.Content) == 0 {
		return
	}
	types := a.Header.Values("Content-Type")
	media, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	documented := response.Content[media]
	c.Check(report.AnswerContentType, err == nil && documented != nil && len(types) == 1, "with status %d, Content-Type is %q", a.Status, types)
	if documented == nil {
		documented = response.Content[jsonMediaType]
	} else if media != jsonMediaType {
		return // a documented type that is not JSON
	}
	if documented == nil {
		return
	}
	c.Check(report.BodyJSON, a.Malformed == nil, "%v", a.Malformed)
	if a.Value == nil || documented.Schema == nil {
		return
	}
	checkSchema(c, a, documented.Schema.Value)
	if code := documented.Schema.Value.Properties["code"]; code != nil && code.Value.Default != nil && a.Status != http.StatusOK {
		want := fmt.Sprint(code.Value.Default)
		got := a.Value.Get("code")
		c.Check(report.ErrorCode, got != nil && got.Content == want, "with status %d, code is %s, not %s", a.Status, got, want)
	}
}
