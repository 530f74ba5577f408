package api

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// appendRecord appends a record as encoding/json writes that of fromRecord, byte for byte.
func appendRecord(b []byte, r *deployments.Record) ([]byte, error) {
	b = appendString(b, `{"artifact":{"digest":`, r.Artifact.Digest)
	b = appendString(b, `,"kind":`, r.Artifact.Kind.String())
	b = appendString(b, `,"name":`, r.Artifact.Name)
	b = appendString(b, `,"version":`, r.Artifact.Version)
	b = appendString(b, `},"artifact_id":`, r.ArtifactID)
	b, err := appendTime(b, `,"created_at":`, r.CreatedAt)
	if err != nil {
		return b, err
	}
	b = appendString(b, `,"deployment_name":`, r.DeploymentName)
	b = appendString(b, `,"environment_id":`, r.EnvironmentID)
	b = appendString(b, `,"environment_name":`, r.EnvironmentName)
	b = appendString(b, `,"id":`, r.ID)
	if b, err = appendTime(b, `,"last_seen_at":`, r.LastSeenAt); err != nil {
		return b, err
	}
	if r.LogicalEnvironmentID != "" {
		b = appendString(b, `,"logical_environment_id":`, r.LogicalEnvironmentID)
		b = appendString(b, `,"logical_environment_name":`, r.LogicalEnvironmentName)
	}
	b = appendString(b, `,"status":`, string(statuses[r.Status]))
	b, err = appendTime(b, `,"updated_at":`, r.UpdatedAt)
	return append(b, '}'), err
}

func appendNumber(b []byte, before string, n int32) []byte {
	return strconv.AppendInt(append(b, before...), int64(n), 10)
}

// plain is the bytes that encoding/json writes as they are.
var plain = func() (plain [256]bool) {
	for c := ' '; c <= '~'; c++ {
		plain[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return plain
}()

func appendString(b []byte, before, s string) []byte {
	b = append(b, before...)
	for i := range len(s) {
		if !plain[s[i]] {
			quoted, _ := json.Marshal(s) // a string has no error
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendTime appends a time, or returns an error if its year has more than four digits.
func appendTime(b []byte, before string, t time.Time) ([]byte, error) {
	b = append(b, before...)
	b = append(b, '"')
	b, err := t.AppendText(b)
	return append(b, '"'), err
}
