package specupdate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// change is one entry of oasdiff's changelog.
type change struct {
	ID        string
	Text      string
	Level     int // 3 breaks clients, 2 may, 1 does not
	Operation string
	Path      string
	Base      source `json:"baseSource"`
	Revision  source `json:"revisionSource"`
}

type source struct{ Line int }

func (c change) String() string {
	where := ""
	switch {
	case c.Revision.Line > 0:
		where = fmt.Sprintf("line %d: ", c.Revision.Line)
	case c.Base.Line > 0:
		where = fmt.Sprintf("old line %d: ", c.Base.Line)
	}
	if c.Operation != "" {
		where += c.Operation + " " + c.Path + ": "
	}
	return where + c.Text
}

// changelog is what differs between two documents, sorted.
type changelog struct {
	// breaking is what a client of the old document may trip over; additive is what is new; cosmetic is names that
	// nobody sends, and wording.
	breaking, additive, cosmetic []change
	// wording and places are every place that differs: the former in what is for people, the latter in what is not.
	// oasdiff passes over some of them.
	wording, places []place
}

func (l *changelog) empty() bool {
	return len(l.breaking)+len(l.additive)+len(l.cosmetic)+len(l.wording)+len(l.places) == 0
}

var (
	cosmeticIDs = regexp.MustCompile(`operation-id|^api-schema-|-tag-|deprecat|extension`)
	// noticedIDs are what oasdiff calls harmless and a client can notice all the same: it relies on what was sent, on
	// what an absent parameter meant, or on who was let in.
	noticedIDs = regexp.MustCompile(`removed|default-value|security|became-optional|max-length-decreased`)
)

// sortChanges puts oasdiff's entries into their groups.
func (l *changelog) sortChanges(changes []change) {
	for _, c := range changes {
		switch {
		case c.Level >= 2:
			l.breaking = append(l.breaking, c)
		case cosmeticIDs.MatchString(c.ID):
			l.cosmetic = append(l.cosmetic, c)
		case noticedIDs.MatchString(c.ID):
			l.breaking = append(l.breaking, c)
		default:
			l.additive = append(l.additive, c)
		}
	}
}

// compare asks oasdiff, by go tool in dir, and compares the trees. Both files are documents that inspect has passed.
func compare(ctx context.Context, dir, oldFile, newFile string, before, after *yaml.Node) (*changelog, error) {
	command := in(dir, exec.CommandContext(ctx, "go", "tool", "-modfile=tools/go.mod", "oasdiff", "changelog",
		"--format", "json", "--allow-external-refs=false", oldFile, newFile))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("oasdiff: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	var changes []change
	if err := json.Unmarshal(out, &changes); err != nil {
		return nil, fmt.Errorf("oasdiff's changelog: %w", err)
	}
	l := &changelog{}
	l.sortChanges(changes)
	for _, p := range differences(nil, before, after) {
		if p.wording() {
			l.wording = append(l.wording, p)
		} else {
			l.places = append(l.places, p)
		}
	}
	return l, nil
}

// maxPlaces is how many places are printed; git has the rest.
const maxPlaces = 40

func (l *changelog) print(w io.Writer) {
	group(w, "Breaking: a client of the present document may trip over it", l.breaking)
	group(w, "Additive", l.additive)
	group(w, "Cosmetic", l.cosmetic)
	group(w, "Cosmetic, if the new wording means the same: read it", limited(l.wording))
	group(w, "Every place that differs, wording apart", limited(l.places))
}

func limited(places []place) []string {
	var lines []string
	for _, p := range places {
		lines = append(lines, p.String())
	}
	if len(lines) > maxPlaces {
		lines = append(slices.Clone(lines[:maxPlaces]), fmt.Sprintf("and %d more: git diff --no-index has them", len(lines)-maxPlaces))
	}
	return lines
}

func group[T any](w io.Writer, title string, entries []T) {
	if len(entries) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s (%d)\n", title, len(entries))
	for _, entry := range entries {
		fmt.Fprintf(w, "  - %s\n", strings.ReplaceAll(fmt.Sprint(entry), "\n", " "))
	}
}
