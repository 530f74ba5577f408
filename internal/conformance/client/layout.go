package client

// Layout describes where the list of an API has its parts. Paths lead through the objects of a body.
type Layout struct {
	// Records is the path of the list in a body, or empty if the body is the list. ID is the path of its id in a record.
	Records, ID []string
	// Page, Size, Total and Pages are the paths of numbers in a body. Those but Total are nil if bodies lack them.
	Page, Size, Total, Pages []string
	// PageParameter and SizeParameter are the parameters of the page and its size.
	PageParameter, SizeParameter string
}

// Deployments is the layout of the list of deployment records.
var Deployments = Layout{
	Records: []string{RecordsField}, ID: []string{"id"},
	Page:  []string{PaginationField, "page"},
	Size:  []string{PaginationField, "page_size"},
	Total: []string{PaginationField, "total_count"},
	Pages: []string{PaginationField, "total_pages"},

	PageParameter: "pagination.page", SizeParameter: "pagination.page_size",
}

// ReadList returns the list in a body, or nil.
func (l *Layout) ReadList(v *Value) *List {
	if v == nil {
		return nil
	}
	records := v
	if len(l.Records) > 0 {
		records = v.Get(l.Records...)
	}
	// A server may omit an empty list.
	if records == nil && v.Get(l.Total[:1]...) == nil || records != nil && len(l.Records) == 0 && records.Kind != '[' {
		return nil
	}
	list := &List{Records: records.items(), Page: -1, Size: -1, Total: -1, Pages: -1}
	for _, record := range list.Records {
		record.id = idText(record.Get(l.ID...))
	}
	for _, number := range []struct {
		path []string
		n    *int64
	}{{l.Page, &list.Page}, {l.Size, &list.Size}, {l.Total, &list.Total}, {l.Pages, &list.Pages}} {
		if n, ok := v.Integer(number.path...); ok && number.path != nil {
			*number.n = n
		}
	}
	return list
}

// idText returns an id that is a text or a number.
func idText(v *Value) string {
	if v == nil || v.Kind != '"' && v.Kind != '0' {
		return ""
	}
	return v.Content
}

// ID returns the id of a record, or "". In a list, the layout gives its path.
func (v *Value) ID() string {
	if v != nil && v.id != "" {
		return v.id
	}
	return v.Text("id")
}
