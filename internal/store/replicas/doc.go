// Package replicas lets hot standbys of PostgreSQL answer reads.
//
// # What a standby may answer
//
// A read sees every write that any server acknowledged before the read began. Each read first asks the primary for its
// position, which is the end of the write-ahead log (WAL) on its disk, and its timeline. An acknowledged commit lies before
// that position. A standby answers once it has replayed the position:
//
//	primary    ---- commit ---- acknowledged ---- position ------------------>  WAL
//	                                                 |
//	standby    -------------------------- replay ----+---- snapshot of the read
//
// A standby that has not replayed the position within MaxLag leaves the read to the next standby and then to the primary, and
// reads do not wait for it until it catches up. A standby that fails gets no reads. In both states, a probe in the background
// checks the standby once a second.
//
// The end of the WAL on the disk is mostly inside a record while a large transaction writes. No standby could replay such a
// position before the next commit, so the primary completes the record first (completeWAL).
//
// Positions of the old and of the new primary are not comparable after a failover. A standby that still follows the old one
// may have replayed more of the old WAL than the new primary has of its own. The timeline differs, and a standby of another
// timeline answers nothing. PostgreSQL shows the new timeline of a standby after its next restartpoint.
//
// The check and the read use one connection, because an address may belong to a balancer of several standbys.
//
// # Without a primary
//
// While no primary can be reached, standbys answer from what they have replayed, which may lack the latest writes. Each read
// still tries to connect to the primary first, so a primary that is back is noticed by the next read. A primary that has lost a
// connection, or accepts one and does not return its position, may still acknowledge writes: it answers the read itself.
package replicas
