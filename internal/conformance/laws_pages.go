package conformance

import (
	"fmt"
	"slices"
	"strconv"
)

func (s *suite) judgePages() {
	s.clamp()
	if s.doc.parameter(pageParameter) == nil || s.doc.parameter(sizeParameter) == nil {
		s.notJudged("the document has no pages", pagesWhole, pagesAgree, pageFill, pagePastEnd)
		return
	}
	s.pastEnd()
	if len(s.subjects) == 0 {
		s.notJudged("no part of the data is small enough to walk through, and not empty", pagesWhole, pagesAgree, pageFill)
	}
	for _, subject := range s.subjects {
		bases := []question{subject.question.append(s.history())}
		if s.history() != nil {
			bases = append(bases, subject.question)
		}
		for _, base := range bases {
			for _, size := range s.walkSizes(subject.total) {
				s.wholeAtSize(base, size)
			}
		}
	}
	for _, base := range []question{s.history(), nil} {
		s.halves(base)
	}
}

// walkSizes are page sizes that make few pages of so many records: whole ones, and with a rest; 1 if there are few.
func (s *suite) walkSizes(total int64) []int64 {
	var sizes []int64
	for _, size := range []int64{1, 2, 3, (total + 10) / 11, (total + 4) / 5, total - 1, total, total + 1} {
		pages := (total + size - 1) / max(size, 1)
		if size > 0 && (s.maxSize == 0 || size <= s.maxSize) && pages <= maxWalk && !slices.Contains(sizes, size) {
			sizes = append(sizes, size)
		}
	}
	if len(sizes) > 4 {
		// The smallest makes the most pages; of the others, some.
		rest := sizes[1:]
		s.random.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		sizes = sizes[:4]
	}
	return sizes
}

// wholeAtSize holds the walk at a page size against the walk with the largest pages.
func (s *suite) wholeAtSize(base question, size int64) {
	s.settle(func(r *round) {
		want, got := r.wholeList(base), r.walk(base, size)
		if !want.whole || !got.whole {
			return // it grew, or another rule is broken
		}
		r.try(pagesAgree)
		switch {
		case got.total != want.total:
			r.show(pagesWhole, fmt.Sprintf("total_count is %d with pages of %d, and %d with pages of %d", got.total, got.size, want.total, want.size), got.answers[0], want.answers[0])
		case !slices.Equal(ids(got.records), ids(want.records)):
			i := differ(ids(got.records), ids(want.records))
			r.show(pagesAgree, fmt.Sprintf("from record %d on, the list differs from that with pages of %d", i, want.size), got.answers[min(i/int(got.size), len(got.answers)-1)], want.answers[0])
		}
		r.sameContent(pagesAgree, got, want)
		for i := 1; i < len(got.records); i++ {
			if !inOwnOrder(got.records[i-1], got.records[i]) {
				r.show(ownOrder, fmt.Sprintf("record %d is not older than the one before, on the pages put together", i), got.answers[0])
				break
			}
		}
		r.try(pagePastEnd)
		past := r.ask(base.with(sizeParameter, itoa(size), pageParameter, s.pageText(max(got.pages, 1), got.size)))
		s.wantEmpty(r, past, got.total)
	})
}

// wantEmpty wants a page past the end to have no records and the totals of the others.
func (s *suite) wantEmpty(r *round, a *answer, total int64) {
	switch {
	case a.status == 0:
	case a.list == nil:
		r.show(pagePastEnd, "a page past the end is answered with "+s.client.told(a), a)
	case len(a.list.records) > 0:
		r.show(pagePastEnd, fmt.Sprintf("a page past the end has %d records", len(a.list.records)), a)
	case a.list.total >= 0 && a.list.total != total:
		r.show(pagePastEnd, fmt.Sprintf("a page past the end has a total_count of %d, and the first one has %d", a.list.total, total), a)
	}
}

