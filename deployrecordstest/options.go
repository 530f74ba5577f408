package deployrecordstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/deployrecords/deployrecords/generated/client"
	"github.com/deployrecords/deployrecords/internal/fixture"
)

// Option configures a server. Options with records can be repeated; the server loads their records in order.
type Option func(*config) error

type config struct {
	files []fixture.File
	now   func() time.Time // nil for the real time
	seed  int64
}

// configure applies options.
func configure(options []Option) (c config, err error) {
	var errs []error
	for _, option := range options {
		errs = append(errs, option(&c))
	}
	if err := errors.Join(errs...); err != nil {
		return config{}, fmt.Errorf("deployrecordstest: %w", err)
	}
	return c, nil
}

// WithRecordsFile loads the records of a file: NDJSON as `deployrecords import` reads it, plain or gzipped. In a Go test, a
// relative name is relative to the directory of the tested package.
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

// WithRecordsFrom loads the records of r, in the format of WithRecordsFile. The server reads r to its end when it starts.
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

// WithRecords loads records of the generated client. Id, EnvironmentName, DeploymentName, Status, CreatedAt, Artifact.Kind
// and Artifact.Digest are required. The server generates other empty ids, and replaces a zero UpdatedAt or LastSeenAt by
// CreatedAt. The line in an error is the number of the record, counted from 1. Only NDJSON can add artifacts to projects.
func WithRecords(records ...client.DeploymentRecord) Option {
	return func(c *config) error {
		var data bytes.Buffer
		lines := json.NewEncoder(&data)
		for i, record := range records {
			line := recordLine{DeploymentRecord: record, CreatedAt: record.CreatedAt, UpdatedAt: record.UpdatedAt, LastSeenAt: record.LastSeenAt}
			if err := lines.Encode(line); err != nil {
				return fmt.Errorf("WithRecords: record %d: %w", i+1, err)
			}
		}
		c.files = append(c.files, fixture.File{Name: "WithRecords", Data: data.Bytes()})
		return nil
	}
}

// recordLine is a record without its zero times.
type recordLine struct {
	client.DeploymentRecord
	CreatedAt  time.Time `json:"created_at,omitzero"`
	UpdatedAt  time.Time `json:"updated_at,omitzero"`
	LastSeenAt time.Time `json:"last_seen_at,omitzero"`
}

// WithNow stops the server's clock at a time in the years 1970 to 9998, truncated to microseconds. New records have this time
// (one microsecond later for each further record of a slot), and it is the Date of responses. No time of an imported record
// may be more than a minute after it. Tokens expire by the real time. Without this option, the clock is the real one.
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
