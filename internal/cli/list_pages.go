package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"github.com/deployrecords/deployrecords/generated/client"
)

// recordPage is one response to a listing. Its records are as the server sent them.
type recordPage struct {
	body       []byte
	records    []json.RawMessage
	pagination client.OffsetPagination
}

// lister reads one page, or all of them.
type lister struct {
	api    *apiClient
	client *client.Client
	params client.ListDeploymentRecordsParams
	all    bool
}

func newLister(api *apiClient, params client.ListDeploymentRecordsParams, all bool) (*lister, error) {
	c, err := client.NewClient(api.base, client.WithHTTPClient(api.http), client.WithRequestEditorFn(api.authorize))
	return &lister{api: api, client: c, params: params, all: all}, err
}

// pages yields each page until the last one or an error.
//
// The first response gives the number of the first page, since servers count from 0 or from 1. The latest response gives
// the number of pages, since records may appear and disappear meanwhile. New records move others to the next page, so
// pages leaves out records that were on the page before.
func (l *lister) pages(ctx context.Context) iter.Seq2[recordPage, error] {
	return func(yield func(recordPage, error) bool) {
		page, err := l.page(ctx)
		if !yield(page, err) || err != nil || !l.all {
			return
		}
		number := page.pagination.Page
		previous, total := ids(page.records), page.pagination.TotalCount
		for done := int32(1); done < page.pagination.TotalPages; done++ {
			number++
			l.params.Page = &number
			if page, err = l.page(ctx); err != nil {
				yield(recordPage{}, err)
				return
			}
			current := ids(page.records)
			page.records = slices.DeleteFunc(page.records, func(record json.RawMessage) bool { return previous[id(record)] })
			// A server that numbers pages in another way must not produce a list that looks complete.
			if len(page.records) == 0 && page.pagination.TotalCount == total && done < page.pagination.TotalPages {
				yield(recordPage{}, fmt.Errorf("%s has no new records on page %d, the %dth of its %d pages",
					l.api.base, number, done+1, page.pagination.TotalPages))
				return
			}
			previous, total = current, page.pagination.TotalCount
			if !yield(page, nil) {
				return
			}
		}
	}
}

func (l *lister) page(ctx context.Context) (recordPage, error) {
	body, err := l.api.Do(ctx, func(ctx context.Context) (*http.Response, error) {
		return l.client.ListDeploymentRecords(ctx, &l.params)
	})
	if err != nil {
		return recordPage{}, err
	}
	page, err := parsePage(body)
	if err != nil {
		return recordPage{}, fmt.Errorf("%s %w", l.api.base, err)
	}
	return page, nil
}

// id returns the record's id, or the whole record if it has none.
func id(record json.RawMessage) string {
	var r struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(record, &r)
	return cmp.Or(r.ID, string(record))
}

func ids(records []json.RawMessage) map[string]bool {
	set := make(map[string]bool, len(records))
	for _, record := range records {
		set[id(record)] = true
	}
	return set
}
