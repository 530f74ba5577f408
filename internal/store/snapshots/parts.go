package snapshots

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// part is a row of snapshot_parts: a part that has arrived.
type part struct {
	OrganizationID int64  `gorm:"primaryKey;autoIncrement:false"`
	SnapshotID     string `gorm:"primaryKey"`
	Part           int    `gorm:"primaryKey;autoIncrement:false"`
	Items          []byte
	Named          string
	NamesAll       bool
}

// TableName implements schema.Tabler of GORM.
func (part) TableName() string { return "snapshot_parts" }

// Add adds the identities that the items of the batch name. If the batch is a part, Add stores it. sent has the items as the
// client sent them. Add returns a *deployments.BatchError if the part came before with other items, or if its numbers
// contradict other parts.
func (s *Snapshot) Add(sent, items []deployments.BatchItem) error {
	s.named = namedBy(items)
	if s.Part == nil {
		return nil
	}
	digest, err := digestOf(sent)
	if err != nil {
		return err
	}
	row := part{s.organizationID, s.Part.SnapshotID, s.Part.Number, digest, s.named.json(), s.named.all}
	created := s.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if created.Error != nil {
		return created.Error
	}
	if created.RowsAffected == 0 {
		var stored part
		if err := s.whereKey().Select("items").Where("part = ?", s.Part.Number).Take(&stored).Error; err != nil {
			return err
		}
		if !bytes.Equal(stored.Items, digest) {
			return reject("deployments", "differ from those with which part %d came before", s.Part.Number)
		}
	}
	return s.readArrived()
}

// digestOf returns the same digest for equal items.
func digestOf(items []deployments.BatchItem) ([]byte, error) {
	text, err := json.Marshal(items)
	sum := sha256.Sum256(text)
	return sum[:], err
}

func reject(field, format string, args ...any) error {
	return &deployments.BatchError{Violations: []deployments.Violation{{Field: field, Message: fmt.Sprintf(format, args...)}}}
}

// readArrived reads which parts have arrived, as far as the batch needs it. Once a final part has arrived, its number of parts
// holds for all parts.
func (s *Snapshot) readArrived() error {
	if s.stored.Parts != nil {
		if parts := *s.stored.Parts; s.Part.IsFinal() && s.Part.Parts != parts {
			return reject("parts", "is %d, and the final part has arrived with %d", s.Part.Parts, parts)
		} else if s.Part.Number > parts {
			return reject("part", "is %d, and the final part has arrived with %d parts", s.Part.Number, parts)
		}
	}
	if !s.Part.IsFinal() || s.isComplete() {
		return nil
	}
	var arrived []part
	if err := s.whereKey().Select("part, names_all").Order("part").Find(&arrived).Error; err != nil {
		return err
	}
	if last := arrived[len(arrived)-1].Part; last > s.Part.Parts {
		return reject("parts", "is %d, and part %d has arrived", s.Part.Parts, last)
	}
	for number := 1; number <= s.Part.Parts; number++ {
		if len(arrived) == 0 || arrived[0].Part != number {
			s.missing = append(s.missing, number)
			continue
		}
		s.named.all = s.named.all || arrived[0].NamesAll
		arrived = arrived[1:]
	}
	return nil
}

// Finish stores the number of parts and sets the result of the final part. If every part has arrived, it completes the
// snapshot: a repeated final part gets the same result.
func (s *Snapshot) Finish(result *deployments.BatchResult) error {
	if s.Part == nil || !s.Part.IsFinal() {
		return nil
	}
	if s.isComplete() {
		result.Decommissioned = *s.stored.Decommissioned
		return nil
	}
	columns := map[string]any{"parts": s.Part.Parts}
	if len(s.missing) > 0 {
		result.MissingParts = slices.Clone(s.missing)
	} else {
		columns["decommissioned"] = result.Decommissioned
	}
	if err := s.whereKey().Model(&row{}).Updates(columns).Error; err != nil || len(s.missing) > 0 {
		return err
	}
	return s.whereKey().Model(&part{}).Update("named", noNames).Error // nothing reads them any more
}
