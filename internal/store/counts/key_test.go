package counts

import "testing"

// HasCounter is true for the filters of every list that a record is counted in, and for no others.
func TestFiltersHaveCountersWhereRecordsAreCounted(t *testing.T) {
	for _, latest := range []bool{false, true} {
		record := Dimensions{
			Latest: latest, ProjectSetID: 1,
			Columns: Columns{EnvironmentID: "e", LogicalEnvironmentID: "l", DeploymentName: "n", Status: 1, Kind: 1},
		}
		counted := make(map[Filters]bool)
		for _, key := range append(record.withoutNames().subsets(), record.byNameOrSet()...) {
			if counted[key.Filters()] {
				t.Errorf("%+v is counted twice", key)
			}
			counted[key.Filters()] = true
		}
		for present := range 1 << 6 {
			has := func(filter int) bool { return present>>filter&1 != 0 }
			filters := Filters{Latest: latest, Environment: has(0), LogicalEnvironment: has(1), DeploymentName: has(2), Status: has(3), Kind: has(4)}
			if has(5) {
				filters.Projects = 1
			}
			if got := filters.HasCounter(); got != counted[filters] {
				t.Errorf("%+v: HasCounter is %t", filters, got)
			}
		}
	}
}
