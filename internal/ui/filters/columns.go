package filters

import (
	"strconv"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// columnPage is the parameter with the page of columns, counted from 1.
const columnPage = "column_page"

// ColumnPage returns the page of columns of the query. It adds a violation if the number is none.
func (q *Request) ColumnPage(size int32) deployments.Page {
	page := deployments.Page{Size: size}
	text := q.Values.Get(columnPage)
	if text == "" {
		return page
	}
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil || number < 1 {
		q.Violations, q.Invalid = append(q.Violations, columnPage+": "+deployments.Quote(text)+" is not a number from 1 to 2147483647"), true
		return page
	}
	page.Number = int32(number - 1)
	return page
}

// ColumnPages returns the pager of a page with so many columns of a total. thing is the singular of the columns.
func (q *Request) ColumnPages(page deployments.Page, columns int, total int64, thing string) Pager {
	return newPager(page, columns, total, thing, func(page deployments.Page) string {
		return q.With(q.Path, "pagination.page", q.Values.Get("pagination.page"), columnPage, strconv.FormatInt(int64(page.Number)+1, 10))
	})
}
