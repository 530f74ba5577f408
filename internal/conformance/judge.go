package conformance

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// finding is what one answer, or several, show of a rule: that it is broken.
type finding struct {
	rule *Rule
	text string
	// show are the requests that show it; none stands for the one whose answer is judged.
	show []request
}

// judgement collects what answers show of rules.
type judgement struct {
	tried  []*Rule
	broken []finding
}

func (j *judgement) try(rules ...*Rule) { j.tried = append(j.tried, rules...) }

func (j *judgement) fault(rule *Rule, format string, args ...any) {
	j.broken = append(j.broken, finding{rule: rule, text: fmt.Sprintf(format, args...)})
}

// check tries a rule; it is broken unless ok.
func (j *judgement) check(rule *Rule, ok bool, format string, args ...any) {
	j.try(rule)
	if !ok {
		j.fault(rule, format, args...)
	}
}

// answerOf holds an answer of the documented operation against the document. It gives the body, or nil if it is not JSON.
func (d *document) judge(j *judgement, status int, header http.Header, body []byte) *value {
	response := d.response(status)
	j.check(answerStatus, response != nil, "the status is %d", status)
	v, fault := readJSON(body)
	if response == nil {
		return v
	}
	for name, ref := range response.Headers {
		if ref.Value.Required {
			j.check(answerHeaders, header.Get(name) != "", "the header %s is missing", name)
		}
	}
	if len(response.Content) == 0 {
		return v
	}
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	documented := response.Content[media]
	j.check(answerContentType, err == nil && documented != nil && len(header.Values("Content-Type")) == 1,
		"with status %d, Content-Type is %q", status, header.Values("Content-Type"))
	if documented == nil {
		documented = response.Content[jsonMediaType]
	}
	if documented == nil || media != jsonMediaType && response.Content[media] != nil {
		return v // something else than JSON, and the document has it
	}
	j.check(bodyJSON, fault == "", "%s", fault)
	if v == nil || documented.Schema == nil {
		return v
	}
	judgeSchema(j, v, documented.Schema.Value)
	if code := documented.Schema.Value.Properties["code"]; code != nil && code.Value.Default != nil && status != http.StatusOK {
		want := fmt.Sprint(code.Value.Default)
		got := v.member("code")
		j.check(errorCode, got != nil && got.text == want, "with status %d, code is %s, not %s", status, shown(got), want)
	}
	return v
}

// shown writes a value of an answer in a message.
func shown(v *value) string {
	switch {
	case v == nil:
		return "missing"
	case v.kind == '0':
		return cut(v.text)
	case v.kind == '"':
		return quoteBody([]byte(v.text))
	default:
		return v.kindName()
	}
}

// memberNames are those of an object, sorted.
func (v *value) memberNames() []string {
	if v == nil {
		return nil
	}
	names := make([]string, 0, len(v.members))
	for _, m := range v.members {
		names = append(names, m.name)
	}
	slices.Sort(names)
	return names
}

// join writes the place of a property or an item.
func join(place, name string) string { return strings.TrimPrefix(place+"."+name, ".") }
