package specupdate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// diff is what oasdiff finds between two documents. Its changelog classifies changes by their effect on clients but omits
// some; its structural diff has every change.
type diff struct {
	// breaking, additive and cosmetic are the entries of the changelog: changes that can break a client of the old
	// document, changes that add to it, and names that are never sent.
	breaking, additive, cosmetic []change
	// wording and locations are the structural diff: texts for people, and everything else.
	wording, locations []location
}

// change is an entry of oasdiff's changelog.
type change struct {
	ID        string
	Text      string
	Level     int // 3 breaks clients, 2 can break them, 1 does not
	Operation string
	Path      string
	Base      struct{ Line int } `json:"baseSource"`
	Revision  struct{ Line int } `json:"revisionSource"`
}

func (c change) String() string {
	var prefix string
	switch {
	case c.Revision.Line > 0:
		prefix = fmt.Sprintf("line %d: ", c.Revision.Line)
	case c.Base.Line > 0:
		prefix = fmt.Sprintf("old line %d: ", c.Base.Line)
	}
	if c.Operation != "" {
		prefix += c.Operation + " " + c.Path + ": "
	}
	return prefix + c.Text
}

// location is a location at which two documents differ, such as "servers added", and what differs there.
type location struct{ path, text string }

func (l location) String() string { return l.path + ": " + l.text }

var (
	cosmeticIDs = regexp.MustCompile(`operation-id|^api-schema-|-tag-|deprecat|extension`)
	// noticeableIDs match changes that oasdiff ranks as harmless and that clients can notice: they rely on what was sent,
	// on the meaning of an absent parameter, or on who had access.
	noticeableIDs = regexp.MustCompile(`removed|default-value|security|became-optional|max-length-decreased`)
	// documentation are the members whose values are for people. A change to one changes no response.
	documentation = []string{"description", "title", "summary", "example", "examples", "externalDocs", "tags", "info"}
)

// diffFiles compares two sanitized documents with oasdiff, which runs as a tool of the module in dir.
func diffFiles(ctx context.Context, dir, oldFile, newFile string) (*diff, error) {
	oasdiff := func(subcommand string, flags ...string) ([]byte, error) {
		args := []string{"tool", "-modfile=tools/go.mod", "oasdiff", subcommand, "--allow-external-refs=false"}
		out, err := output(command(ctx, dir, "go", append(append(args, flags...), oldFile, newFile)...))
		if err != nil {
			return nil, fmt.Errorf("oasdiff %s: %w", subcommand, err)
		}
		return out, nil
	}
	changelog, err := oasdiff("changelog", "--format=json")
	if err != nil {
		return nil, err
	}
	var changes []change
	if err := json.Unmarshal(changelog, &changes); err != nil {
		return nil, fmt.Errorf("oasdiff changelog: %w", err)
	}
	// The section "endpoints" repeats the section "paths".
	structure, err := oasdiff("diff", "--format=yaml", "--exclude-elements=endpoints")
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(structure, &root); err != nil || root.Kind != yaml.DocumentNode {
		return nil, fmt.Errorf("oasdiff diff: unexpected output %.100q: %w", structure, err)
	}
	d := &diff{}
	d.addChanges(changes)
	d.addLocations("", root.Content[0], 0, false)
	return d, nil
}

func (d *diff) addChanges(changes []change) {
	for _, c := range changes {
		switch {
		case c.Level >= 2:
			d.breaking = append(d.breaking, c)
		case cosmeticIDs.MatchString(c.ID):
			d.cosmetic = append(d.cosmetic, c)
		case noticeableIDs.MatchString(c.ID):
			d.breaking = append(d.breaking, c)
		default:
			d.additive = append(d.additive, c)
		}
	}
}

// addLocations flattens oasdiff's structural diff. The keys of the next levels (names is their number) are names that the
// documents define: there, "description" is no wording.
func (d *diff) addLocations(path string, n *yaml.Node, names int, wording bool) {
	from, to := member(n, "from"), member(n, "to")
	switch {
	case names == 0 && from != nil && to != nil:
		d.addLocation(path, shorten(from)+" -> "+shorten(to), wording)
	case n.Kind == yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			below := strings.TrimSpace(path + " " + key)
			switch {
			case names > 0:
				d.addLocations(below, value, names-1, wording)
			case key != "modified":
				d.addLocations(below, value, 0, wording || slices.Contains(documentation, key))
			case strings.HasSuffix(path, " parameters"): // by "in" and by name
				d.addLocations(path, value, 2, wording)
			default:
				d.addLocations(path, value, 1, wording)
			}
		}
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			d.addLocations(path, item, 0, wording)
		}
	default:
		d.addLocation(path, shorten(n), wording)
	}
}

func (d *diff) addLocation(path, text string, wording bool) {
	if wording {
		d.wording = append(d.wording, location{path, text})
	} else {
		d.locations = append(d.locations, location{path, text})
	}
}

func shorten(n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		return "{...}"
	case n.ShortTag() != "!!str":
		return n.Value
	default:
		return fmt.Sprintf("%q", truncate(strings.Join(strings.Fields(n.Value), " "), 60))
	}
}

func truncate(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length]) + "..."
	}
	return text
}

func (d *diff) print(w io.Writer) {
	if len(d.breaking)+len(d.additive)+len(d.cosmetic)+len(d.wording)+len(d.locations) == 0 {
		fmt.Fprintln(w, "oasdiff finds no difference: the documents differ in their formatting only.")
	}
	printGroup(w, "Breaking: can break a client of the present document", d.breaking)
	printGroup(w, "Additive", d.additive)
	printGroup(w, "Cosmetic", d.cosmetic)
	printGroup(w, "Wording: read whether it still means the same", d.wording)
	printGroup(w, "Every location that differs, except wording; a shared schema appears at every use", d.locations)
}

func printGroup[T any](w io.Writer, title string, entries []T) {
	if len(entries) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s (%d)\n", title, len(entries))
	for _, entry := range entries {
		fmt.Fprintf(w, "  - %s\n", strings.ReplaceAll(fmt.Sprint(entry), "\n", " "))
	}
}
