package deployrecordstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/deployrecords/deployrecords/generated/client"
	"github.com/deployrecords/deployrecords/internal/fixture"
)

// Option says what a server starts with. Options of records can be given several times, and add up in their order.
type Option func(*config) error

type config struct {
	files []fixture.File
	now   func() time.Time // nil: the real time
}

// WithRecordsFile starts the server with the records of a file: NDJSON as `deployrecords import` takes it, gzipped or
// not. A relative name is, as in every Go test, relative to the directory of the package that is tested.
func WithRecordsFile(name string) Option {
	return func(c *config) error {
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("WithRecordsFile: %w", err)
		}
		c.files = append(c.files, fixture.File{Name: name, Data: data})
		return nil
	}
}

// WithRecordsFrom starts the server with the records that r gives, in the form of WithRecordsFile. It is read to its
// end when the server starts.
func WithRecordsFrom(r io.Reader) Option {
	return func(c *config) error {
		data, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("WithRecordsFrom: %w", err)
		}
		c.files = append(c.files, fixture.File{Name: "WithRecordsFrom", Data: data})
		return nil
	}
}

// WithRecords starts the server with records that are Go values, as the generated client gives them. Id,
// EnvironmentName, DeploymentName, Status, CreatedAt, Artifact.Kind and Artifact.Digest must be set. Ids that are
// empty are made; a zero UpdatedAt or LastSeenAt is CreatedAt. Of a fault, the line that the error names is the
// record's number, counted from 1. To which projects an artifact belongs, only NDJSON can say.
func WithRecords(records ...client.DeploymentRecord) Option {
	return func(c *config) error {
		var data bytes.Buffer
		lines := json.NewEncoder(&data)
		for i, record := range records {
			line := recordLine{DeploymentRecord: record, CreatedAt: given(record.CreatedAt), UpdatedAt: given(record.UpdatedAt), LastSeenAt: given(record.LastSeenAt)}
			if err := lines.Encode(line); err != nil {
				return fmt.Errorf("WithRecords: record %d: %w", i+1, err)
			}
		}
		c.files = append(c.files, fixture.File{Name: "WithRecords", Data: data.Bytes()})
		return nil
	}
}

// recordLine is a record whose times may be absent.
type recordLine struct {
	client.DeploymentRecord
	CreatedAt  *time.Time `json:"created_at,omitempty"`
	UpdatedAt  *time.Time `json:"updated_at,omitempty"`
	LastSeenAt *time.Time `json:"last_seen_at,omitempty"`
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// WithNow lets the server's clock stand still at a moment of the years 1970 to 9998, cut to microseconds. What is
// recorded is stamped with it (and a microsecond later for each record that its slot got at the same moment), records
// may be created a day after it at most, and it is the Date of answers. Tokens are judged by the real time. Without
// this option the clock is the real one.
func WithNow(now time.Time) Option {
	return func(c *config) error {
		now := now.UTC().Truncate(time.Microsecond)
		if year := now.Year(); year < 1970 || year > 9998 {
			return fmt.Errorf("WithNow: %s is not in the years 1970 to 9998", now.Format(time.RFC3339))
		}
		c.now = func() time.Time { return now }
		return nil
	}
}
