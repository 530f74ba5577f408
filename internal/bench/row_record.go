package bench

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

const (
	// baseline is the release before exact totals and deep pages were made fast: what that costs writers is told by it.
	baseline = "1a4a064"
	writers  = 8
)

// recordings is how many single recordings a second eight writers get through in one organization, against the release
// before. Both releases have a database of their own, with the same records.
func recordings(ctx context.Context, l *lab) ([]Figure, error) {
	before, err := l.buildCommit(ctx, baseline)
	if err != nil {
		return nil, err
	}
	records := min(l.records, max(2_000, l.records/5), 1_000_000)
	var rates []measurement
	for _, release := range []struct{ name, program string }{{"now", l.program}, {"before", before}} {
		d, err := l.datasetBy(ctx, release.program, "recordings_"+release.name, records)
		if err != nil {
			return nil, err
		}
		s, err := l.serve(ctx, release.program, d.url)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		places, err := l.places(ctx, d)
		if err != nil {
			return nil, err
		}
		rates = append(rates, recordingRate(l, s, places))
	}
	if err := warmUp(ctx, rates...); err != nil {
		return nil, err
	}
	p, err := l.measure(ctx, "recordings", rates[0], rates[1])
	if err != nil {
		return nil, err
	}
	return []Figure{{
		What:     fmt.Sprintf("single recordings, %d writers on one organization of %s records, against release %s", writers, grouped(float64(records/10*9)), baseline),
		Measured: perSecond(p.a), Against: perSecond(p.b), Value: p.ratio, Limit: atLeast(0.8, 0.95), Pairs: p.n,
	}}, nil
}

// place is where something is deployed.
type place struct{ environment, logicalEnvironment, deployment string }

// places are a thousand of those that the great organization has.
func (l *lab) places(ctx context.Context, d *dataset) ([]place, error) {
	conn, err := pgx.Connect(ctx, l.url(d.name))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT e.name, coalesce(l.name, ''), s.deployment_name
 FROM current_slots s
 JOIN organizations o ON o.id = s.organization_id AND o.key = '`+great+`'
 JOIN environments e ON e.id = s.environment_id
 LEFT JOIN logical_environments l ON l.id = s.logical_environment_id
 ORDER BY md5(e.name || s.deployment_name) LIMIT 1000`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p place, err error) {
		err = row.Scan(&p.environment, &p.logicalEnvironment, &p.deployment)
		return p, err
	})
}

// recordingRate has writers record new artifacts in random places.
func recordingRate(l *lab, s *server, places []place) measurement {
	run := 0
	return func(ctx context.Context) (float64, error) {
		run++
		all, err := s.clients(ctx, writers, func(writer int) func() []byte {
			random := rand.New(rand.NewPCG(uint64(run), uint64(writer)))
			n := 0
			return func() []byte {
				n++
				p := places[random.IntN(len(places))]
				version := fmt.Sprintf("bench-%d-%d-%d", run, writer, n)
				logical := ""
				if p.logicalEnvironment != "" {
					logical = fmt.Sprintf(`,"logical_environment_name":%q`, p.logicalEnvironment)
				}
				return s.request("POST", "/v1/deployments", fmt.Sprintf(
					`{"environment_name":%q,"deployment_name":%q%s,"kind":"CONTAINER_IMAGE","artifact_name":"registry.example.com/%s","artifact_version":%q,"artifact_digest":"sha256:%x"}`,
					p.environment, p.deployment, logical, p.deployment, version, sha256.Sum256([]byte(version))))
			}
		})
		if err != nil {
			return 0, err
		}
		defer all.close()
		return saturate(ctx, all, l.effort.Span)
	}
}

// buildCommit makes the program of a commit of the repository that the tree is of.
func (l *lab) buildCommit(ctx context.Context, commit string) (string, error) {
	program := filepath.Join(l.dir, "deployrecords-"+commit)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if _, err := output(ctx, "git", "-C", l.tree, "cat-file", "-e", commit+"^{commit}"); err != nil {
		return "", notRun("this clone has no commit " + commit + " to compare with")
	}
	l.say("building release %s", commit)
	tree := filepath.Join(l.dir, "tree-"+commit)
	archive := tree + ".tar"
	if err := os.Mkdir(tree, 0o700); err != nil {
		return "", err
	}
	if _, err := output(ctx, "git", "-C", l.tree, "archive", "--output", archive, commit); err != nil {
		return "", err
	}
	if _, err := output(ctx, "tar", "-xf", archive, "-C", tree); err != nil {
		return "", err
	}
	return program, l.build(ctx, tree, program)
}
