// Package specupdate follows upstream's document. An update is tried on a copy of the tree, and the tree changes only
// when everything has passed there; docs/following-upstream.md is its manual. Nothing of it is in the server.
package specupdate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Options say what to follow, and where.
type Options struct {
	// Dir is the root of the repository's work tree.
	Dir string
	// From is the new document: a path, or an https URL.
	From string
	// Steps must succeed in the copy; DefaultSteps, if nil.
	Steps []Step
	// Transport fetches; http.DefaultTransport, if nil.
	Transport http.RoundTripper
	// Output gets the changelog, the progress and the summary.
	Output io.Writer
}

// Run follows. On an error the tree is as it was. The copy is kept if a step failed in it, and removed otherwise.
func Run(ctx context.Context, o Options) error {
	// Commands run in the copy, where a relative path would be another file.
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	document, after, before, err := documents(ctx, o)
	if err != nil || document == nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "spec-update-")
	if err != nil {
		return err
	}
	err = try(ctx, o, scratch, document, before, after)
	var failed *stepError
	if errors.As(err, &failed) {
		return fmt.Errorf("%w\n\nThe tree is as it was. The copy with the new document stays in %s; git diff there shows what the update does.\n"+
			"Change the code, the overlay or the tests in your tree, even if it does not build before the update, and run this again", err, filepath.Join(scratch, "tree"))
	}
	if removeErr := os.RemoveAll(scratch); removeErr != nil {
		err = errors.Join(err, removeErr)
	}
	return err
}

// documents gives the new document with its tree, and the present one's tree. Without a difference there is none.
func documents(ctx context.Context, o Options) (document []byte, after, before *yaml.Node, err error) {
	present, err := os.ReadFile(filepath.Join(o.Dir, documentFile))
	if err != nil {
		return nil, nil, nil, err
	}
	if document, err = fetch(ctx, o.Transport, o.From); err != nil {
		return nil, nil, nil, fmt.Errorf("the document was not read, and nothing changed: %w", err)
	}
	if bytes.Equal(document, present) {
		fmt.Fprintf(o.Output, "The document is the present one, to the byte. Nothing changed.\n")
		return nil, nil, nil, nil
	}
	if after, err = inspect(document); err != nil {
		return nil, nil, nil, fmt.Errorf("the document is refused, and nothing changed:\n%w", err)
	}
	if before, err = inspect(present); err != nil {
		return nil, nil, nil, fmt.Errorf("the present document: %w", err)
	}
	return document, after, before, nil
}

// try does everything in the copy, and brings back what passed.
func try(ctx context.Context, o Options, scratch string, document []byte, before, after *yaml.Node) error {
	copied, logs := filepath.Join(scratch, "tree"), filepath.Join(scratch, "logs")
	for _, dir := range []string{copied, logs} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	t, err := copyTree(ctx, o.Dir, copied)
	if err != nil {
		return fmt.Errorf("nothing changed: %w", err)
	}
	if err := t.putDocument(document); err != nil {
		return err
	}
	changes, err := compare(ctx, copied, filepath.Join(o.Dir, documentFile), filepath.Join(copied, documentFile), before, after)
	if err != nil {
		return fmt.Errorf("the documents were not compared, and nothing changed: %w", err)
	}
	if changes.empty() {
		fmt.Fprintln(o.Output, "The documents say the same and differ in their spelling only.")
	}
	changes.print(o.Output)
	fmt.Fprintln(o.Output)
	steps := o.Steps
	if steps == nil {
		steps = DefaultSteps()
	}
	for _, step := range steps {
		if err := step.run(ctx, copied, logs, o.Output); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("stopped; the tree is as it was: %w", err)
			}
			return err
		}
	}
	code, err := readImplementation(copied)
	if err != nil {
		return err
	}
	paths, err := t.apply(ctx)
	if err != nil {
		return fmt.Errorf("the update passed in the copy and was not brought to the tree: %w", err)
	}
	s := summarize(changes, after, code)
	s.print(o.Output)
	fmt.Fprintf(o.Output, "\nChanged, and not committed, for you to review with git diff:\n")
	for _, path := range paths {
		fmt.Fprintf(o.Output, "  %s\n", path)
	}
	return nil
}
