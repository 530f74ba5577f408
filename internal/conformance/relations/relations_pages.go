package relations

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

const noSmallPart = "no part of the data is small enough to walk through, and not empty"

// checkPages compares the same list at different page sizes.
func (s *Suite) checkPages() {
	s.checkClamp()
	if !s.hasPages() {
		s.notJudged("the document has no pages", report.PagesWhole, report.PagesAgree, report.PageFill, report.PagePastEnd)
		return
	}
	s.checkPastEnd()
	if len(s.parts) == 0 {
		s.notJudged(noSmallPart, report.PagesWhole, report.PagesAgree, report.PageFill)
	}
	for _, part := range s.parts {
		bases := []client.Query{part.Append(s.history())}
		if s.history() != nil {
			bases = append(bases, part.Query)
		}
		for _, base := range bases {
			if s.err == nil {
				for _, size := range s.walkSizes(part.total) {
					s.checkPageSize(base, size)
				}
			}
		}
	}
	for _, base := range []client.Query{s.history(), nil} {
		s.checkHalvedPages(base)
	}
}

// walkSizes returns page sizes that divide the records into few pages, with and without a remainder.
func (s *Suite) walkSizes(total int64) []int64 {
	var sizes []int64
	for _, size := range []int64{s.minSize(), 2, 3, (total + 10) / 11, (total + 4) / 5, total - 1, total, total + 1} {
		pages := (total + size - 1) / max(size, 1)
		if size <= 0 || s.maxSize > 0 && size > s.maxSize || pages > client.MaxWalk || slices.Contains(sizes, size) {
			continue
		}
		lastPage := client.Query(nil).With(s.doc.Layout.SizeParameter, itoa(size), s.doc.Layout.PageParameter, s.pageText(pages-1, size))
		if s.allowsPages(lastPage) {
			sizes = append(sizes, size)
		}
	}
	if len(sizes) > 4 {
		// The smallest size makes the most pages; the others are chosen at random.
		rest := sizes[1:]
		s.random.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		sizes = sizes[:4]
	}
	return sizes
}

// checkPageSize compares the walk with one page size with the walk with the largest pages.
func (s *Suite) checkPageSize(base client.Query, size int64) {
	s.requireStable(func(r *round) {
		want, got := r.wholeList(base), r.walk(base, size)
		if !want.Complete || !got.Complete {
			return // the list grew, or another rule is broken
		}
		r.Try(report.PagesAgree)
		ids, wantIDs := client.IDs(got.Records), client.IDs(want.Records)
		switch {
		case got.Total != want.Total:
			r.fail(report.PagesWhole, fmt.Sprintf("total_count is %d with pages of %d, and %d with pages of %d", got.Total, got.Size, want.Total, want.Size), got.Answers[0], want.Answers[0])
		case !slices.Equal(ids, wantIDs):
			i := client.FirstDifference(ids, wantIDs)
			r.fail(report.PagesAgree, fmt.Sprintf("from record %d on, the list differs from that with pages of %d", i, want.Size), got.Answers[min(i/int(got.Size), len(got.Answers)-1)], want.Answers[0])
		}
		r.requireSameContent(report.PagesAgree, got, want)
		for i := 1; i < len(got.Records); i++ {
			if !spec.InOrder(got.Records[i-1], got.Records[i]) {
				r.fail(report.OwnOrder, fmt.Sprintf("record %d is not older than the one before, on the pages put together", i), got.Answers[0])
				break
			}
		}
		r.requireEmptyPage(base.With(s.doc.Layout.SizeParameter, itoa(size), s.doc.Layout.PageParameter, s.pageText(max(got.Pages, 1), got.Size)), got.Total)
	})
}

// requireEmptyPage requires a page past the end to have no records and the totals of the list.
func (r *round) requireEmptyPage(q client.Query, total int64) {
	a := r.get(q)
	if a.Status == 0 {
		return
	}
	r.Try(report.PagePastEnd)
	switch {
	case a.List == nil:
		r.fail(report.PagePastEnd, "a page past the end is answered with "+r.suite.client.Summary(a), a)
	case len(a.List.Records) > 0:
		r.fail(report.PagePastEnd, fmt.Sprintf("a page past the end has %d records", len(a.List.Records)), a)
	case a.List.Total >= 0 && a.List.Total != total:
		r.fail(report.PagePastEnd, fmt.Sprintf("a page past the end has a total_count of %d, and the first one has %d", a.List.Total, total), a)
	}
}

