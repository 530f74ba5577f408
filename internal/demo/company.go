package demo

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/google/uuid"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// environmentKind decides how releases reach an environment.
type environmentKind uint8

const (
	development environmentKind = iota
	staging
	live
	edge
	sandbox
)

// logicalNames are the logical environments of the kinds; a sandbox has none.
var logicalNames = [...]string{development: "development", staging: "staging", live: "production", edge: "production", sandbox: ""}

// rollbackPercent is the percentage of the upgrades that are rolled back.
var rollbackPercent = [...]int{development: 0, staging: 3, live: 6, edge: 4, sandbox: 0}

// company is the state of the simulation: what exists, and what runs where.
type company struct {
	namespace    uuid.UUID // of all ids except record ids
	projects     []project
	environments []environment
	components   []component
	targets      []target
	// cumulativeShares are the running sums of the components' shares of all releases.
	cumulativeShares []int64
}

// project has versions v1.0, v1.1, ... Releases of its components belong to the last one.
type project struct {
	name     string
	version  int32
	releases int32 // of the last version
}

type environment struct {
	name, id, logicalID string
	kind                environmentKind
}

// component is a service's image, or a chart.
type component struct {
	deployment string // name; an image and a chart may share it
	artifact   deployments.Artifact
	// projects are the indexes of its projects: none, one or two.
	projects []int
	last     release
	// inProductionAt is the time at which the last release reaches production.
	inProductionAt int64
	// targets are the indexes of its targets, in the order of their kinds.
	targets []int32
}

// release is an artifact of a component. The rest of the artifact is derived from it.
type release struct {
	number              int32 // from 1; 0 is none
	major, minor, patch int32
	// projectVersions are the artifact's versions of the component's projects.
	projectVersions [2]int32
	// next adds the artifact to the following project version too.
	next bool
}

// target is a component in an environment (an identity, W1).
type target struct {
	number, component, environment int32
	first                          bool // receives each release of its component first

	// The current record and the release before it. Times are in working time.
	running                    bool
	id                         uuid.UUID
	release, previous          release
	created, updated, lastSeen int64

	// The next rollout, and its time, or 0. A decommissioned target has no rollouts until absentUntil.
	plan        release
	due         int64
	absentUntil int64
}

// id returns the UUID of a named object.
func (c *company) id(kind, name string) string {
	return uuid.NewHash(sha256.New(), c.namespace, []byte(kind+"\x00"+name), 8).String()
}

// newRecordID sets a random UUID (version 4) as the record's id.
func (c *company) newRecordID(random *rand.Rand, p *target) {
	binary.BigEndian.PutUint64(p.id[:8], random.Uint64())
	binary.BigEndian.PutUint64(p.id[8:], random.Uint64())
	p.id[6] = p.id[6]&0x0f | 0x40
	p.id[8] = p.id[8]&0x3f | 0x80
}

// randomComponent returns a random component, weighted by share. It avoids components whose last release has not reached
// production yet.
func (c *company) randomComponent(random *rand.Rand, now int64) *component {
	var chosen *component
	for range 8 {
		at := random.Int64N(c.cumulativeShares[len(c.cumulativeShares)-1])
		i, found := slices.BinarySearch(c.cumulativeShares, at)
		if found {
			i++ // a sum belongs to the next share
		}
		if chosen = &c.components[i]; chosen.inProductionAt <= now {
			break
		}
	}
	return chosen
}

// nextRelease creates a release of the component, mostly a patch version. After 12 releases, a project starts its next
// version.
func (c *company) nextRelease(random *rand.Rand, component *component) release {
	r := component.last
	r.number++
	switch n := random.IntN(100); {
	case n < 68:
		r.patch++
	case n < 97:
		r.minor, r.patch = r.minor+1, 0
	default:
		r.major, r.minor, r.patch = r.major+1, 0, 0
	}
	for i, number := range component.projects {
		p := &c.projects[number]
		if p.releases++; p.releases > 12 {
			p.version, p.releases = p.version+1, 1
		}
		r.projectVersions[i] = p.version
	}
	// Some artifacts of a project version are part of the following one too.
	r.next = random.IntN(100) < 12
	component.last = r
	return r
}

// entry returns the target's record without its status and times.
func (c *company) entry(p *target) deployments.ImportEntry {
	component, environment := &c.components[p.component], &c.environments[p.environment]
	r := p.release
	artifact := component.artifact
	artifact.Version = fmt.Sprintf("%d.%d.%d", r.major, r.minor, r.patch)
	reference := artifact.Name + ":" + artifact.Version
	artifact.Digest = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(c.namespace.String()+reference)))
	entry := deployments.ImportEntry{Record: deployments.Record{
		ID:                     p.id.String(),
		EnvironmentID:          environment.id,
		EnvironmentName:        environment.name,
		LogicalEnvironmentID:   environment.logicalID,
		LogicalEnvironmentName: logicalNames[environment.kind],
		DeploymentName:         component.deployment,
		ArtifactID:             c.id("artifact", reference),
		Artifact:               artifact,
	}}
	for i, number := range component.projects {
		versions := []int32{r.projectVersions[i]}
		if r.next {
			versions = append(versions, r.projectVersions[i]+1)
		}
		for _, version := range versions {
			entry.ProjectVersions = append(entry.ProjectVersions, deployments.ProjectVersion{
				ProjectName: c.projects[number].name, VersionName: fmt.Sprintf("v1.%d", version),
			})
		}
	}
	return entry
}
