// Package counts keeps the totals of lists and the positions of their pages, so that neither is counted for each request.
//
// # The equation
//
// A list is the result of a set of filters (Key). At every moment, this equation holds for every counted list
// (Filters.HasCounter) and for every range between its milestones:
//
//	records = counter + pending deltas
//
// Writers would queue for the few rows of counters. Instead, triggers append deltas to a log (list_changes), in the writer's
// transaction: +1 for a record that enters the lists of its Dimensions, -1 for one that leaves. Compaction moves deltas from
// the log into the counters. Every server compacts about once a second, or more slowly if that takes long (RunBackground in
// store/background.go; package compaction). For each organization, one gets the compaction lock and does the work; the others
// skip it. Imports and repairs (CompactIsolated) and migrations (store.Migrate) compact too. A listing reads counter and log in one
// statement, so its total is always exact. Compaction, building milestones and audit's Verify rest on the same equation.
//
//	writer ──trigger──> list_changes ──compaction──> list_totals        (records of a list)
//	                    (delta log)                  counted_artifacts  (records of an artifact)
//	                        │                        list_positions     (records of a range of a list)
//	                        │                             │
//	                        └───────── listing ───────────┘
//
// The terms, their tables and their types:
//
//	term       table              type
//	delta      list_changes       Delta: a record that enters or leaves lists
//	counter    list_totals        the total of a list (Key, Dimensions)
//	           counted_artifacts  the total of an artifact, once its records were listed (package demand)
//	milestone  list_positions     Milestone: a Position, and the records from there to the next
//
// An import writes its deltas to a partition of its own, and compacts them before it commits. Otherwise, each listing would
// scan all of the import's uncommitted deltas.
//
// # Milestones
//
// A list of more than 2,048 records gets milestones, a sparse rank index: positions in the order of time, each with the number of
// records from there to the next. The sum of these numbers from the beginning is the rank of a position, the number of records
// before it. A page is read from the nearest milestone, forward or backward. The choice affects the cost of a page, never its
// records, because each rank is exact.
//
// Example, with an interval of 100: a list of 1,000 records, and the page at offset 640 of size 20, newest first. In the order
// of time, the page has the ranks 340 to 359. The milestones:
//
//	position   Beginning   m1    m2    m3                 m4   ...
//	N                100   100   100   100               100   ...
//	rank               0   100   200   300               400   ...
//	                                           ├page┤── 40 ┤
//
// The nearest known rank to the page's newest record (its upper rank, 360) is m4's, 400: the statement skips 40 index
// entries backward from m4 and reads 20 records. Without milestones it would skip 340 entries forward from the beginning. If
// a delta of +1 before m3 is pending, the total and each rank from m3 on are one more. The page then has the ranks 341 to
// 360, and m4, at rank 401, is still 40 entries away.
//
// A long list has thousands of milestones. About every 64th is there twice: a coarse one has the number of records to the next coarse
// one. A page adds up the coarse ones before it, and then the fine ones from the last of these on:
//
//	coarse       6400                         6400                         ...
//	fine          100   100   ...   100        100   100   100   100       ...
//	rank            0   100  ...   6300       6400  6500  6600  6700       ...
//	adds up  └────── 1 coarse ────────┘└─ 3 fine ──────┘├page┤
//
// On SQLite, a page adds up fine ones alone.
//
// When a fine range exceeds twice the interval, compaction splits it by reading its records (package milestones). As its records include
// the pending deltas, these are subtracted. It splits a coarse range by the fine ones in it. It joins neighbouring ranges that have at
// most an interval together: records leave the list of those that are DEPLOYED, which would otherwise have milestones for all that it
// ever had.
//
// A compaction reads the ranges that end after its first delta: of the lists that its deltas change, or of all lists if these or
// the deltas are many. A recording that supersedes another has deltas at the positions of both records, so these are the ranges since
// the oldest record that was superseded.
package counts
