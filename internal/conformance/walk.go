package conformance

import (
	"fmt"
)

// maxWalk is how many pages a walk has at most.
const maxWalk = 12

// walked is a list that was walked through, page by page.
type walked struct {
	answers []*answer
	records []*value
	// whole says that the walk came to the end and every page could be read.
	whole bool
	total int64
	pages int64
	size  int64
}

// walk asks for every page of a question; size 0 leaves the size to the server. Whatever law it is for, the list's own
// totals are held against what comes.
func (r *round) walk(q question, size int64) *walked {
	w := &walked{}
	if size > 0 {
		q = q.with(sizeParameter, itoa(size))
	}
	for i := int64(0); i < maxWalk; i++ {
		page := q
		if i > 0 {
			page = q.with(pageParameter, r.s.pageText(i, w.size))
		}
		a := r.ask(page)
		w.answers = append(w.answers, a)
		r.try(requestValid)
		if a.list == nil && a.status != 0 {
			r.show(requestValid, "a request that fits the document is answered with "+r.s.client.told(a), a)
		}
		if a.list == nil || a.list.total < 0 {
			return w
		}
		if i == 0 {
			w.total, w.size = a.list.total, a.list.size
			if w.size <= 0 {
				w.size = max(size, int64(len(a.list.records)), 1)
			}
			w.pages = (w.total + w.size - 1) / w.size
		}
		w.records = append(w.records, a.list.records...)
		if i+1 >= w.pages {
			w.whole = true
			r.holdTotals(w)
			return w
		}
		if r.s.doc.parameter(pageParameter) == nil {
			return w
		}
	}
	return w
}

// wholeList walks with the largest pages.
func (r *round) wholeList(q question) *walked { return r.walk(q, r.s.maxSize) }

// holdTotals holds what the pages of a walk say of the list against the pages put together.
func (r *round) holdTotals(w *walked) {
	first, last := w.answers[0], w.answers[len(w.answers)-1]
	r.try(pagesWhole)
	on := make(map[string]*answer)
	for _, a := range w.answers {
		if a.list.total != w.total {
			r.show(pagesWhole, fmt.Sprintf("total_count is %d on one page and %d on another", w.total, a.list.total), first, a)
		}
		for _, id := range ids(a.list.records) {
			if other := on[id]; other != nil && other != a && id != "" {
				r.show(pagesWhole, "the record "+id+" is on two pages", other, a)
			}
			on[id] = a
		}
		r.try(pageFill)
		if fault := r.s.fillFault(a); fault != "" {
			r.show(pageFill, fault, a)
		}
	}
	if n := int64(len(w.records)); n != w.total {
		r.show(pagesWhole, fmt.Sprintf("%d pages have %d records together, and total_count is %d", len(w.answers), n, w.total), first, last)
	}
}
