package deployments

import "math"

// History selects the set of records that a Query reads (L1).
type History uint8

const (
	// Latest selects the latest record of each slot.
	Latest History = iota
	// All selects every record.
	All
)

// Scope limits what the caller may see. It is never part of the filters, so that no filter can widen it.
type Scope struct {
	// Organization is the tenant's key. Records of other organizations do not exist for the caller.
	Organization string
	// Project, if not empty, hides every record whose artifact belongs to no version of that project (T5).
	Project string
}

// Query selects records. An empty string, AnyStatus and AnyKind are absent filters (L3). A record must match every other
// filter exactly (L2).
type Query struct {
	History History

	EnvironmentName        string
	LogicalEnvironmentName string
	DeploymentName         string
	ProjectName            string
	// ProjectVersionName narrows ProjectName and has no effect without it (L4).
	ProjectVersionName string
	ArtifactDigest     string
	ArtifactKind       Kind
	Status             Status

	Page Page
}

// Page is a range of the ordered records.
type Page struct {
	// Number counts from 0.
	Number int32
	// Size is at least 1.
	Size int32
}

// Offset returns the number of records before the page. It cannot overflow: both factors are 31-bit numbers.
func (p Page) Offset() int64 {
	return int64(p.Number) * int64(p.Size)
}

// Result has the records of a Query's page, newest first, and the number of all records that match.
type Result struct {
	Records []Record
	Total   int64
}

// Paging defines how a server numbers and sizes pages (L7, L8).
type Paging struct {
	// FirstPage is the number of the first page, 0 or 1.
	FirstPage int32
	// DefaultSize is the page size of a request without one, 1 to MaxSize.
	DefaultSize int32
	// MaxSize caps the page size.
	MaxSize int32
}

// DefaultPaging returns the paging that upstream's clients expect.
func DefaultPaging() Paging {
	return Paging{FirstPage: 0, DefaultSize: 100, MaxSize: 100}
}

// Page returns the requested page; absent values are 0. The caller has validated that neither is negative.
func (p Paging) Page(number, size int32) Page {
	if size == 0 {
		size = p.DefaultSize
	}
	return Page{Number: max(number-p.FirstPage, 0), Size: min(size, p.MaxSize)}
}

// Number is the inverse of Page: it returns the number by which the client knows the page.
func (p Paging) Number(page Page) int32 {
	return page.Number + p.FirstPage
}

// TotalPages returns the number of pages that total records fill, 0 if there are none (L7).
func TotalPages(total int64, size int32) int64 {
	return (total + int64(size) - 1) / int64(size)
}

// Int32 converts n to the contract's 32-bit numbers and caps it there: a count beyond two billion must not wrap around to
// a negative number.
func Int32(n int64) int32 {
	return int32(min(n, math.MaxInt32))
}
