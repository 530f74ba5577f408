package specupdate

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// lineWidth is the width of wrapped texts, in characters, including their indentation.
	lineWidth = 100
	// maxCells limits the table of diffWords: beyond it, a text is shown as replaced from the first difference to the last.
	maxCells = 4 << 20
)

// diffWords marks the words that differ between two texts, as git diff --word-diff does: [-removed-] and {+added+}. A text
// that was added or removed as a whole has no marks.
func diffWords(before, after string) string {
	a, b := strings.Fields(before), strings.Fields(after)
	if len(a) == 0 || len(b) == 0 {
		return strings.Join(append(a, b...), " ")
	}
	start := 0
	for start < min(len(a), len(b)) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < min(len(a), len(b))-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	common := a[len(a)-end:]
	words := slices.Concat(a[:start], diffMiddle(a[start:len(a)-end], b[start:len(b)-end]), common)
	return strings.Join(words, " ")
}

// diffMiddle marks the words outside the longest common subsequence.
func diffMiddle(a, b []string) (words []string) {
	longest := make([][]int, len(a)+1) // of a[i:] and b[j:]
	if len(a)*len(b) <= maxCells {
		for i := range longest {
			longest[i] = make([]int, len(b)+1)
		}
		for i, word := range slices.Backward(a) {
			for j, other := range slices.Backward(b) {
				if word == other {
					longest[i][j] = longest[i+1][j+1] + 1
				} else {
					longest[i][j] = max(longest[i+1][j], longest[i][j+1])
				}
			}
		}
	}
	var removed, added []string
	flush := func() {
		if len(removed) > 0 {
			words = append(words, "[-"+strings.Join(removed, " ")+"-]")
		}
		if len(added) > 0 {
			words = append(words, "{+"+strings.Join(added, " ")+"+}")
		}
		removed, added = nil, nil
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) && longest[0] != nil {
		switch {
		case a[i] == b[j]:
			flush()
			words = append(words, a[i])
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			removed, i = append(removed, a[i]), i+1
		default:
			added, j = append(added, b[j]), j+1
		}
	}
	removed, added = append(removed, a[i:]...), append(added, b[j:]...)
	flush()
	return words
}

// wrap breaks a text into lines of at most lineWidth characters, each with the indentation. A longer word is a line of its
// own.
func wrap(text, indentation string) string {
	var lines []string
	line := indentation
	for word := range strings.FieldsSeq(text) {
		if line != indentation {
			if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= lineWidth {
				line += " " + word
				continue
			}
			lines = append(lines, line)
		}
		line = indentation + word
	}
	return strings.Join(append(lines, line), "\n")
}