// checkPastEnd requests the page after the last one, and the largest page number.
func (s *Suite) checkPastEnd() {
	for _, base := range []client.Query{s.history(), nil} {
		s.requireStable(func(r *round) {
			first := r.get(base)
			if first.List == nil || first.List.Total < 0 || first.List.Size <= 0 {
				return
			}
			total, size := first.List.Total, first.List.Size
			pages := (total + size - 1) / size
			if base == nil || pages > 1 {
				r.checkFill(r.get(base.With(s.doc.Layout.PageParameter, s.pageText(max(pages-1, 0), size))))
			}
			r.requireEmptyPage(base.With(s.doc.Layout.PageParameter, s.pageText(max(pages, 1), size)), total)
			r.requireEmptyPage(base.With(s.doc.Layout.PageParameter, biggestInt32), total)
		})
	}
}

// checkClamp requires page sizes above the maximum to return the answer of the maximum.
func (s *Suite) checkClamp() {
	size := s.doc.Parameter(s.doc.Layout.SizeParameter)
	if size == nil {
		return
	}
	if s.doc.Mapped || size.Schema.Max != nil {
		s.notJudged("the document has a maximum, or does not describe a larger size", report.PageClamp)
		return
	}
	if s.maxSize == 0 || itoa(s.maxSize) == biggestInt32 {
		if a := s.expect(report.PageClamp, s.Request(s.doc.Layout.SizeParameter, biggestInt32), "the largest page_size", 200); a.List != nil {
			s.notJudged("there is no maximum", report.PageClamp)
		}
		return
	}
	for _, size := range []string{itoa(s.maxSize + 1), "100000", biggestInt32} {
		if n, _ := strconv.ParseInt(size, 10, 64); n <= s.maxSize {
			continue
		}
		for _, base := range []client.Query{nil, s.history()} {
			s.requireStable(func(r *round) {
				r.Try(report.PageClamp)
				maximum, more := r.get(base.With(s.doc.Layout.SizeParameter, itoa(s.maxSize))), r.get(base.With(s.doc.Layout.SizeParameter, size))
				switch {
				case maximum.List == nil || more.Status == 0:
				case more.List == nil:
					r.fail(report.PageClamp, "a page_size above the maximum is answered with "+s.client.Summary(more), more)
				case more.List.Size != s.maxSize:
					r.fail(report.PageClamp, fmt.Sprintf("page_size is %d, and %d with another above the maximum", more.List.Size, s.maxSize), more)
				case !slices.Equal(client.IDs(more.List.Records), client.IDs(maximum.List.Records)):
					r.fail(report.PageClamp, fmt.Sprintf("the records are not those of the maximum, %d", s.maxSize), more, maximum)
				}
			})
		}
	}
}

// checkHalvedPages compares a page with the two pages of half its size, at the beginning, at the end and between. This works
// for lists of any length.
func (s *Suite) checkHalvedPages(base client.Query) {
	if s.paging != byPage || s.maxSize < 2 {
		return
	}
	start := s.get(base)
	if start.List == nil || start.List.Total < 3 {
		return
	}
	size := min(s.maxSize, start.List.Total) / 2 * 2
	pages := (start.List.Total + size - 1) / size
	var tried []int64
	for _, i := range []int64{0, pages - 1, s.random.Int64N(pages)} {
		if slices.Contains(tried, i) {
			continue
		}
		tried = append(tried, i)
		s.requireStable(func(r *round) {
			page := func(i, size int64) *client.Answer {
				return r.get(base.With(s.doc.Layout.SizeParameter, itoa(size), s.doc.Layout.PageParameter, s.pageText(i, size)))
			}
			whole, one, two := page(i, size), page(2*i, size/2), page(2*i+1, size/2)
			if whole.List == nil || one.List == nil || two.List == nil {
				return
			}
			r.Try(report.PagesAgree)
			halves := slices.Concat(one.List.Records, two.List.Records)
			if !slices.Equal(client.IDs(whole.List.Records), client.IDs(halves)) {
				r.fail(report.PagesAgree, fmt.Sprintf("a page of %d is not the two pages of %d in its place", size, size/2), whole, one, two)
			}
			if wrong := contentDifference(halves, whole.List.Records); wrong != "" {
				r.fail(report.PagesAgree, wrong, whole, one, two)
			}
			for _, a := range []*client.Answer{whole, one, two} {
				r.checkFill(a)
			}
		})
	}
}

// minSize returns the smallest page size that the document allows.
func (s *Suite) minSize() int64 {
	p := s.doc.Parameter(s.doc.Layout.SizeParameter)
	if p == nil || p.Schema.Min == nil {
		return 1
	}
	return max(int64(math.Ceil(*p.Schema.Min)), 1)
}

// allowsPages reports whether the document allows the page and the size of a query. A parameter that it does not have is none.
func (s *Suite) allowsPages(q client.Query) bool {
	for _, name := range []string{s.doc.Layout.PageParameter, s.doc.Layout.SizeParameter} {
		text, given := q.Get(name)
		if p := s.doc.Parameter(name); given && p != nil && !p.Accepts(text) {
			return false
		}
	}
	return true
}
