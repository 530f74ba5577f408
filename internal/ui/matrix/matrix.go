// Package matrix arranges an overview for people: deployments in rows, logical environments or environments in columns, and
// in each cell the versions with the number of their records.
package matrix

import (
	"slices"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Matrix is an overview in rows and columns.
type Matrix struct {
	Columns []Column
	Rows    []Row
}

// Column is a logical environment or an environment. The name is empty for records without a logical environment.
type Column struct{ Name string }

// Row is a deployment name with a cell for each column.
type Row struct {
	Deployment string
	Cells      []Cell
}

// Cell is what a deployment has in a column. It may have both kinds of artifacts.
type Cell struct {
	Column   string
	Versions []Version
	// Newest is when the newest record of the versions was created.
	Newest time.Time
	// Mixed reports that several digests of one kind are deployed.
	Mixed bool
	// Differs reports that the deployed digests of a kind are not those of the previous logical environment that has any.
	Differs bool
	// Previous is the name of that logical environment.
	Previous string
	// Omitted is the number of versions that the overview leaves out.
	Omitted int64
}

// Version is an artifact with a status, and the number of its records.
type Version struct {
	deployments.Group
	// Label is the version, or a part of the digest, or both if several artifacts of the cell have the version.
	Label string
	// Ended is the name of a status other than DEPLOYED, in lower case.
	Ended   string
	IsChart bool
}

// New arranges an overview. Columns by logical environment are in their order.
func New(o deployments.Overview, grouping deployments.Grouping, order Order) Matrix {
	var m Matrix
	names := slices.Clone(o.Columns)
	if grouping == deployments.ByLogicalEnvironment {
		names = order.sort(names)
	}
	if slices.ContainsFunc(o.Groups, func(g deployments.Group) bool { return g.Column == "" }) {
		names = append(names, "")
	}
	index := make(map[string]int, len(names))
	places := make([]place, len(names))
	for i, name := range names {
		m.Columns = append(m.Columns, Column{name})
		index[name], places[i] = i, order.place(name)
	}
	rows := make(map[string]int, len(o.DeploymentNames))
	for i, deployment := range o.DeploymentNames {
		row := Row{Deployment: deployment, Cells: make([]Cell, len(names))}
		for i, name := range names {
			row.Cells[i].Column = name
		}
		m.Rows = append(m.Rows, row)
		rows[deployment] = i
	}
	for _, g := range o.Groups {
		m.Rows[rows[g.DeploymentName]].Cells[index[g.Column]].add(g)
	}
	for _, row := range m.Rows {
		for i := range row.Cells {
			if len(row.Cells[i].Versions) > 0 {
				row.Cells[i].label()
			}
			if grouping == deployments.ByLogicalEnvironment {
				row.compare(i, places)
			}
		}
	}
	return m
}

// add adds a group. The groups of a kind follow each other.
func (c *Cell) add(g deployments.Group) {
	if len(c.Versions) == 0 || c.Versions[len(c.Versions)-1].Artifact.Kind != g.Artifact.Kind {
		c.Omitted += g.Omitted
	}
	if g.Newest.After(c.Newest) {
		c.Newest = g.Newest
	}
	v := Version{Group: g, IsChart: g.Artifact.Kind == deployments.HelmChart}
	if g.Status != deployments.Deployed {
		v.Ended = strings.ToLower(g.Status.String())
	}
	c.Versions = append(c.Versions, v)
}

// label sets the labels of the versions, and whether the cell is mixed.
func (c *Cell) label() {
	type named struct {
		kind    deployments.Kind
		version string
	}
	first := make(map[named]deployments.Artifact, len(c.Versions))
	ambiguous := map[named]bool{}
	running := map[deployments.Kind]string{} // the digest of the first deployed one
	for _, v := range c.Versions {
		name := named{v.Artifact.Kind, v.Artifact.Version}
		if other, found := first[name]; !found {
			first[name] = v.Artifact
		} else if other != v.Artifact {
			ambiguous[name] = true
		}
		if v.Status == deployments.Deployed {
			digest, found := running[v.Artifact.Kind]
			c.Mixed = c.Mixed || found && digest != v.Artifact.Digest
			running[v.Artifact.Kind] = v.Artifact.Digest
		}
	}
	for i := range c.Versions {
		v := &c.Versions[i]
		v.Label = v.Artifact.Version
		if v.Label == "" {
			v.Label = ShortDigest(v.Artifact.Digest)
		} else if ambiguous[named{v.Artifact.Kind, v.Artifact.Version}] {
			v.Label += " " + ShortDigest(v.Artifact.Digest)
		}
	}
}

// compare sets whether a cell differs from the nearest earlier one that it follows and that is not empty. Two cells that both lack
// deployed versions of a kind are not compared.
func (r Row) compare(i int, places []place) {
	cell := &r.Cells[i]
	if len(cell.Versions) == 0 {
		return
	}
	for _, kind := range []deployments.Kind{deployments.ContainerImage, deployments.HelmChart} {
		own := cell.digests(kind)
		for j := i - 1; j >= 0 && len(own) > 0; j-- {
			previous := r.Cells[j].digests(kind)
			if len(previous) == 0 || !places[i].follows(places[j]) {
				continue
			}
			incomparable := cell.lacks(kind) && r.Cells[j].lacks(kind)
			if !incomparable && !slices.Equal(own, previous) {
				cell.Differs, cell.Previous = true, r.Cells[j].Column
			}
			break
		}
	}
}

// lacks reports whether the overview may leave out deployed versions of a kind: it leaves out others first.
func (c *Cell) lacks(kind deployments.Kind) bool {
	omitted := false
	for _, v := range c.Versions {
		if v.Artifact.Kind == kind {
			if v.Status != deployments.Deployed {
				return false
			}
			omitted = v.Omitted > 0
		}
	}
	return omitted
}

// digests returns the digests of a kind that are deployed, each once, sorted.
func (c *Cell) digests(kind deployments.Kind) (digests []string) {
	for _, v := range c.Versions {
		if v.Artifact.Kind == kind && v.Status == deployments.Deployed {
			digests = append(digests, v.Artifact.Digest)
		}
	}
	slices.Sort(digests)
	return slices.Compact(digests)
}

// ShortDigest returns the first 12 digits of a digest, without its algorithm.
func ShortDigest(digest string) string {
	_, hex, found := strings.Cut(digest, ":")
	if !found {
		hex = digest
	}
	runes := []rune(hex)
	return string(runes[:min(12, len(runes))])
}
