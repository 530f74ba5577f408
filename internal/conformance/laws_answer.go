package conformance

import (
	"strconv"
	"strings"
)

// judgeList holds one list against what it was asked for. All of it is said by this one answer, so that no writer can
// come between.
func (s *suite) judgeList(j *judgement, a *answer) {
	l, q := a.list, a.request.asked
	n := int64(len(l.records))
	if l.size >= 0 && l.total >= 0 {
		j.check(pageSizeKept, n <= l.size && n <= l.total, "there are %d records, with a page_size of %d and a total_count of %d", n, l.size, l.total)
	}
	if asked, ok := askedNumber(q, sizeParameter); ok && asked > 0 {
		j.check(pageSizeKept, n <= asked, "there are %d records, and %d were asked for", n, asked)
		if want := min(asked, s.maxSize); l.size >= 0 && s.maxSize > 0 {
			j.check(pageSizeEcho, l.size == want, "page_size is %d, not %d", l.size, want)
		}
	}
	if l.size > 0 && l.total >= 0 && l.pages >= 0 {
		want := (l.total + l.size - 1) / l.size
		// One empty page, or none: the document leaves it open.
		j.check(pageTotalPages, l.pages == want || l.total == 0 && l.pages == 1, "total_pages is %d, with a total_count of %d and a page_size of %d", l.pages, l.total, l.size)
	}
	if s.paging == byPage {
		asked, given := askedNumber(q, pageParameter)
		want := max(asked, s.firstPage)
		if !given {
			want = s.firstPage
		}
		if l.page >= 0 && asked >= 0 {
			j.check(pageEcho, l.page == want, "page is %d, not %d", l.page, want)
		}
		if fault := s.fillFault(a); asked >= 0 {
			j.check(ownSnapshot, fault == "", "%s", fault)
		}
	}
	seen := make(map[string]bool)
	for _, id := range ids(l.records) {
		j.check(pagesWhole, id == "" || !seen[id], "the record %s is there twice", id)
		seen[id] = true
	}
	s.judgeSlots(j, a)
	s.judgeFilters(j, a)
}

// fillFault says what is wrong with how many records a page has, or "".
func (s *suite) fillFault(a *answer) string {
	l := a.list
	if l == nil || l.size <= 0 || l.total < 0 {
		return ""
	}
	page, given := askedNumber(a.request.asked, pageParameter)
	if !given {
		page = s.firstPage
	}
	before := max(page-s.firstPage, 0)
	if s.paging == byPage {
		before *= l.size
	}
	want := max(min(l.total-before, l.size), 0)
	if n := int64(len(l.records)); n != want {
		return itoa(n) + " records on this page, not " + itoa(want) +
			", with a total_count of " + itoa(l.total) + " and a page_size of " + itoa(l.size)
	}
	return ""
}

// askedNumber is what a question says of a whole number, and whether it does.
func askedNumber(q question, name string) (int64, bool) {
	text, ok := q.get(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// slotOf is the slot of a record, or "" if the record does not say.
func slotOf(record *value) string {
	environment, ok := record.string("environment_id")
	deployment, ok2 := record.string("deployment_name")
	if !ok || !ok2 {
		return ""
	}
	return environment + "\x00" + deployment
}

func wantsHistory(q question) bool {
	text, _ := q.get(historyParam)
	return text == "true"
}

func (s *suite) judgeSlots(j *judgement, a *answer) {
	if s.doc.parameter(historyParam) == nil || wantsHistory(a.request.asked) {
		return
	}
	seen := make(map[string]bool)
	for _, record := range a.list.records {
		slot := slotOf(record)
		name, _ := record.string("deployment_name")
		j.check(latestOnce, slot == "" || !seen[slot], "the slot of %s in the environment %s is there twice", strconv.Quote(name), shown(record.member("environment_name")))
		seen[slot] = true
	}
}

// judgeFilters wants of each record the values that were asked for. A value that differs, but in a way that some would
// call a match, is another rule's, unless it was the very value of a record that was asked for.
func (s *suite) judgeFilters(j *judgement, a *answer) {
	for _, p := range s.doc.parameters {
		asked, given := a.request.asked.get(p.name)
		if unset, ok := p.defaultText(); !given || p.field == nil || asked == "" || ok && asked == unset {
			continue
		}
		for i, record := range a.list.records {
			got, _ := record.string(p.field...)
			rule := filterSatisfy
			if !s.isLearned(p, asked) && loosely(asked, got) {
				rule = ownExact
			}
			j.check(rule, got == asked, "%s of record %d is %s, not %s", strings.Join(p.field, "."), i, strconv.Quote(cut(got)), strconv.Quote(cut(asked)))
		}
	}
}

// loosely says whether somebody could call it a match: in another case, in part, or by a wildcard.
func loosely(asked, got string) bool {
	return strings.ContainsAny(asked, "%_*?") || strings.Contains(strings.ToLower(got), strings.ToLower(strings.TrimSpace(asked)))
}

// judgeDetails wants each detail of a 400 to say where it is.
func (s *suite) judgeDetails(j *judgement, a *answer) {
	details := a.value.member("details")
	if details == nil {
		return
	}
	for _, detail := range details.items {
		place, _, _ := strings.Cut(detail.text, ":")
		j.check(ownErrorDetails, place == "query" || s.doc.parameter(place) != nil, "a detail is %s", shown(detail))
	}
}
