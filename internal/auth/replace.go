package auth

import (
	"context"
	"errors"
	"sync"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/policy"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
)

// Replace makes rules the rules of all tokens that are verified from now on, cached ones included. Requests go on with the rules
// before until the keys of new sources were fetched, or until that failed; sources that stay are not fetched again, and ctx ends
// the fetching of the new ones. After an error, nothing has changed.
func (v *Verifier) Replace(ctx context.Context, rules []trust.Rule) error {
	v.replacing.Lock()
	defer v.replacing.Unlock()
	before := v.policy.Load()
	next := &policy.Policy{}
	sets, added := map[jwks.Source]*jwks.Set{}, []*jwks.Set{}
	connect := func(e *policy.Entry) error {
		if e.Source == nil {
			return nil
		}
		set, known := v.sets[*e.Source]
		if !known {
			set, known = sets[*e.Source]
		}
		if !known {
			var err error
			if set, err = jwks.NewSet(*e.Source, v.limits, v.options.Logger, v.options.Now, v.reset); err != nil {
				return err
			}
			added = append(added, set)
		}
		sets[*e.Source], e.Set = set, set
		return nil
	}
	var violations []error
	for _, rule := range rules {
		e := &policy.Entry{Rule: rule, Validator: v.validator(rule)}
		violations = append(violations, connect(e))
		next.Rules = append(next.Rules, e)
	}
	if before.Flags != nil {
		flags := *before.Flags
		violations = append(violations, connect(&flags))
		next.Flags = &flags
	}
	if err := errors.Join(violations...); err != nil {
		return err
	}
	start(ctx, added)
	v.policy.Store(next)
	v.reset()
	for source, set := range v.sets {
		if sets[source] == nil {
			set.Stop()
		}
	}
	v.sets = sets
	return nil
}

// start makes the first fetch of all sets at once, and waits for them.
func start(ctx context.Context, sets []*jwks.Set) {
	var fetches sync.WaitGroup
	for _, set := range sets {
		fetches.Go(func() { set.Start(ctx) })
	}
	fetches.Wait()
}

// validator returns the validator of a rule's dates. The rule itself checks the issuer and the audience.
func (v *Verifier) validator(rule trust.Rule) *jwt.Validator {
	if rule.AllowMissingExpiry {
		return newValidator(v.options.Now)
	}
	return newValidator(v.options.Now, jwt.WithExpirationRequired())
}
