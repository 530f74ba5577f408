package counts

import "github.com/deployrecords/deployrecords/internal/deployments"

// AnyID stands for every id in the columns of the counters. It is a random constant, so that no id equals it.
const AnyID = "271cd479-99fe-42ea-b632-a11581c16cca"

// Columns holds the columns that totals and milestones have in common. In a Delta they are the values of a record, whose
// LogicalEnvironmentID is empty if it has none. In a Key, AnyID, an empty name and zero match every value.
type Columns struct {
	EnvironmentID        string             `gorm:"primaryKey"`
	LogicalEnvironmentID string             `gorm:"primaryKey"`
	DeploymentName       string             `gorm:"primaryKey"`
	Status               deployments.Status `gorm:"primaryKey;autoIncrement:false"`
	Kind                 deployments.Kind   `gorm:"primaryKey;autoIncrement:false"`
}

// Dimensions holds the columns of totals. A zero ProjectSetID is no set in a Delta, and matches every set in a Key.
type Dimensions struct {
	Latest bool `gorm:"primaryKey"`
	Columns
	ProjectSetID int64 `gorm:"primaryKey;autoIncrement:false"`
}

// Key identifies a list of an organization by its filters. The list of a project is the union of the lists of its project
// sets: its total is the sum of their totals, and it has milestones of its own. So has the list of an artifact, whose total is that
// of a counted artifact.
type Key struct {
	Dimensions
	ProjectID  int64
	ArtifactID string
}

// AllRecords is the list of all records.
var AllRecords = allKey(false)

// keyOf is the list of a total.
func keyOf(d Dimensions) Key { return Key{Dimensions: d, ArtifactID: AnyID} }

// allKey is the list of all records, or of the latest ones.
func allKey(latest bool) Key {
	return keyOf(Dimensions{Latest: latest, Columns: Columns{EnvironmentID: AnyID, LogicalEnvironmentID: AnyID}})
}

// nameKey is the list of a deployment name, without another filter.
func nameKey(latest bool, deploymentName string) Key {
	k := allKey(latest)
	k.DeploymentName = deploymentName
	return k
}

// ArtifactKey is the list of an artifact in the full history, without another filter.
func ArtifactKey(id string) Key {
	k := AllRecords
	k.ArtifactID = id
	return k
}

// projectSetKey is the list of a project set, without another filter.
func projectSetKey(latest bool, id int64) Key {
	k := allKey(latest)
	k.ProjectSetID = id
	return k
}

// ofProject returns the list of a project that corresponds to that of one of its project sets.
func (k Key) ofProject(id int64) Key {
	k.ProjectSetID, k.ProjectID = 0, id
	return k
}

// withoutNames returns the dimensions whose filters counters combine in every way.
func (d Dimensions) withoutNames() Dimensions {
	d.DeploymentName, d.ProjectSetID = "", 0
	return d
}

// subsets returns the lists with a counter that contain a record by every subset of environment, logical environment, status and
// kind.
func (d Dimensions) subsets() []Key {
	keys := make([]Key, 1, 16)
	keys[0] = allKey(d.Latest)
	for _, narrow := range d.narrowings() {
		for _, key := range keys {
			narrow(&key)
			keys = append(keys, key)
		}
	}
	return keys
}

// byNameOrSet returns the other lists with a counter that contain a record: by its deployment name or project set, alone and, in
// the full history, with one more filter.
func (d Dimensions) byNameOrSet() []Key {
	name, set := nameKey(d.Latest, d.DeploymentName), projectSetKey(d.Latest, d.ProjectSetID)
	keys := append(make([]Key, 0, 11), name)
	if d.ProjectSetID != 0 {
		keys = append(keys, set)
	}
	if d.Latest {
		return keys
	}
	alone := keys
	for _, narrow := range d.narrowings() {
		for _, key := range alone {
			narrow(&key)
			keys = append(keys, key)
		}
	}
	if d.ProjectSetID != 0 {
		set.DeploymentName = d.DeploymentName
		keys = append(keys, set)
	}
	return keys
}

