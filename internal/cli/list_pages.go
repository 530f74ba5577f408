package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"

	"github.com/deployrecords/deployrecords/generated/client"
)

// recordPage is an answer to the list. The records are as the server sent them.
type recordPage struct {
	body       []byte
	records    []json.RawMessage
	pagination client.OffsetPagination
}

// walk asks for one page, or for all of them.
type walk struct {
	caller *caller
	client *client.Client
	params client.ListDeploymentRecordsParams
	all    bool
}

func newWalk(caller *caller, params client.ListDeploymentRecordsParams, all bool) (*walk, error) {
	c, err := client.NewClient(caller.base, client.WithHTTPClient(caller.http), client.WithRequestEditorFn(caller.authorize))
	return &walk{caller: caller, client: c, params: params, all: all}, err
}

// pages gives one page after the other, until the last or an error, and keeps none of them.
//
// The number of the first page is what the first answer says: servers count from 0 or from 1. How many pages there are
// is what the latest answer says, since records may come and go meanwhile. New ones push others to the next page, where
// they would be met again: a record that was on the page before is left out.
func (w *walk) pages(ctx context.Context) iter.Seq2[recordPage, error] {
	return func(yield func(recordPage, error) bool) {
		page, err := w.page(ctx)
		if !yield(page, err) || err != nil || !w.all {
			return
		}
		next := page.pagination.Page
		before, count := ids(page.records), page.pagination.TotalCount
		for walked := int32(1); walked < page.pagination.TotalPages; walked++ {
			next++
			w.params.Page = &next
			if page, err = w.page(ctx); err != nil {
				yield(recordPage{}, err)
				return
			}
			came := ids(page.records)
			fresh := page.records[:0]
			for _, record := range page.records {
				if _, again := before[idOf(record)]; !again {
					fresh = append(fresh, record)
				}
			}
			// Without this, a server that counts pages in another way would give a list that looks complete.
			if len(fresh) == 0 && page.pagination.TotalCount == count && walked < page.pagination.TotalPages {
				yield(recordPage{}, fmt.Errorf("%s has nothing new on page %d, though it says that it has %d pages and this is number %d",
					w.caller.base, next, page.pagination.TotalPages, walked+1))
				return
			}
			before, count = came, page.pagination.TotalCount
			page.records = fresh
			if !yield(page, nil) {
				return
			}
		}
	}
}

func (w *walk) page(ctx context.Context) (recordPage, error) {
	body, err := w.caller.ask(ctx, func(ctx context.Context) (*http.Response, error) {
		return w.client.ListDeploymentRecords(ctx, &w.params)
	})
	if err != nil {
		return recordPage{}, err
	}
	var list struct {
		Records    []json.RawMessage        `json:"deployment_records"`
		Pagination *client.OffsetPagination `json:"pagination"`
	}
	if err := json.Unmarshal(body, &list); err != nil || list.Pagination == nil {
		return recordPage{}, fmt.Errorf("%s answered 200, but %w", w.caller.base, errNotAList)
	}
	return recordPage{body: body, records: list.Records, pagination: *list.Pagination}, nil
}

func idOf(record json.RawMessage) string {
	var r struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(record, &r) // no id is none that was met before
	if r.ID == "" {
		return string(record)
	}
	return r.ID
}

func ids(records []json.RawMessage) map[string]struct{} {
	set := make(map[string]struct{}, len(records))
	for _, record := range records {
		set[idOf(record)] = struct{}{}
	}
	return set
}