// differ is where two lists begin to differ.
func differ(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// pastEnd asks for the page after the last, and for the last that a number can name.
func (s *suite) pastEnd() {
	for _, base := range []question{s.history(), nil} {
		s.settle(func(r *round) {
			first := r.ask(base)
			if first.list == nil || first.list.total < 0 || first.list.size <= 0 {
				return
			}
			r.try(pagePastEnd)
			pages := (first.list.total + first.list.size - 1) / first.list.size
			if base == nil || pages > 1 {
				last := r.ask(base.with(pageParameter, s.pageText(max(pages-1, 0), first.list.size)))
				r.try(pageFill)
				if fault := s.fillFault(last); fault != "" {
					r.show(pageFill, fault, last)
				}
			}
			s.wantEmpty(r, r.ask(base.with(pageParameter, s.pageText(max(pages, 1), first.list.size))), first.list.total)
			s.wantEmpty(r, r.ask(base.with(pageParameter, biggestInt32)), first.list.total)
		})
	}
}

// clamp asks for more than the maximum: the answer is that of the maximum.
func (s *suite) clamp() {
	if s.doc.parameter(sizeParameter) == nil {
		return
	}
	if s.maxSize == 0 || itoa(s.maxSize) == biggestInt32 {
		a := s.expect(pageClamp, s.request(sizeParameter, biggestInt32), "the largest page_size", 200)
		if a.list != nil {
			s.notJudged("there is no maximum", pageClamp)
		}
		return
	}
	for _, size := range []string{itoa(s.maxSize + 1), "100000", biggestInt32} {
		if n, _ := strconv.ParseInt(size, 10, 64); n <= s.maxSize {
			continue
		}
		for _, base := range []question{nil, s.history()} {
			s.settle(func(r *round) {
				r.try(pageClamp)
				most, more := r.ask(base.with(sizeParameter, itoa(s.maxSize))), r.ask(base.with(sizeParameter, size))
				switch {
				case most.list == nil || more.status == 0:
				case more.list == nil:
					r.show(pageClamp, "a page_size above the maximum is answered with "+s.client.told(more), more)
				case more.list.size != s.maxSize:
					r.show(pageClamp, fmt.Sprintf("page_size is %d, and %d with another above the maximum", more.list.size, s.maxSize), more)
				case !slices.Equal(ids(more.list.records), ids(most.list.records)):
					r.show(pageClamp, fmt.Sprintf("the records are not those of the maximum, %d", s.maxSize), more, most)
				}
			})
		}
	}
}

// halves holds a page against the two pages of half its size, at the beginning, at the end and somewhere between: what
// can be done with a list of any length.
func (s *suite) halves(base question) {
	if s.paging != byPage || s.maxSize < 2 {
		return
	}
	start := s.ask(s.asks(base))
	if start.list == nil || start.list.total < 3 {
		return
	}
	size := min(s.maxSize, start.list.total) / 2 * 2
	pages := (start.list.total + size - 1) / size
	var tried []int64
	for _, i := range []int64{0, pages - 1, s.random.Int64N(pages)} {
		if slices.Contains(tried, i) {
			continue
		}
		tried = append(tried, i)
		s.settle(func(r *round) {
			page := func(i, size int64) *answer {
				return r.ask(base.with(sizeParameter, itoa(size), pageParameter, s.pageText(i, size)))
			}
			whole, one, two := page(i, size), page(2*i, size/2), page(2*i+1, size/2)
			if whole.list == nil || one.list == nil || two.list == nil {
				return
			}
			r.try(pagesAgree, pageFill)
			if !slices.Equal(ids(whole.list.records), append(ids(one.list.records), ids(two.list.records)...)) {
				r.show(pagesAgree, fmt.Sprintf("a page of %d is not the two pages of %d in its place", size, size/2), whole, one, two)
			}
			if fault := contentFault(slices.Concat(one.list.records, two.list.records), whole.list.records); fault != "" {
				r.show(pagesAgree, fault, whole, one, two)
			}
			for _, a := range []*answer{whole, one, two} {
				if fault := s.fillFault(a); fault != "" {
					r.show(pageFill, fault, a)
				}
			}
		})
	}
}
