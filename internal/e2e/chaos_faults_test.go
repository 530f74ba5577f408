package e2e_test

import (
	"math/rand/v2"
	"time"

	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// faults returns the kinds of faults of the engine.
func (c *chaos) faults() []fault {
	f := &c.figures
	kinds := []fault{
		{"kill of a server", c.plan.serverKills, func() { c.killServer(); f.serverKills++ }},
		{"kill of an import", c.plan.importKills, func() { c.killImport(); f.importKills++ }},
		{"kill of a compaction", c.plan.compactKills, func() { c.killCompaction(); f.compactKills++ }},
	}
	if c.disk != nil {
		kinds = append(kinds, fault{"full disk", c.plan.fullDisks, func() { c.fillDisk(); f.fullDisks++ }})
	}
	if c.cluster == nil {
		return kinds
	}
	return append(kinds,
		fault{"restart of the database", c.plan.restarts, func() { c.restart(c.cluster.Shutdown); f.restarts++ }},
		fault{"immediate stop of the database", c.plan.immediateStops, func() {
			c.restart(func() error { c.cluster.Stop(); return nil })
			f.immediateStops++
		}},
		fault{"stalled network", c.plan.stalls, func() { c.proxy.Stall(time.Second + rand.N(2*time.Second)); f.stalls++ }},
		fault{"reset of all connections", c.plan.resets, func() { c.proxy.Reset(); f.resets++ }},
		fault{"lost network of all connections", c.plan.halfOpens, func() {
			c.halfOpen = append(c.halfOpen, c.proxy.Cut())
			f.halfOpens++
		}},
	)
}

// killServer kills a server and starts another one.
func (c *chaos) killServer() {
	c.t.Helper()
	i := rand.IntN(len(c.servers))
	_ = c.servers[i].cmd.Process.Kill()
	_ = c.servers[i].cmd.Wait()
	next := serve(c.t, c.through, "--request-timeout", "10s")
	c.mu.Lock()
	c.servers[i] = next
	c.mu.Unlock()
}

// killImport kills an import of a new file, which the final check imports again.
func (c *chaos) killImport() {
	c.t.Helper()
	for {
		file := c.importFile(len(c.imports))
		c.imports = append(c.imports, file)
		if c.killCommand("import", "--organization", chaosOrganization, file) {
			return
		}
	}
}

// killCompaction kills a command that compacts what is pending, as servers do too.
func (c *chaos) killCompaction() {
	c.t.Helper()
	for !c.killCommand("migrate") {
	}
}

// killCommand kills a command at a random time and reports whether it still ran.
func (c *chaos) killCommand(args ...string) bool {
	c.t.Helper()
	cmd := command(c.t, c.direct, args...)
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	time.Sleep(20*time.Millisecond + rand.N(300*time.Millisecond))
	killed := cmd.Process.Kill() == nil
	_ = cmd.Wait()
	return killed && !cmd.ProcessState.Exited()
}

// restart stops the database and starts it.
func (c *chaos) restart(stop func() error) {
	c.t.Helper()
	if err := stop(); err != nil {
		c.t.Fatal(err)
	}
	time.Sleep(rand.N(500 * time.Millisecond))
	if err := c.cluster.Start(); err != nil {
		c.t.Fatal(err)
	}
}

// fillDisk fills the disk for a while. PostgreSQL may end when it cannot write its log.
func (c *chaos) fillDisk() {
	c.t.Helper()
	c.disk.fill(c.t)
	time.Sleep(time.Second + rand.N(2*time.Second))
	c.disk.free(c.t)
	if c.cluster != nil && !pgtest.Accepts(c.cluster.URL()) {
		c.restart(func() error { c.cluster.Stop(); return nil })
	}
}
