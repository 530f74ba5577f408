package replicas_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// The tag soak sets 10 rounds and 16 workers of each kind.
var soakRounds, soakWorkers = 1, 4

// load is writers and readers of two servers on one primary and its standbys.
type load struct {
	t       *testing.T
	servers [2]*store.Store
	slots   []slot
	// failovers is odd while there is no primary: standbys may then answer without the latest recordings.
	failovers atomic.Int64
	stop      chan struct{}
	workers   sync.WaitGroup

	recordings, unavailable, lists, exempt atomic.Int64
}

// slot is what one writer records: versions 1, 2, 3 of an artifact.
type slot struct {
	organization string
	acknowledged atomic.Int64
}

func openServer(t *testing.T, primaryURL, replicaURL string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{
		URL: primaryURL, ReplicaURL: replicaURL, ReplicaMaxLag: 50 * time.Millisecond,
		Timeouts: store.Timeouts{Statement: time.Minute, Lock: 3 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func startLoad(t *testing.T, workers int, servers ...*store.Store) *load {
	l := &load{t: t, servers: [2]*store.Store(servers), slots: make([]slot, workers), stop: make(chan struct{})}
	for i := range l.slots {
		l.slots[i].organization = fmt.Sprint("organization ", i%3)
		l.workers.Go(func() { l.write(i) })
		l.workers.Go(func() { l.read(i) })
	}
	return l
}

func (l *load) stopped() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

func slotName(i int) string { return fmt.Sprint("slot ", i) }

// write records version after version in its slot. It repeats what was not acknowledged, which adds nothing if it was recorded.
func (l *load) write(i int) {
	s := &l.slots[i]
	for n := s.acknowledged.Load() + 1; !l.stopped(); {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		version := strconv.FormatInt(n, 10)
		_, err := l.servers[n%2].Record(ctx, s.organization, deployments.Batch{AutoCreate: true, Single: true, Items: []deployments.BatchItem{{
			Recording: deployments.Recording{
				EnvironmentName: "eu", DeploymentName: slotName(i), Kind: deployments.ContainerImage,
				Digest: storetest.Digest(int(n)), Version: &version, Status: deployments.Deployed,
			},
		}}})
		cancel()
		switch {
		case err == nil:
			s.acknowledged.Store(n)
			l.recordings.Add(1)
			n++
		case errors.Is(err, deployments.ErrUnavailable): // a 503
			l.unavailable.Add(1)
			time.Sleep(10 * time.Millisecond)
		default:
			l.t.Errorf("record: %v", err)
			return
		}
	}
}

// read reads slots on both servers: by lists, by overviews, and by searches of the latest version. No answer lacks what was
// acknowledged before it began.
func (l *load) read(i int) {
	for n := i; !l.stopped(); n++ {
		target := n % len(l.slots)
		s := &l.slots[target]
		failovers, acknowledged := l.failovers.Load(), s.acknowledged.Load()
		if acknowledged == 0 {
			time.Sleep(time.Millisecond)
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		versions, err := versionsOf(ctx, l.servers[n/2%2], n/4, deployments.Scope{Organization: s.organization}, slotName(target), acknowledged)
		cancel()
		l.lists.Add(1)
		switch {
		case errors.Is(err, deployments.ErrUnavailable) && (failovers%2 == 1 || l.failovers.Load() != failovers):
		case err != nil:
			l.t.Errorf("read: %v", err)
		case failovers%2 == 1 || l.failovers.Load() != failovers:
			l.exempt.Add(1)
		case versions < acknowledged:
			l.t.Errorf("slot %d: version %d was acknowledged, and read %d has %d versions", target, acknowledged, n, versions)
		}
	}
}

// versionsOf returns how many versions of a slot a read has, by one of the three methods for reads.
func versionsOf(ctx context.Context, s *store.Store, method int, scope deployments.Scope, slot string, acknowledged int64) (int64, error) {
	query := deployments.Query{DeploymentName: slot, History: deployments.All, Page: deployments.Page{Size: 1}}
	switch method % 3 {
	case 0:
		result, err := s.List(ctx, scope, query)
		if len(result.Records) == 1 && result.Records[0].EnvironmentName != "eu" {
			return 0, fmt.Errorf("the environment is %q", result.Records[0].EnvironmentName)
		}
		return result.Total, err
	case 1:
		overview, err := s.Overview(ctx, scope, query, deployments.Columns{Grouping: deployments.ByEnvironment, Page: deployments.Page{Size: 10}})
		return overview.Records, err
	default:
		matches, err := s.Search(ctx, scope, storetest.Digest(int(acknowledged)))
		if len(matches.Artifacts) == 0 {
			return 0, err
		}
		return acknowledged, err
	}
}

// progress waits until every writer has recorded, and lists have been read.
func (l *load) progress() {
	l.t.Helper()
	lists := l.lists.Load() + int64(5*len(l.slots))
	var want []int64
	for i := range l.slots {
		want = append(want, l.slots[i].acknowledged.Load()+3)
	}
	eventually(l.t, "recordings and lists", func() bool {
		for i := range l.slots {
			if l.slots[i].acknowledged.Load() < want[i] {
				return false
			}
		}
		return l.lists.Load() >= lists
	})
}

// finish stops the load and checks that each slot has each version once.
func (l *load) finish() {
	l.t.Helper()
	close(l.stop)
	l.workers.Wait()
	for i := range l.slots {
		s, seen := &l.slots[i], map[string]int{}
		for page := int32(0); ; page++ {
			result := storetest.Ask(l.t, l.servers[0], deployments.Scope{Organization: s.organization},
				deployments.Query{DeploymentName: slotName(i), History: deployments.All, Page: deployments.Page{Number: page, Size: 100}})
			for _, r := range result.Records {
				seen[r.Artifact.Version]++
			}
			if len(result.Records) < 100 {
				break
			}
		}
		for n := range s.acknowledged.Load() {
			if version := strconv.FormatInt(n+1, 10); seen[version] != 1 {
				l.t.Errorf("slot %d: version %s was acknowledged and is there %d times", i, version, seen[version])
			}
		}
	}
	for _, organization := range []string{"organization 0", "organization 1", "organization 2"} {
		storetest.RequireVerified(l.t, l.servers[0], organization)
	}
	l.t.Logf("%d recordings acknowledged, %d times unavailable; %d lists, %d of them during a failover",
		l.recordings.Load(), l.unavailable.Load(), l.lists.Load(), l.exempt.Load())
}

// received returns how many bytes of WAL a standby has on its disk.
func received(t *testing.T, node *pgtest.Cluster) (bytes int64) {
	t.Helper()
	err := storetest.OpenSQL(t, node.URL()).QueryRow(
		"SELECT CAST(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - CAST('0/0' AS pg_lsn) AS bigint)").Scan(&bytes)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// waitForLists waits until a node answers lists.
func waitForLists(t *testing.T, node *pgtest.Cluster) {
	t.Helper()
	const scans = "SELECT coalesce(sum(idx_scan), 0)::text FROM pg_stat_user_tables WHERE relname = 'deployment_records'"
	var before string
	if err := storetest.OpenSQL(t, node.URL()).QueryRow(scans).Scan(&before); err != nil {
		t.Fatal(err)
	}
	node.WaitFor(t, "SELECT ("+scans+") <> '"+before+"'")
}

func TestNoListLacksAnAcknowledgedRecording(t *testing.T) {
	t.Parallel()
	// A commit is acknowledged when one of two standbys has it on its disk.
	primary := pgtest.NewCluster(t, "synchronous_standby_names=ANY 1 (*)")
	nodes := []*pgtest.Cluster{primary, primary.NewStandby(t), primary.NewStandby(t)}
	primaryURL := pgtest.MultiHostURL(url.Values{"target_session_attrs": {"read-write"}}, nodes...)
	replicaURL := pgtest.MultiHostURL(nil, nodes...)
	storetest.Open(t, primaryURL)
	l := startLoad(t, soakWorkers, openServer(t, primaryURL, replicaURL), openServer(t, primaryURL, replicaURL))
	l.progress()

	for round := range soakRounds {
		standbys := nodes[1:]
		for _, node := range standbys {
			waitForLists(t, node)
		}
		for _, node := range standbys { // first one, then both
			pgtest.Exec(t, node.URL(), "SELECT pg_wal_replay_pause()")
			l.progress()
		}
		for _, node := range standbys {
			pgtest.Exec(t, node.URL(), "SELECT pg_wal_replay_resume()")
		}
		l.progress()
		for _, node := range standbys {
			node.Stop()
			l.progress()
			if err := node.Start(); err != nil {
				t.Fatal(err)
			}
			nodes[0].WaitFor(t, "SELECT count(*) = 2 FROM pg_stat_replication WHERE state = 'streaming'")
		}
		former := nodes[0]
		nodes = failover(t, l, nodes)
		l.progress()
		// A standby shows its new timeline after a restartpoint.
		follower := nodes[1]
		pgtest.Exec(t, nodes[0].URL(), "CHECKPOINT")
		pgtest.Exec(t, follower.URL(), "CHECKPOINT")
		waitForLists(t, follower)
		if round == soakRounds-1 {
			break
		}
		former.Rejoin(t, nodes[0])
		nodes = append(nodes, former)
		nodes[0].WaitFor(t, "SELECT count(*) = 2 FROM pg_stat_replication WHERE state = 'streaming'")
	}
	l.finish()
}

// failover stops the primary, promotes the standby with the most WAL and lets the other follow it.
func failover(t *testing.T, l *load, nodes []*pgtest.Cluster) []*pgtest.Cluster {
	t.Helper()
	l.failovers.Add(1)
	nodes[0].Stop()
	standbys := slices.Clone(nodes[1:])
	slices.SortFunc(standbys, func(a, b *pgtest.Cluster) int { return cmp.Compare(received(t, b), received(t, a)) })
	standbys[0].Promote(t)
	standbys[1].Follow(t, standbys[0])
	standbys[0].WaitFor(t, "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
	l.failovers.Add(1)
	return standbys
}
