package filters

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Pager has the links between the pages of a list.
type Pager struct {
	// First and Last are the numbers of the rows on this page, counted from 1.
	First, Last, Total int64
	Previous, Next     string
	What               string
}

// Pages returns the pager of a page with so many rows of a total. thing is the singular of the rows.
func (q *Request) Pages(paging deployments.Paging, rows int, total int64, thing string) Pager {
	return newPager(q.Page, rows, total, thing, func(page deployments.Page) string {
		return q.With(q.Path, "pagination.page", strconv.FormatInt(int64(paging.Number(page)), 10), columnPage, q.Values.Get(columnPage))
	})
}

// newPager returns the pager of a page with so many things of a total, with the links of to.
func newPager(page deployments.Page, things int, total int64, thing string, to func(deployments.Page) string) Pager {
	p := Pager{First: page.Offset() + 1, Last: page.Offset() + int64(things), Total: total, What: thing}
	if page.Number > 0 {
		previous := page
		previous.Number = min(previous.Number-1, int32(max(0, min(deployments.TotalPages(total, page.Size)-1, 1<<31-1))))
		p.Previous = to(previous)
	}
	if p.Last < total && things > 0 {
		next := page
		next.Number++
		p.Next = to(next)
	}
	return p
}

// Exports returns the paths of the exports of the view.
func (q *Request) Exports() (csv, ndjson, json string) {
	path := func(format string) string {
		return q.With("/records/"+format, "by", "", "pagination.page_size", "")
	}
	return path("csv"), path("ndjson"), path("json")
}

// Link returns a path with a query, without the parameters that are empty.
func Link(path string, values url.Values) string {
	kept := url.Values{}
	for name, list := range values {
		for _, value := range list {
			if value != "" {
				kept.Add(name, value)
			}
		}
	}
	if len(kept) == 0 {
		return path
	}
	return path + "?" + kept.Encode()
}

// Prefix returns a link that ends where a further parameter follows.
func Prefix(link string) string {
	if strings.Contains(link, "?") {
		return link + "&"
	}
	return link + "?"
}

// Query returns the values of pairs of a name and a value.
func Query(pairs ...string) url.Values {
	values := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		values.Set(pair[0], pair[len(pair)-1])
	}
	return values
}
