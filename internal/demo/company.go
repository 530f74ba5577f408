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

// stage tells how releases reach an environment.
type stage uint8

const (
	development stage = iota
	staging
	live
	edge
	sandbox
)

// logicalNames are those of the stages' logical environments; a sandbox has none.
var logicalNames = [...]string{development: "development", staging: "staging", live: "production", edge: "production", sandbox: ""}

// failures is how many percent of the releases that replace another are rolled back.
var failures = [...]int{development: 0, staging: 3, live: 6, edge: 4, sandbox: 0}

// company is where the history happens: what there is, and what runs where.
type company struct {
	namespace    uuid.UUID // of all ids but those of records
	projects     []project
	environments []environment
	components   []component
	places       []place
	// busy sums up the components' shares of all releases, to choose one by.
	busy []int64
}

// project has versions v1.0, v1.1 ... The last one is what its components are released for.
type project struct {
	name     string
	version  int32
	releases int32 // for that version
}

type environment struct {
	name, id, logicalID string
	stage               stage
}

// component is something that is released: a service's image, or a chart.
type component struct {
	deployment string // the name of its slots; an image and a chart may share it
	artifact   deployments.Artifact
	// projects are the numbers of those that it belongs to: none, one or two.
	projects []int
	last     release
	// settled is when the last release will have reached production.
	settled int64
	// places are the numbers of those that it is deployed in, by stage.
	places []int32
}

// release is an artifact of a component. All else about the artifact follows from it.
type release struct {
	number              int32 // from 1; 0 is none
	major, minor, patch int32
	// projectVersions are those that the artifact belongs to, of the component's projects.
	projectVersions [2]int32
	// next says that it belongs to the version after that, too.
	next bool
}

// place is an identity: a component in an environment.
type place struct {
	number, component, environment int32
	first                          bool // of its component

	// What runs there; what ran before it; all times are working time.
	running                bool
	id                     uuid.UUID
	release, previous      release
	created, updated, seen int64

	// What is to be deployed, when; 0 is never. Nothing is planned while the component is away from there.
	plan release
	due  int64
	away int64
}

// id is the UUID of something that has a name.
func (c *company) id(kind, name string) string {
	return uuid.NewHash(sha256.New(), c.namespace, []byte(kind+"\x00"+name), 8).String()
}

// newRecordID gives the place's record an id as a server would draw it.
func (c *company) newRecordID(random *rand.Rand, p *place) {
	binary.BigEndian.PutUint64(p.id[:8], random.Uint64())
	binary.BigEndian.PutUint64(p.id[8:], random.Uint64())
	p.id[6] = p.id[6]&0x0f | 0x40
	p.id[8] = p.id[8]&0x3f | 0x80
}

// busyComponent is a random component; those with a greater share come more often. One whose last release is still
// on its way is passed over, unless most are.
func (c *company) busyComponent(random *rand.Rand, now int64) *component {
	var chosen *component
	for range 8 {
		at := random.Int64N(c.busy[len(c.busy)-1])
		i, found := slices.BinarySearch(c.busy, at)
		if found {
			i++ // a sum is where the next share begins
		}
		if chosen = &c.components[i]; chosen.settled <= now {
			break
		}
	}
	return chosen
}

// nextRelease makes a new version of the component: mostly a fix, sometimes more. A project's version is complete
// after some releases, and the next begins.
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
	// What is released late for a version is still what the next one begins with.
	r.next = random.IntN(100) < 12
	component.last = r
	return r
}

// entry is the place's record, but for its status and times.
func (c *company) entry(p *place) deployments.ImportEntry {
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
		LogicalEnvironmentName: logicalNames[environment.stage],
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
