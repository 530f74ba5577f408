package importer_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
)

// FuzzEntries reads arbitrary bytes: Entries must not panic, and its entries must follow the domain's rules and survive
// writing and reading.
func FuzzEntries(f *testing.F) {
	f.Add([]byte(nil))
	for _, c := range violationCases {
		if len(c.line) < 2000 {
			f.Add([]byte(record() + "\n" + c.line + "\r\n"))
		}
	}
	f.Add([]byte("\ufeff" + record(`logical_environment_name="x"`, `project_versions=[{"project_name":"a","project_version_name":"b"}]`)))
	f.Add(zip(record()))
	f.Add(zip(record())[:30])
	f.Fuzz(func(t *testing.T, file []byte) {
		lines, last := bytes.Count(file, []byte("\n"))+1, 0
		zipped := bytes.HasPrefix(file, []byte{0x1f, 0x8b})
		inOrder := func(line int) {
			if line < last || line < 1 || !zipped && line > lines {
				t.Fatalf("line %d of %d after line %d", line, lines, last)
			}
			last = line
		}
		broken := false
		for entry, err := range importer.Entries(bytes.NewReader(file), clock) {
			if broken {
				t.Fatalf("after an error of reading came %+v, %v", entry, err)
			}
			if err == nil {
				inOrder(entry.Line)
				wantValid(t, entry)
				wantSameAgain(t, entry)
				continue
			}
			if !reflect.ValueOf(entry).IsZero() {
				t.Fatalf("both an entry and an error: %+v, %v", entry, err)
			}
			var violation *deployments.ImportViolation
			if broken = !errors.As(err, &violation); broken {
				continue
			}
			inOrder(violation.Line)
			if text := violation.Error(); violation.Message == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(text) > 2000 {
				t.Fatalf("a violation that can't be shown: %q", text)
			}
		}
	})
}

// wantValid checks an entry against the rules of I1.
func wantValid(t *testing.T, e deployments.ImportEntry) {
	t.Helper()
	r := e.Record
	for _, id := range []string{r.ID, r.EnvironmentID, r.LogicalEnvironmentID, r.ArtifactID} {
		if canonical, ok := deployments.ParseUUID(id); (!ok || canonical != id) && (id != "" || r.ID == "") {
			t.Errorf("id %q", id)
		}
	}
	names := []string{r.EnvironmentName, r.DeploymentName}
	if r.LogicalEnvironmentName != "" {
		names = append(names, r.LogicalEnvironmentName)
	} else if r.LogicalEnvironmentID != "" {
		t.Errorf("logical environment without a name: %+v", r)
	}
	for _, pv := range e.ProjectVersions {
		names = append(names, pv.ProjectName, pv.VersionName)
	}
	for _, name := range names {
		if err := deployments.CheckName(name); err != nil {
			t.Errorf("name %q %v", name, err)
		}
	}
	for _, text := range []string{r.Artifact.Name, r.Artifact.Version} {
		if err := deployments.CheckText(text); err != nil {
			t.Errorf("text %q %v", text, err)
		}
	}
	if err := deployments.CheckDigest(r.Artifact.Digest); err != nil {
		t.Errorf("digest %q %v", r.Artifact.Digest, err)
	}
	if r.Status.String() == "" || r.Artifact.Kind.String() == "" {
		t.Errorf("status %d, kind %d", r.Status, r.Artifact.Kind)
	}
	for _, at := range []time.Time{r.CreatedAt, r.UpdatedAt, r.LastSeenAt} {
		if at.Location() != time.UTC || !at.Equal(at.Truncate(time.Microsecond)) || at.Year() < 1 || at.Year() > 9999 || at.Before(r.CreatedAt) {
			t.Errorf("times: %+v", r)
		}
	}
	if latest := now.Add(deployments.MaxAhead); r.CreatedAt.After(latest) || r.UpdatedAt.After(latest) || r.LastSeenAt.After(latest) {
		t.Errorf("times ahead: %+v", r)
	}
}

// wantSameAgain writes the entry and reads it again.
func wantSameAgain(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, e deployments.ImportEntry,
) {
	t.Helper()
	line, err := importer.AppendLine([]byte("{}\n"), e)
	if err != nil {
		t.Fatalf("write %+v: %v", e, err)
	}
	e.Line = 1
	count := 0
	for again, err := range importer.Entries(bytes.NewReader(line[len("{}\n"):]), clock) {
		if count++; err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("%s\nwritten %+v\nread    %+v, %v", line, e, again, err)
		}
	}
	if count != 1 || bytes.Count(line, []byte("\n")) != 2 {
		t.Fatalf("%s: %d entries", line, count)
	}
}
