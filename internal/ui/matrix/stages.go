package matrix

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// stage is the position of a logical environment on the way to production.
type stage int

const (
	development stage = iota
	test
	staging
	production
	unknown
)

// stages has the words by which a logical environment is recognized.
var stages = map[string]stage{
	"dev": development, "develop": development, "development": development, "sandbox": development, "preview": development, "review": development,
	"test": test, "tests": test, "testing": test, "qa": test, "ci": test, "int": test, "integration": test,
	"stage": staging, "staging": staging, "stg": staging, "uat": staging, "acceptance": staging, "preprod": staging, "preproduction": staging,
	"prod": production, "production": production, "prd": production, "live": production,
}

// stageOf returns the stage that the first known word of a name stands for. "pre-prod" is staging.
func stageOf(name string) stage {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
	for i, word := range words {
		if s, ok := stages[word]; ok {
			if s == production && i > 0 && words[i-1] == "pre" {
				return staging
			}
			return s
		}
	}
	return unknown
}

// Order is the order of logical environments. The zero Order has no list.
type Order struct {
	listed map[string]int // positions
}

// NewOrder returns an order that begins with a list of names. Other names follow by the words in them, and unknown ones are last.
func NewOrder(names []string) Order {
	o := Order{listed: make(map[string]int, len(names))}
	for i, name := range names {
		o.listed[name] = i
	}
	return o
}

// place is the position of a logical environment in an Order.
type place struct {
	group placeGroup
	rank  int
}

type placeGroup int

const (
	inList placeGroup = iota
	byWords
	last
)

// place returns the position of a name.
func (o Order) place(name string) place {
	if position, ok := o.listed[name]; ok {
		return place{inList, position}
	}
	if s := stageOf(name); s != unknown {
		return place{byWords, int(s)}
	}
	return place{group: last}
}

// follows reports whether a place is known to come after another one, which stands before it. The list has no place for names by words.
func (p place) follows(earlier place) bool { return p.group != last && p.group == earlier.group }

// sort returns names in their order, and those of one place by name.
func (o Order) sort(names []string) []string {
	return slices.SortedFunc(slices.Values(names), func(a, b string) int {
		p, q := o.place(a), o.place(b)
		return cmp.Or(cmp.Compare(p.group, q.group), cmp.Compare(p.rank, q.rank), cmp.Compare(a, b))
	})
}
