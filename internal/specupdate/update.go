// Package specupdate follows upstream's document. It tries an update in a git worktree and changes the maintainer's tree
// only after every step has passed there. docs/following-upstream.md is its manual. The server does not contain it.
package specupdate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/getkin/kin-openapi/openapi3"
)

// Options configure an update.
type Options struct {
	// Dir is the root of the repository's work tree.
	Dir string
	// From is the new document: a path or an https URL.
	From string
	// Steps must pass in the worktree. Nil means DefaultSteps.
	Steps []Step
	// Output receives the changelog, the progress and the summary.
	Output io.Writer
}

// Run updates the tree to the new document. After an error the tree is unchanged; the worktree is kept if a step failed
// in it, and removed otherwise.
func Run(ctx context.Context, o Options) error {
	// Commands run in the worktree, where a relative path would mean another file.
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	if err := checkRoot(ctx, o.Dir); err != nil {
		return fmt.Errorf("nothing changed: %w", err)
	}
	document, parsed, err := readDocument(ctx, o)
	if err != nil || document == nil {
		return err
	}
	w, err := addWorktree(ctx, o.Dir)
	if err != nil {
		return fmt.Errorf("nothing changed: %w", explainDisk(err))
	}
	err = w.try(ctx, o, document, parsed)
	if _, ok := errors.AsType[*stepError](err); ok {
		return fmt.Errorf("%w\n\nThe tree is unchanged. The worktree with the new document is %[2]s: git diff there shows the update.\n"+
			"Change the code, the overlay or the tests in your tree, even if it does not build before the update, and run the command again.\n"+
			"To remove the worktree: git worktree remove --force %[2]s", err, w.linked.dir)
	}
	return explainDisk(errors.Join(err, w.remove(ctx)))
}

// readDocument returns the new document after checking it, or nil if it is the present one.
func readDocument(ctx context.Context, o Options) ([]byte, *openapi3.T, error) {
	present, err := os.ReadFile(filepath.Join(o.Dir, documentFile))
	if err != nil {
		return nil, nil, err
	}
	document, err := fetch(ctx, nil, o.From)
	if err != nil {
		return nil, nil, fmt.Errorf("the document was not read, and nothing changed: %w", err)
	}
	if bytes.Equal(document, present) {
		fmt.Fprintln(o.Output, "The document is the present one, byte for byte. Nothing changed.")
		return nil, nil, nil
	}
	parsed, err := sanitize(document)
	if err != nil {
		return nil, nil, fmt.Errorf("the document is rejected, and nothing changed:\n%w", err)
	}
	return document, parsed, nil
}

// try runs the steps in the worktree and then applies the update to the maintainer's tree.
func (w *worktree) try(ctx context.Context, o Options, document []byte, parsed *openapi3.T) error {
	if err := w.putDocument(document); err != nil {
		return err
	}
	steps := o.Steps
	if steps == nil {
		steps = DefaultSteps()
	}
	printPlan(o.Output, steps)
	code, err := readImplementation(w.linked.dir)
	if err != nil {
		return err
	}
	changes, err := w.diff(ctx, code)
	if err != nil {
		return fmt.Errorf("the documents were not compared, and nothing changed: %w", err)
	}
	changes.print(o.Output)
	fmt.Fprintln(o.Output)
	for _, step := range steps {
		if err := step.run(ctx, w.linked.dir, w.scratch, o.Output); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("interrupted; the tree is unchanged: %w", err)
			}
			if failure, ok := errors.AsType[*stepError](err); ok {
				failure.explain(filepath.Join(w.main.dir, documentFile), parsed, code)
			}
			return err
		}
	}
	if code, err = readImplementation(w.linked.dir); err != nil { // the generated code has changed
		return err
	}
	status, err := w.apply(ctx)
	if err != nil {
		return fmt.Errorf("every step passed, but the update was not applied to the tree, which is unchanged: %w", err)
	}
	s := summarize(changes, parsed, code)
	s.print(o.Output)
	fmt.Fprintf(o.Output, "\nChanged but not committed, for you to review with git diff:\n%s\n", status)
	return nil
}

// diff compares the document of the maintainer's tree with the one of the worktree.
func (w *worktree) diff(ctx context.Context, code implementation) (*diff, error) {
	oasdiff, err := oasdiffProgram(ctx, w.linked.dir)
	if err != nil {
		return nil, err
	}
	return diffFiles(ctx, oasdiff, filepath.Join(w.main.dir, documentFile), filepath.Join(w.linked.dir, documentFile), code)
}
