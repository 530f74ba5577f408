package audit

import "github.com/deployrecords/deployrecords/internal/store/quotas"

// verifyUsage compares the numbers of names that the quotas are compared with.
func (v *verifier) verifyUsage() error {
	stored, err := quotas.Read(v.tx, v.organizationID)
	if err != nil {
		return err
	}
	counted, err := quotas.Count(v.tx, v.organizationID)
	if err != nil {
		return err
	}
	for _, number := range []struct {
		name            string
		stored, counted int64
	}{
		{"environments", stored.Environments, counted.Environments},
		{"logical environments", stored.LogicalEnvironments, counted.LogicalEnvironments},
		{"projects", stored.Projects, counted.Projects},
		{"project versions", stored.ProjectVersions, counted.ProjectVersions},
	} {
		if number.stored != number.counted {
			v.result.add("the number of %s is stored as %d and is %d", number.name, number.stored, number.counted)
		}
	}
	return nil
}
