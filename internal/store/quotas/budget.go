package quotas

import (
	"maps"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// Kind is a kind of names that a quota limits.
type Kind int

// The kinds of names.
const (
	Environments Kind = iota
	LogicalEnvironments
	Projects
	ProjectVersions
	Deployments
	kinds
)

// words has, for each kind, the part of a recording that has its names, and the word for the kind.
var words = [kinds]struct{ field, plural string }{
	{"environment_name", "environments"},
	{"logical_environment_name", "logical environments"},
	{"project_versions.project_name", "projects"},
	{"project_versions.project_version_name", "project versions"},
	{"deployment_name", "deployments"},
}

// Names returns the quotas, as in deployments.QuotaError.
func Names() []string {
	names := []string{"idempotency keys"}
	for _, word := range words {
		names = append(names, word.plural)
	}
	return names
}

// Name is a name that a recording adds.
type Name struct {
	Kind Kind
	// Parent is the project of a version or the environment of a deployment, otherwise empty.
	Parent string
	Text   string
}

// Budget is what a transaction may add to its organization.
type Budget struct {
	tx             *gorm.DB
	organizationID int64
	limits         [kinds]int64
	// used are the stored numbers, as far as isRead has them, and the admitted names.
	used     [kinds]int64
	isRead   [kinds]bool
	admitted map[Name]bool
}

// NewBudget returns the budget of a transaction. It reads nothing yet.
func NewBudget(tx *gorm.DB, organizationID int64, l Limits) *Budget {
	return &Budget{
		tx: tx, organizationID: organizationID, admitted: make(map[Name]bool),
		limits: [kinds]int64{l.Environments, l.LogicalEnvironments, l.Projects, l.ProjectVersions, l.Deployments},
	}
}

// Admit admits names that are not stored: all, or none if one of them exceeds a quota, which it then returns.
func (b *Budget) Admit(names []Name) (exceeded *deployments.QuotaError, err error) {
	for _, name := range names {
		if err := b.read(name.Kind); err != nil {
			return nil, err
		}
	}
	used, added := b.used, make(map[Name]bool)
	for _, name := range names {
		if b.admitted[name] || added[name] {
			continue
		}
		if limit := b.limits[name.Kind]; limit > 0 && used[name.Kind] >= limit {
			word := words[name.Kind]
			return &deployments.QuotaError{Field: word.field, Name: name.Text, Quota: word.plural, Used: used[name.Kind], Limit: limit}, nil
		}
		used[name.Kind]++
		added[name] = true
	}
	b.used = used
	maps.Copy(b.admitted, added)
	return nil, nil
}

// read reads the numbers of a kind, unless it has no limit or is read already. One statement reads those of all kinds of names.
func (b *Budget) read(kind Kind) (err error) {
	if b.limits[kind] == 0 || b.isRead[kind] {
		return nil
	}
	if kind == Deployments {
		b.isRead[kind] = true
		b.used[kind], err = slots(b.tx, b.organizationID)
		return err
	}
	usage, err := Read(b.tx, b.organizationID)
	for kind, n := range usage.byKind() {
		b.isRead[kind] = true
		b.used[kind] = n
	}
	return err
}

func (u Usage) byKind() [Deployments]int64 {
	return [Deployments]int64{u.Environments, u.LogicalEnvironments, u.Projects, u.ProjectVersions}
}

// Commit adds what the transaction has created to the stored numbers. These are locked from then on, so it comes last. It
// returns database.ErrOutdated if another transaction has added names since Admit, and both together exceed a quota.
func (b *Budget) Commit(created Usage) error {
	addsSlots := b.limits[Deployments] > 0 && b.hasAdmitted(Deployments)
	if created == (Usage{}) && !addsSlots {
		return nil
	}
	sums, err := Add(b.tx, b.organizationID, created)
	if err != nil {
		return err
	}
	added := created.byKind()
	for kind, n := range sums.byKind() {
		if limit := b.limits[kind]; added[kind] > 0 && limit > 0 && n > limit {
			return database.ErrOutdated
		}
	}
	if addsSlots {
		if n, err := slots(b.tx, b.organizationID); err != nil {
			return err
		} else if n > b.limits[Deployments] {
			return database.ErrOutdated
		}
	}
	return nil
}

func (b *Budget) hasAdmitted(kind Kind) bool {
	for name := range b.admitted {
		if name.Kind == kind {
			return true
		}
	}
	return false
}
