package importer_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

var update = flag.Bool("update", false, "write the messages of testdata/import-faults")

const faultFiles = "../../testdata/import-faults"

// load imports a file into acme.
func load(t *testing.T, s deployments.Store, r io.Reader) (deployments.ImportSummary, error) {
	t.Helper()
	return s.Import(t.Context(), "acme", importer.Entries(r, clock))
}

// wantStored checks how many records acme has.
func wantStored(t *testing.T, s deployments.Store, want int64) {
	t.Helper()
	if got := storetest.Ask(t, s, deployments.Scope{Organization: "acme"}, deployments.Query{History: deployments.All}).Total; got != want {
		t.Errorf("%d records are stored, want %d", got, want)
	}
}

func TestI4_EachFaultFileLoadsNothingAndReportsItsViolations(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(faultFiles, "*.ndjson"))
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		for _, name := range files {
			t.Run(strings.TrimSuffix(filepath.Base(name), ".ndjson"), func(t *testing.T) {
				file, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				summary, err := load(t, s, bytes.NewReader(file))
				var invalid *deployments.ImportError
				if !errors.As(err, &invalid) || summary != (deployments.ImportSummary{}) {
					t.Fatalf("got %+v, %v", summary, err)
				}
				golden := strings.TrimSuffix(name, ".ndjson") + ".txt"
				if *update {
					if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, readErr := os.ReadFile(golden)
				if got := err.Error() + "\n"; readErr != nil || got != string(want) {
					t.Errorf("got\n%swant\n%s%v", got, want, readErr)
				}
				wantStored(t, s, 0)
			})
		}
	})
}

func TestI4_EachMessageFileHasItsFaultFile(t *testing.T) {
	messages, err := filepath.Glob(filepath.Join(faultFiles, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range messages {
		if _, err := os.Stat(strings.TrimSuffix(name, ".txt") + ".ndjson"); err != nil {
			t.Error(err)
		}
	}
}

// The import rejects the files only because of their violations.
func TestI4_OtherLinesOfFaultFilesAreValid(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(faultFiles, "*.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		for _, name := range files {
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			lines := bytes.SplitAfter(file, []byte("\n"))
			if len(lines) != 4 {
				continue
			}
			stored := deployments.Scope{Organization: filepath.Base(name)}
			around := renumbered(append(lines[0], lines[2]...), filepath.Base(name))
			if _, err := s.Import(t.Context(), stored.Organization, importer.Entries(bytes.NewReader(around), clock)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := storetest.Ask(t, s, stored, deployments.Query{History: deployments.All}).Total; got != 2 {
				t.Errorf("%s: %d records", name, got)
			}
		}
	})
}

// renumbered replaces every UUID of the file, so that many organizations can hold the same file.
func renumbered(file []byte, seed string) []byte {
	for id := range bytes.SplitSeq(file, []byte(`"`)) {
		if _, ok := deployments.ParseUUID(string(id)); ok {
			file = bytes.ReplaceAll(file, id, []byte(storetest.NameID(seed, "id", string(id))))
		}
	}
	return file
}

func TestI4_ALineOverOneMiBLoadsNothing(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		long := strings.Replace(record(), "{", "{"+strings.Repeat(" ", 1<<20), 1)
		_, err := load(t, s, strings.NewReader(record()+"\n"+long+"\n"+record()+"\n"))
		var invalid *deployments.ImportError
		if !errors.As(err, &invalid) || err.Error() != "line 2: has more than 1048576 bytes" {
			t.Errorf("got %v", err)
		}
		wantStored(t, s, 0)
	})
}

func TestI4_AFileThatBreaksOffLoadsNothing(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		zipped := zip(record() + "\n")
		_, err := load(t, s, bytes.NewReader(zipped[:len(zipped)-4]))
		if want := "line 2 could not be read: the gzip stream breaks off: unexpected EOF"; err == nil || err.Error() != want || errors.Is(err, deployments.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		wantStored(t, s, 0)
		if got, err := load(t, s, bytes.NewReader(zipped)); err != nil || got.Added != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		wantStored(t, s, 1)
	})
}

func TestI1_ExtremeValuesCanBeStored(t *testing.T) {
	lines := []string{
		record(`id="00000000-0000-0000-0000-000000000000"`, `created_at="0001-01-01T00:00:00Z"`, `updated_at="2026-11-22T12:00:59.999999Z"`, `last_seen_at="2026-11-22T12:01:00Z"`),
		record(`id="FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"`, `created_at="1969-12-31T23:59:59.999999Z"`, `deployment_name="`+strings.Repeat("🚀", 256)+`"`,
			`artifact.digest="sha512:`+strings.Repeat("0", 128)+`"`, `artifact.name="%_*'\"\\`+"\u2028\ufeff\u2028"+`"`, `project_versions=[{"project_name":" ","project_version_name":"0"}]`),
	}
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		if _, err := load(t, s, strings.NewReader(strings.Join(lines, "\n"))); err != nil {
			t.Fatal(err)
		}
		got := storetest.Ask(t, s, deployments.Scope{Organization: "acme"}, deployments.Query{History: deployments.All}).Records
		for i, r := range got {
			want := readGood(t, lines[len(lines)-1-i])[0].Record
			want.EnvironmentID, want.ArtifactID = r.EnvironmentID, r.ArtifactID // made
			if r != want {
				t.Errorf("got  %+v\nwant %+v", r, want)
			}
		}
	})
}

// Earlier versions stored such names. A client can still filter by them, an import corrects them, and a snapshot ends them.
func TestI1_AStoredNameWithAFormatCharacterIsReadableAndCanBeCorrected(t *testing.T) {
	old := storetest.Entry(1, 1, "prod\u200b", "\ufeffapi")
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		storetest.Load(t, s, "acme", old, storetest.Entry(2, 1, "prod", "web"))
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{EnvironmentName: "prod\u200b", DeploymentName: "\ufeffapi"}, 1)
		// The line of an export, with the names corrected, a later updated_at, and without the id of the wrong environment.
		corrected := record(`id="`+storetest.ID(1)+`"`, `environment_name="prod"`, `deployment_name="api"`, `status="DECOMMISSIONED"`, `updated_at="2026-03-02T12:00:00Z"`)
		if got, err := load(t, s, strings.NewReader(corrected)); err != nil || got.Changed != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{EnvironmentName: "prod\u200b"})
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{EnvironmentName: "prod", Status: deployments.Decommissioned}, 1)

		storetest.Load(t, s, "acme", storetest.Entry(3, 1, "prod", "\ufeffapi"))
		_, err := s.Record(t.Context(), "acme", deployments.Batch{
			Snapshot: &deployments.Snapshot{EnvironmentName: "prod", ObservedAt: storetest.At(5)},
			Items: []deployments.BatchItem{{Recording: deployments.Recording{
				EnvironmentName: "prod", DeploymentName: "web", Kind: deployments.ContainerImage, Digest: storetest.Digest(1), Status: deployments.Deployed,
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{EnvironmentName: "prod", Status: deployments.Decommissioned}, 3, 1)
	})
}
