package store_test

import (
	"regexp"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Statements name the columns of their results. With an asterisk, a column that a migration adds would fail every statement that
// a running server has prepared. (Common tables of listings have asterisks; their result has none: see package statements.)
func TestStatementsNameTheirColumns(t *testing.T) {
	asterisk := regexp.MustCompile(`SELECT \*|\w\.\*|RETURNING \*`)
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		executed := 0
		check := func(tx *gorm.DB) {
			if tx.DryRun {
				return
			}
			executed++
			if sql := tx.Statement.SQL.String(); asterisk.MatchString(sql) {
				t.Errorf("all columns: %s", sql)
			}
		}
		callback := db.WithContext(t.Context()).Callback()
		for _, err := range []error{
			callback.Create().After("gorm:create").Register("test:check", check), callback.Query().After("gorm:query").Register("test:check", check),
			callback.Row().After("gorm:row").Register("test:check", check), callback.Raw().After("gorm:raw").Register("test:check", check),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		s := store.New(db, store.Parts{})
		storetest.Load(t, s, "acme", storetest.Entry(1, 0, "eu", "api"), storetest.Entry(2, 1, "eu", "web"))
		recording := deployments.Recording{
			EnvironmentName: "eu", LogicalEnvironmentName: "production", DeploymentName: "api", Kind: deployments.ContainerImage,
			Digest: storetest.Digest(1), Status: deployments.Deployed,
			ProjectVersions: []deployments.ProjectVersion{{ProjectName: "p", VersionName: "v"}},
		}
		name := "n"
		filled, ended := recording, recording
		filled.Name, ended.Status, ended.ProjectVersions = &name, deployments.Decommissioned, nil
		part := storetest.Parts{ID: "s", At: time.Now()}
		for _, batch := range []deployments.Batch{
			{Items: []deployments.BatchItem{{Recording: recording}}},
			{Items: []deployments.BatchItem{{Recording: filled}}},
			{Items: []deployments.BatchItem{{Recording: ended}}},
			{Items: []deployments.BatchItem{{Recording: ended}}},
			part.Part(1, 0), part.Part(2, 2),
		} {
			batch.AutoCreate = true
			if _, err := s.Record(t.Context(), "acme", batch); err != nil {
				t.Fatal(err)
			}
		}
		key := deployments.IdempotencyKey{Subject: "s", Key: "k"}
		for range 2 {
			batch := deployments.Batch{Items: []deployments.BatchItem{{Recording: recording}}, Single: true}
			if _, err := s.RecordIdempotent(t.Context(), "acme", key, batch); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All, ProjectName: "p"})
		storetest.RequireVerified(t, s, "acme")
		if err := s.Repair(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if executed < 100 {
			t.Errorf("only %d statements were executed", executed)
		}
	})
}
