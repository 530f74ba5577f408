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
// sets: its total is the sum of their totals, and it has milestones of its own.
type Key struct {
	Dimensions
	ProjectID int64
}

// allKey is the list of all records, or of the latest ones.
func allKey(latest bool) Key {
	return Key{Dimensions: Dimensions{Latest: latest, Columns: Columns{EnvironmentID: AnyID, LogicalEnvironmentID: AnyID}}}
}

// The lists whose filter is combined with no other filter.
func nameKey(latest bool, deploymentName string) Key {
	k := allKey(latest)
	k.DeploymentName = deploymentName
	return k
}

func projectSetKey(latest bool, id int64) Key {
	k := allKey(latest)
	k.ProjectSetID = id
	return k
}

func projectKey(id int64) Key {
	k := allKey(false)
	k.ProjectID = id
	return k
}

// combination returns the dimensions whose filters counters combine.
func (d Dimensions) combination() Dimensions {
	d.DeploymentName, d.ProjectSetID = "", 0
	return d
}

// keys returns the counted lists that contain a record with this combination: by every subset of environment, logical
// environment, status and kind.
func (d Dimensions) keys() []Key {
	keys := make([]Key, 1, 16)
	keys[0] = allKey(d.Latest)
	narrow := func(filter func(*Key)) {
		for _, key := range keys {
			filter(&key)
			keys = append(keys, key)
		}
	}
	narrow(func(k *Key) { k.EnvironmentID = d.EnvironmentID })
	if d.LogicalEnvironmentID != "" {
		narrow(func(k *Key) { k.LogicalEnvironmentID = d.LogicalEnvironmentID })
	}
	narrow(func(k *Key) { k.Status = d.Status })
	narrow(func(k *Key) { k.Kind = d.Kind })
	return keys
}

// Filters holds which filters a query has, without their values.
type Filters struct {
	Latest, Environment, LogicalEnvironment, DeploymentName, Status, Kind bool
	// Projects is the number of projects that the filters require each record to belong to (0 to 2).
	Projects int
}

// Counted reports whether counters have the total of a list with these filters.
func (f Filters) Counted() bool {
	return !f.DeploymentName && f.Projects == 0 || f.Indexed()
}

// HasMilestones reports whether a list with these filters gets milestones once it exceeds the threshold. Only
// full-history lists that an index yields in list order, or that are a part of such a list, qualify. Those by environment
// may have a status or a kind besides: with hundreds of environments, their combinations would be most of the lists.
func (f Filters) HasMilestones() bool {
	return !f.Latest && f.Projects <= 1 && (!f.Environment || f.number() <= 2 && !f.LogicalEnvironment)
}

// Indexed reports whether indexes yield exactly a list with these filters, in list order: there is at most one filter.
func (f Filters) Indexed() bool { return f.number() <= 1 }

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

// hasMilestones is Filters.HasMilestones for a stored total. A milestone of one project set would have no rank in the list
// of a project, so only the project has milestones.
func (k Key) hasMilestones() bool {
	return !k.Latest && k.ProjectSetID == 0 && (k.EnvironmentID == AnyID || len(k.Conditions()) <= 2 && k.LogicalEnvironmentID == AnyID)
}
