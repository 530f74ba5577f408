package storetest

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

func testI4_ContradictionsAreReportedAndImportNothing(t *testing.T, open Opener) {
	ids := WithIDs("acme")
	with := func(change func(*deployments.Record)) Option {
		return func(e *deployments.ImportEntry) { change(&e.Record) }
	}
	other := "99999999-0000-4000-8000-000000000000"
	for name, c := range map[string]struct {
		entry deployments.ImportEntry
		field string
	}{
		"a record of another organization":       {Entry(50, 2, "x", "api"), "id"},
		"an environment of another organization": {Entry(2, 2, "x", "api", with(func(r *deployments.Record) { r.EnvironmentID = NameID("globex", "environment", "eu") })), "environment_id"},
		"an environment id with two names":       {Entry(2, 2, "eu", "api", ids, with(func(r *deployments.Record) { r.EnvironmentName = "us" })), "environment_id"},
		"an environment name with two ids":       {Entry(2, 2, "eu", "api", with(func(r *deployments.Record) { r.EnvironmentID = other })), "environment_name"},
		"a logical environment of another organization": {Entry(2, 2, "eu", "api", WithStage("x"), with(func(r *deployments.Record) {
			r.LogicalEnvironmentID = NameID("globex", "logical environment", "production")
		})), "logical_environment_id"},
		"a logical environment id with two names": {Entry(2, 2, "eu", "api", WithStage("production"), ids, with(func(r *deployments.Record) { r.LogicalEnvironmentName = "x" })), "logical_environment_id"},
		"a logical environment name with two ids": {Entry(2, 2, "eu", "api", WithStage("production"), with(func(r *deployments.Record) { r.LogicalEnvironmentID = other })), "logical_environment_name"},
		"an artifact of another organization":     {Entry(2, 2, "eu", "api", WithIDs("globex"), with(func(r *deployments.Record) { r.EnvironmentID = "" })), "artifact_id"},
		"an artifact id with two digests":         {Entry(2, 2, "eu", "api", ids, with(func(r *deployments.Record) { r.Artifact.Digest = Digest(2) })), "artifact.digest"},
		"an artifact id with two versions":        {Entry(2, 2, "eu", "api", ids, with(func(r *deployments.Record) { r.Artifact.Version = "2" })), "artifact.version"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			Load(t, s, "globex", Entry(50, 1, "eu", "api", WithStage("production"), WithIDs("globex")))
			first := Entry(1, 1, "eu", "api", WithStage("production"), ids)
			requireViolations(t, s, c.field, 1, first, Entry(3, 3, "eu", "web"), c.entry)
			WantIDs(t, s, Acme, deployments.Query{History: deployments.All})
			if strings.HasPrefix(c.field, "artifact.") {
				requireViolations(t, s, c.field, 1, separate(first, c.entry)...)
				WantIDs(t, s, Acme, deployments.Query{History: deployments.All})
			}
			requireViolations(t, s, c.field, 2, first, c.entry, c.entry)
			Load(t, s, "acme", first)
			requireViolations(t, s, c.field, 1, c.entry)
			WantIDs(t, s, Acme, deployments.Query{History: deployments.All}, 1)
		})
	}
}

func testI4_ViolationsImportNothingAndTwentyAreReported(t *testing.T, open Opener) {
	s := open(t)
	for _, bad := range []int{1, 19, 20, 30} {
		read := 0
		entries := func(yield func(deployments.ImportEntry, error) bool) {
			for i := range 40 {
				read++
				if i < bad && !yield(deployments.ImportEntry{}, &deployments.ImportViolation{Line: i + 1, Message: "is bad"}) {
					return
				}
				e := Entry(i+1, i, "eu", "api")
				e.Line = i + 1
				if i >= bad && !yield(e, nil) {
					return
				}
			}
		}
		_, err := s.Import(context.Background(), "acme", entries)
		var refused *deployments.ImportError
		if !errors.As(err, &refused) || len(refused.Violations) != min(bad, 20) || refused.More != (bad >= 20) {
			t.Errorf("%d faults: got %v", bad, err)
		}
		WantIDs(t, s, Acme, deployments.Query{History: deployments.All})
	}
}

func testFailedImportLeavesNothing(t *testing.T, open Opener) {
	broken := errors.New("the file broke off")
	s := open(t)
	for _, cause := range []error{broken, io.ErrUnexpectedEOF} { // a cut connection returns the latter too
		_, err := s.Import(context.Background(), "acme", func(yield func(deployments.ImportEntry, error) bool) {
			for e, err := range ManyEntries(3000) {
				if !yield(e, err) {
					return
				}
			}
			yield(deployments.ImportEntry{}, cause)
		})
		if !errors.Is(err, cause) || errors.Is(err, deployments.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err := s.Import(ctx, "acme", func(yield func(deployments.ImportEntry, error) bool) {
		for e, err := range ManyEntries(3000) {
			if e.Line == 2500 {
				cancel()
			}
			if !yield(e, err) {
				return
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	WantIDs(t, s, Acme, deployments.Query{History: deployments.All})
	if _, err := s.Import(context.Background(), "acme", ManyEntries(3000)); err != nil {
		t.Error(err)
	}
	if got := Ask(t, s, Acme, deployments.Query{History: deployments.All}); got.Total != 3000 {
		t.Errorf("total %d", got.Total)
	}
}

func testImportRequiresAnOrganizationKey(t *testing.T, open Opener) {
	s := open(t)
	for _, key := range []string{"", "a\x00b", strings.Repeat("x", 257), "a\xff", "a\ufffd"} {
		if _, err := s.Import(context.Background(), key, ManyEntries(1)); err == nil {
			t.Errorf("%q: imported", key)
		}
	}
}
