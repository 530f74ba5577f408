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

// sortByStage sorts names by stage, and those of one stage by name. Unknown ones are last.
func sortByStage(names []string) {
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(stageOf(a), stageOf(b)), cmp.Compare(a, b)) })
}
