package bench

import (
	"context"
	"path/filepath"
)

// serveWithRelease starts this program and that of an earlier commit, each on a database that it has filled with that many records.
// The caller stops both.
func (t *testbed) serveWithRelease(ctx context.Context, commit, prefix string, records int) (now, before *server, err error) {
	baseline, err := t.buildCommit(ctx, commit)
	if err != nil {
		return nil, nil, err
	}
	if now, err = t.serveFilled(ctx, t.program, prefix+"_now", records); err != nil {
		return nil, nil, err
	}
	if before, err = t.serveFilled(ctx, baseline, prefix+"_before", records); err != nil {
		now.stop()
		return nil, nil, err
	}
	return now, before, nil
}

func (t *testbed) serveFilled(ctx context.Context, program, prefix string, records int) (*server, error) {
	d, err := t.importDataset(ctx, program, prefix, records)
	if err != nil {
		return nil, err
	}
	return t.serve(ctx, program, d)
}

// buildCommit compiles the program of a commit of the repository.
func (t *testbed) buildCommit(ctx context.Context, commit string) (string, error) {
	if _, err := output(ctx, "git", "-C", t.Tree, "cat-file", "-e", commit+"^{commit}"); err != nil {
		return "", notRun("this clone has no commit " + commit + " to compare with")
	}
	t.logf("building release %s", commit)
	program := filepath.Join(t.dir, "deployrecords-"+commit)
	tree := filepath.Join(t.dir, "tree-"+commit)
	if _, err := output(ctx, "git", "clone", "--quiet", "--shared", "--no-checkout", t.Tree, tree); err != nil {
		return "", err
	}
	if _, err := output(ctx, "git", "-C", tree, "checkout", "--quiet", commit); err != nil {
		return "", err
	}
	return program, build(ctx, tree, "./cmd/deployrecords", program)
}
