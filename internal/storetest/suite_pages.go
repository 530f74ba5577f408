package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

func testL6_OrderIsNewestFirstAndStable(t *testing.T, open Opener) {
	ids := []string{
		"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000a", "0a000000-0000-0000-0000-000000000000",
		"7fffffff-ffff-ffff-ffff-ffffffffffff", "80000000-0000-0000-0000-000000000000", "a0000000-0000-0000-0000-000000000000",
		"ffffffff-ffff-ffff-ffff-fffffffffffe", "ffffffff-ffff-ffff-ffff-ffffffffffff",
	}
	s := open(t)
	var entries []deployments.ImportEntry
	for i, id := range ids {
		for slot := range 2 { // the last id wins its slot
			e := Entry(0, 1, fmt.Sprint("env", i/4), fmt.Sprint("slot", slot))
			if slot == 1 {
				id = "1" + id[1:len(id)-1] + fmt.Sprint(i)
			}
			e.Record.ID = id
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b deployments.ImportEntry) int { return int(a.Record.ID[35]) - int(b.Record.ID[35]) })
	Load(t, s, "acme", entries...)
	want := make([]string, 0, len(entries))
	latest := map[deployments.Slot]string{}
	for _, e := range entries {
		want = append(want, e.Record.ID)
		slot := deployments.Slot{EnvironmentID: e.Record.EnvironmentName, DeploymentName: e.Record.DeploymentName}
		latest[slot] = max(latest[slot], e.Record.ID)
	}
	slices.Sort(want)
	slices.Reverse(want)
	var got []string
	for _, r := range Ask(t, s, Acme, deployments.Query{History: deployments.All}).Records {
		got = append(got, r.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, r := range Ask(t, s, Acme, deployments.Query{}).Records {
		if want := latest[deployments.Slot{EnvironmentID: r.EnvironmentName, DeploymentName: r.DeploymentName}]; r.ID != want {
			t.Errorf("latest of %s %s: got %s, want %s", r.EnvironmentName, r.DeploymentName, r.ID, want)
		}
	}
}

func testL6_TimesKeepMicrosecondsAndOrderAcrossZones(t *testing.T, open Opener) {
	s := open(t)
	at := func(id int, when time.Time) deployments.ImportEntry {
		e := Entry(id, 0, "eu", "api")
		e.Record.CreatedAt, e.Record.UpdatedAt, e.Record.LastSeenAt = when, when.Add(time.Microsecond), when.Add(2*time.Microsecond)
		return e
	}
	east := time.FixedZone("", 14*3600)
	base := time.Date(2026, 3, 29, 1, 59, 59, 999_998_000, time.UTC)
	Load(t, s, "acme",
		at(1, base),
		at(2, base.Add(time.Microsecond).In(east)), // the text of this time sorts after the next one's
		at(3, base.Add(2*time.Microsecond)),
		at(4, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)),
		at(5, time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)),
	)
	WantIDs(t, s, Acme, deployments.Query{History: deployments.All}, 3, 2, 1, 5, 4)
	WantIDs(t, s, Acme, deployments.Query{}, 3)
	r := Ask(t, s, Acme, deployments.Query{History: deployments.All}).Records[1]
	for name, pair := range map[string][2]time.Time{
		"created_at":   {r.CreatedAt, base.Add(1 * time.Microsecond)},
		"updated_at":   {r.UpdatedAt, base.Add(2 * time.Microsecond)},
		"last_seen_at": {r.LastSeenAt, base.Add(3 * time.Microsecond)},
	} {
		if !pair[0].Equal(pair[1]) || pair[0].Location() != time.UTC {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
}

func testL7_PagesOfEverySizeConcatenateToTheWholeList(t *testing.T, open Opener) {
	const n = 23
	s := open(t)
	var entries []deployments.ImportEntry
	for i := range n {
		// Three at each time, so that ties fall on the borders of pages.
		entries = append(entries, Entry(i+1, i/3, "eu", fmt.Sprint("slot", i%11), WithStatus(deployments.Status(1+i%2)), WithProject("web", "v1")))
	}
	Load(t, s, "acme", entries...)
	for _, filter := range []deployments.Query{
		{},
		{History: deployments.All},
		{History: deployments.All, Status: deployments.Deployed},
		{History: deployments.All, EnvironmentName: "eu", ProjectName: "web"},
		{History: deployments.All, DeploymentName: "slot3"},
		{History: deployments.All, DeploymentName: "none"},
	} {
		whole := Ask(t, s, Acme, filter)
		for size := int32(1); size <= n+2; size++ {
			var pages []deployments.Record
			for number := int32(0); ; number++ {
				q := filter
				q.Page = deployments.Page{Number: number, Size: size}
				got := Ask(t, s, Acme, q)
				if got.Total != whole.Total {
					t.Fatalf("%+v: total %d, want %d", q, got.Total, whole.Total)
				}
				if want := min(int64(size), max(whole.Total-q.Page.Offset(), 0)); int64(len(got.Records)) != want {
					t.Fatalf("%+v: %d records, want %d", q, len(got.Records), want)
				}
				pages = append(pages, got.Records...)
				if len(got.Records) == 0 {
					break
				}
			}
			if !slices.Equal(IDs(pages), IDs(whole.Records)) {
				t.Errorf("%+v, size %d: got %d, want %d", filter, size, IDs(pages), IDs(whole.Records))
			}
		}
	}
}

func testL7_PagesPastTheEndAreEmptyWithTheSameTotal(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme", Entry(1, 1, "eu", "a"), Entry(2, 2, "eu", "b"), Entry(3, 3, "eu", "c"))
	for _, page := range []deployments.Page{
		{Number: 1, Size: 3},
		{Number: 2, Size: 2},
		{Number: 1_000_000, Size: 100},
		{Number: math.MaxInt32, Size: 1},
		{Number: math.MaxInt32, Size: 100},
		{Number: math.MaxInt32, Size: math.MaxInt32},
		{Number: 1, Size: math.MaxInt32},
	} {
		for _, history := range []deployments.History{deployments.Latest, deployments.All} {
			got := Ask(t, s, Acme, deployments.Query{History: history, Page: page})
			if len(got.Records) != 0 || got.Records == nil || got.Total != 3 {
				t.Errorf("%+v: got %+v", page, got)
			}
		}
	}
	WantIDs(t, s, Acme, deployments.Query{Page: deployments.Page{Size: math.MaxInt32}}, 3, 2, 1)
}

func testL9_PageAndTotalAreOfOneSnapshot(t *testing.T, open Opener) {
	const each = 7 // records come and are counted in sevens
	s := open(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() {
		for round := 0; round < 60 && ctx.Err() == nil; round++ {
			var entries []deployments.ImportEntry
			for i := range each {
				entries = append(entries, Entry(round*each+i+1, round, "eu", fmt.Sprint(round, "-", i)))
			}
			if _, err := s.Import(ctx, "acme", Entries(entries...)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for asked := 0; ; asked++ {
		q := deployments.Query{History: deployments.History(asked % 2), Page: deployments.Page{Number: int32(asked % 3), Size: 50}}
		got := Ask(t, s, Acme, q)
		want := min(max(got.Total-q.Page.Offset(), 0), int64(q.Page.Size))
		if got.Total%each != 0 || int64(len(got.Records)) != want {
			t.Fatalf("total %d with %d records on page %d", got.Total, len(got.Records), q.Page.Number)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}

func testListEndsWithItsContext(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme", Entry(1, 1, "eu", "api"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.List(ctx, Acme, deployments.Query{Page: deployments.Page{Size: 1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := s.List(ctx, Acme, deployments.Query{Page: deployments.Page{Size: 1}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	WantIDs(t, s, Acme, deployments.Query{}, 1) // the store still works
}
