package deployments

import "math"

// History chooses the set of records that a Query is about (L1).
type History uint8

const (
	// Latest is the latest record of each slot.
	Latest History = iota
	// All is every record.
	All
)

// Scope is what the caller may see. It is part of every question, and never part of the filters, so that no
// filter can widen it.
type Scope struct {
	// Organization is the tenant's key; records of others do not exist for the caller.
	Organization string
	// Project, if not empty, hides the records whose artifact belongs to no version of that project (T5).
	Project string
}

// Query is a question for records. Of the filters, an empty string, AnyStatus and AnyKind are as if absent (L3);
// the others match exactly and all of them must (L2).
type Query struct {
	History History

	EnvironmentName        string
	LogicalEnvironmentName string
	DeploymentName         string
	ProjectName            string
	// ProjectVersionName narrows ProjectName and means nothing without it (L4).
	ProjectVersionName string
	ArtifactDigest     string
	ArtifactKind       Kind
	Status             Status

	Page Page
}

// Page is a slice of the ordered records.
type Page struct {
	// Number counts from 0.
	Number int32
	// Size is at least 1.
	Size int32
}

// Offset is how many records come before the page. It cannot overflow: both factors are 31-bit numbers.
func (p Page) Offset() int64 {
	return int64(p.Number) * int64(p.Size)
}

// Result answers a Query: the records of its page, newest first, and how many records match in all.
type Result struct {
	Records []Record
	Total   int64
}

// Paging is how a server reads and answers page numbers and sizes (L7, L8).
type Paging struct {
	// FirstPage is the number of the first page, 0 or 1.
	FirstPage int32
	// DefaultSize is the size of a page for which none is asked, 1 to MaxSize.
	DefaultSize int32
	// MaxSize is what a greater size is cut to.
	MaxSize int32
}

// DefaultPaging is what upstream's clients expect.
func DefaultPaging() Paging {
	return Paging{FirstPage: 0, DefaultSize: 100, MaxSize: 100}
}

// Page reads the page that was asked for; absent values are 0. Both must not be negative: the caller has judged
// the request.
func (p Paging) Page(number, size int32) Page {
	if size == 0 {
		size = p.DefaultSize
	}
	return Page{Number: max(number-p.FirstPage, 0), Size: min(size, p.MaxSize)}
}

// Number is the reverse of Page: the number under which the caller knows the page.
func (p Paging) Number(page Page) int32 {
	return page.Number + p.FirstPage
}

// TotalPages is the number of pages that hold total records, 0 when there are none (L7).
func TotalPages(total int64, size int32) int64 {
	return (total + int64(size) - 1) / int64(size)
}

// Int32 is n for the contract's 32-bit numbers, or the greatest of those: beyond two billion records a count
// cannot be told exactly, and must not come out negative.
func Int32(n int64) int32 {
	return int32(min(n, math.MaxInt32))
}
