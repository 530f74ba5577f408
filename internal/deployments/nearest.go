package deployments

import "strings"

// Nearest returns the known name that differs least from a name, or "" if each one differs in more than half of the name.
func Nearest(name string, known []string) (nearest string) {
	least := len(letters(name))/2 + 1
	for _, candidate := range known {
		if d := nameDistance(name, candidate); d < least {
			nearest, least = candidate, d
		}
	}
	return nearest
}

// maxCompared is the number of bytes of a name that are compared. It bounds the time for a long name.
const maxCompared = 64

// nameDistance returns how much a name differs from a known one. Case and separators do not count, as in pageSize, and a
// part of the known name, as page or kind, is nearer than every other name.
func nameDistance(name, known string) int {
	name, known = letters(name[:min(len(name), maxCompared)]), letters(known)
	distance := editDistance(name, known)
	if name != "" && strings.Contains(known, name) {
		return distance - maxCompared
	}
	return distance
}

// letters returns a name in lower case without separators.
func letters(name string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "_", "", "-", "").Replace(name))
}

// editDistance returns the number of bytes to insert, delete or replace to turn a into b (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