// lists returns the lists that contain a record, of those with a counter: its projects are these, and no lists of its project set.
func (d Dimensions) lists(projects []int64) (keys []Key) {
	for _, key := range append(d.withoutNames().subsets(), d.byNameOrSet()...) {
		if key.ProjectSetID == 0 {
			keys = append(keys, key)
			continue
		}
		for _, project := range projects {
			keys = append(keys, key.ofProject(project))
		}
	}
	return keys
}

// narrowings returns the filters by environment, logical environment, status and kind that a record meets. Each narrows a list.
func (d Dimensions) narrowings() []func(*Key) {
	filters := append(make([]func(*Key), 0, 4),
		func(k *Key) { k.EnvironmentID = d.EnvironmentID },
		func(k *Key) { k.Status = d.Status },
		func(k *Key) { k.Kind = d.Kind })
	if d.LogicalEnvironmentID != "" {
		filters = append(filters, func(k *Key) { k.LogicalEnvironmentID = d.LogicalEnvironmentID })
	}
	return filters
}

// Filters holds which filters a query has, without their values.
type Filters struct {
	Latest, Environment, LogicalEnvironment, DeploymentName, Status, Kind bool
	// Projects is the number of projects that the filters require each record to belong to (0 to 2).
	Projects int
}

// HasCounter reports whether counters have the total of a list with these filters: any of environment, logical environment,
// status and kind, or a deployment name or projects, alone or, in the full history, with one more filter.
func (f Filters) HasCounter() bool {
	return !f.DeploymentName && f.Projects == 0 || f.number() == 1 || f.number() == 2 && !f.Latest
}

// HasMilestones reports whether a list with these filters that has a counter gets milestones once it exceeds the threshold. It is of the
// full history. With hundreds of environments, combinations with them would be most of the lists, so only pairs qualify.
func (f Filters) HasMilestones() bool {
	return !f.Latest && f.Projects <= 1 && (!f.Environment || f.number() <= 2)
}

// Indexed reports whether indexes yield exactly a list with these filters, in list order: there is at most one filter, or
// they are those of a slot.
func (f Filters) Indexed() bool {
	return f.number() <= 1 || f.number() == 2 && f.Environment && f.DeploymentName
}

// number returns the number of filters. Several projects are one filter, by the project sets that contain all of them.
func (f Filters) number() int {
	filters := min(f.Projects, 1)
	for _, present := range []bool{f.Environment, f.LogicalEnvironment, f.DeploymentName, f.Status, f.Kind} {
		if present {
			filters++
		}
	}
	return filters
}

// Condition is a filter of a list: a column and its value.
type Condition struct {
	Column string
	Value  any
}

// Conditions returns the filters of a Key by these columns.
func (c Columns) Conditions() (present []Condition) {
	for _, filter := range []struct {
		column     string
		value, all any
	}{
		{"environment_id", c.EnvironmentID, AnyID},
		{"logical_environment_id", c.LogicalEnvironmentID, AnyID},
		{"deployment_name", c.DeploymentName, ""},
		{"status", c.Status, deployments.AnyStatus},
		{"kind", c.Kind, deployments.AnyKind},
	} {
		if filter.value != filter.all {
			present = append(present, Condition{filter.column, filter.value})
		}
	}
	return present
}

// Filters returns the filters of the list. A project set is that of a project.
func (k Key) Filters() Filters {
	f := Filters{
		Latest: k.Latest, Environment: k.EnvironmentID != AnyID, LogicalEnvironment: k.LogicalEnvironmentID != AnyID,
		DeploymentName: k.DeploymentName != "", Status: k.Status != deployments.AnyStatus, Kind: k.Kind != deployments.AnyKind,
	}
	if k.ProjectID != 0 || k.ProjectSetID != 0 {
		f.Projects = 1
	}
	return f
}

// hasMilestones reports whether a stored total gets milestones. A milestone of one project set would have no rank in the list of
// a project, so only the project has milestones (selectLongProjects).
func (k Key) hasMilestones() bool { return k.ProjectSetID == 0 && k.Filters().HasMilestones() }
