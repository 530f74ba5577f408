// Package variant changes a server into one that reads upstream's document in another legal way. The document leaves points
// open that docs/semantics.md decides; a client that works with every variant does not depend on these decisions.
//
// A variant is a change of the server's settings, of what its store answers to a list, or of requests and responses. No other
// package knows variants.
package variant

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
)

// Variant is a legal reading of the document.
type Variant struct {
	Name string
	// Effect completes "the server ...".
	Effect string
	// Rule is the rule of conform that the variant differs from. It is "" for settings of this server, which differ from none.
	Rule string
}

// The names of the variants.
const (
	oneBased           = "one-based"
	filterBeforeLatest = "filter-before-latest"
	otherOrder         = "other-order"
	unknownName404     = "unknown-name-404"
	oneEmptyPage       = "one-empty-page"
	omitEmpty          = "omit-empty"
	offsetTimes        = "offset-times"
	charset            = "charset"
	unknownParameter   = "unknown-parameter-400"
	lenientSpelling    = "lenient-spelling"
)

// All has every variant.
var All = []Variant{
	{oneBased, "numbers pages from 1, as --first-page 1 does", ""},
	{filterBeforeLatest, "finds the latest of the records that match, instead of the latest records that match", "own.filter-after-latest"},
	{otherOrder, "lists the oldest record first", "own.order"},
	{unknownName404, "answers 404 to a filter by a name that no record has", "own.unknown-name"},
	{oneEmptyPage, "reports total_pages 1 for an empty list", "own.no-pages"},
	{omitEmpty, "omits empty texts, zeros and the empty list from lists", "own.fields"},
	{offsetTimes, "writes the times of lists with an offset, such as +02:00", "own.times"},
	{charset, "adds charset=utf-8 to the Content-Type", "own.content-type"},
	{unknownParameter, "answers 400 to a parameter that the document does not name, as --unknown-parameters=reject does", ""},
	{lenientSpelling, "accepts other spellings of numbers, booleans and enums, such as True, +1 and 007", "own.spelling"},
}

// Names returns the names of all variants.
func Names() []string {
	names := make([]string, len(All))
	for i, v := range All {
		names[i] = v.Name
	}
	return names
}

// Set is a combination of variants, by name. The nil Set has none.
type Set map[string]bool

// Parse returns the variants with these names. An error reports the unknown name, the nearest known one and all names.
func Parse(names []string) (Set, error) {
	s := make(Set, len(names))
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			nearest := ""
			if near := deployments.Nearest(name, Names()); near != "" {
				nearest = "; the nearest is " + near
			}
			return nil, fmt.Errorf("%q is not a variant%s; the variants are %s", name, nearest, strings.Join(Names(), ", "))
		}
		s[name] = true
	}
	return s, nil
}

// New returns the handler of a server that differs by the variants of the set.
func (s Set) New(o httpserver.Options) (http.Handler, error) {
	if s[oneBased] {
		o.Paging.FirstPage = 1
	}
	o.RejectUnknownParameters = o.RejectUnknownParameters || s[unknownParameter]
	if s[filterBeforeLatest] || s[otherOrder] || s[unknownName404] {
		o.Store = &lister{o.Store, s}
	}
	h, err := httpserver.New(o)
	if err != nil {
		return nil, err
	}
	return s.rewriteRequests(s.rewriteResponses(h)), nil
}

// listPath is the path of the list in upstream's document.
const listPath = "/v1/deployments"

const jsonMediaType = "application/json"

func isList(r *http.Request) bool { return r.Method == http.MethodGet && r.URL.Path == listPath }
