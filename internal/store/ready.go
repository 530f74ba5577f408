package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// readyTimeout limits the check of the primary where standbys can answer in its place.
const readyTimeout = 2 * time.Second

// Ready reports whether the database can be reached and has the schema that this program works with. The error is
// deployments.ErrUnavailable or a *SchemaError, or deployments.ErrReadOnly if listings are answered and recordings are not.
func (s *Store) Ready(ctx context.Context) error {
	err := s.checkPrimary(ctx)
	switch {
	case err == nil && s.Recorder.ReadOnly:
		return deployments.ErrReadOnly
	case err == nil || s.replicas == nil || !errors.Is(err, deployments.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded):
		return err
	}
	if s.replicas.Any(ctx, func(ctx context.Context, db *database.DB) error { return schema.Migrator(db).Check(ctx) }) {
		return fmt.Errorf("%w: %w", deployments.ErrReadOnly, err)
	}
	return err
}

func (s *Store) checkPrimary(ctx context.Context) error {
	if s.replicas != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, readyTimeout)
		defer cancel()
	}
	return schema.Migrator(s.db).Check(ctx)
}
