package specupdate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/deployrecords/deployrecords/internal/document"
)

// diff is what oasdiff finds between two documents. Its changelog classifies changes by their effect on clients but omits
// some; its structural diff has every change.
type diff struct {
	// breaking, additive and cosmetic are the entries of the changelog: changes that can break a client of the old
	// document, changes that add to it, and names that are never sent.
	breaking, additive, cosmetic []change
	// locations are the structural diff, except texts for people and examples.
	locations []location
	// wording has the texts for people that differ, and examples the number of examples that do.
	wording  []textChange
	examples int
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
	return prefix + oneLine(c.Text)
}

// location is a location at which two documents differ, such as "servers added", and what differs there.
type location struct{ path, text string }

func (l location) String() string { return l.path + ": " + l.text }

var (
	// oasdiff reports the document's own security and its schemes where no operation has another security than before.
	cosmeticIDs = regexp.MustCompile(`operation-id|^api-schema-|-tag-|deprecat|extension|^api-global-security-|^api-security-component-`)
	// noticeableIDs match changes that oasdiff ranks as harmless and that clients can notice: they rely on what was sent,
	// on the meaning of an absent parameter, or on who had access.
	noticeableIDs = regexp.MustCompile(`removed|default-value|security|became-optional|max-length-decreased`)
	// documentation are the members whose values are for people. A change to one changes no response.
	documentation = []string{"description", "title", "summary", "example", "examples", "externalDocs", "tags", "info"}
)

// oasdiffProgram returns the path of oasdiff, a tool of the module in dir. It builds oasdiff if the build cache does not have
// it. "go tool" itself reads the requirements of all tools at every start, which takes longer than a comparison.
func oasdiffProgram(ctx context.Context, dir string) (string, error) {
	out, err := output(command(ctx, dir, "go", "tool", "-modfile=tools/go.mod", "-n", "oasdiff"))
	if err != nil {
		return "", fmt.Errorf("build oasdiff: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// diffFiles compares two sanitized documents with oasdiff, the program at that path, and their texts word by word. oasdiff
// resolves references, so that it reports a shared schema at every use; texts are compared where they are written.
func diffFiles(ctx context.Context, program, oldFile, newFile string, code implementation) (*diff, error) {
	oasdiff := func(subcommand string, flags ...string) ([]byte, error) {
		args := append([]string{subcommand, "--allow-external-refs=false", "--flatten-params"}, flags...)
		out, err := output(command(ctx, "", program, append(args, oldFile, newFile)...))
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
	d.addLocations("", root.Content[0], 0)
	var both [2]*texts
	for i, file := range []string{oldFile, newFile} {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		root, err := parseObject(text)
		if err != nil {
			return nil, err
		}
		both[i] = readTexts(root, code.implements)
	}
	d.wording, d.examples = compareTexts(both[0], both[1], code.implements)
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

// addLocations flattens oasdiff's structural diff without its documentation. The keys of the next levels (names is their
// number) are names that the documents define: there, "description" is no documentation.
func (d *diff) addLocations(path string, n *yaml.Node, names int) {
	from, to := document.Member(n, "from"), document.Member(n, "to")
	switch {
	case names == 0 && from != nil && to != nil:
		d.locations = append(d.locations, location{path, inline(from) + " -> " + inline(to)})
	case n.Kind == yaml.MappingNode:
		for key, value := range document.Members(n) {
			below := strings.TrimSpace(path + " " + key)
			switch {
			case names > 0:
				d.addLocations(below, value, names-1)
			case slices.Contains(documentation, key):
			case key != "modified":
				d.addLocations(below, value, 0)
			case strings.HasSuffix(path, " parameters"): // by "in" and by name
				d.addLocations(path, value, 2)
			default:
				d.addLocations(path, value, 1)
			}
		}
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			d.addLocations(path, item, 0)
		}
	default:
		d.locations = append(d.locations, location{path, inline(n)})
	}
}

// inline writes a value on one line, whole: two values that differ never look alike.
func inline(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!str" {
		return n.Value
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return fmt.Sprintf("%q", n.Value)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprintf("%v", value)
	}
	return strings.TrimSpace(text.String())
}

func truncate(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length]) + "..."
	}
	return text
}

func (d *diff) print(w io.Writer) {
	if len(d.breaking)+len(d.additive)+len(d.cosmetic)+len(d.wording)+len(d.locations)+d.examples == 0 {
		fmt.Fprintln(w, "oasdiff finds no difference: the documents differ in their formatting only.")
	}
	printGroup(w, "Breaking: can break a client of the present document", d.breaking)
	printGroup(w, "Additive", d.additive)
	printGroup(w, "Cosmetic", d.cosmetic)
	printTexts(w, d.wording)
	printGroup(w, "Every location that differs, except wording; a shared schema appears at every use", d.locations)
	if d.examples > 0 {
		fmt.Fprintf(w, "\nExamples that differ, not shown: %d\n", d.examples)
	}
}

func printGroup[T any](w io.Writer, title string, entries []T) {
	if len(entries) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s (%d)\n", title, len(entries))
	for _, entry := range entries {
		fmt.Fprintf(w, "  - %v\n", entry)
	}
}
