package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// contentFault says where a record that is in both lists is not the same record, or "". When it was last seen and updated
// does not count, as in fingerprint.
func contentFault(a, b []*value) string {
	other := make(map[string]*value)
	for _, record := range b {
		id, _ := record.string("id")
		other[id] = record
	}
	for _, record := range a {
		id, _ := record.string("id")
		if twin := other[id]; id != "" && twin != nil && recordPrint(record) != recordPrint(twin) {
			return "the record " + id + " differs: " + differingLine(record, twin)
		}
	}
	return ""
}

// differingLine tells the first value in which two records differ.
func differingLine(a, b *value) string {
	lines := func(record *value) []string {
		return slices.DeleteFunc(flatten(nil, "", record), func(line string) bool {
			return strings.HasPrefix(line, "last_seen_at ") || strings.HasPrefix(line, "updated_at ")
		})
	}
	one, two := lines(a), lines(b)
	i := differ(one, two)
	line := func(lines []string) string {
		if i < len(lines) {
			return lines[i]
		}
		return "nothing more"
	}
	return fmt.Sprintf("%s in the one answer, %s in the other", line(one), line(two))
}

// sameContent wants records that are in both lists to be the same in every value.
func (r *round) sameContent(rule *Rule, a, b *walked) {
	if fault := contentFault(a.records, b.records); fault != "" {
		r.show(rule, fault, a.answers[0], b.answers[0])
	}
}
