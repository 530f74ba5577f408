package config

import (
	"fmt"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
)

// The types of settings that can be misspelt. They take whatever they are given and tell of it in Validate, so that
// all faults of a configuration are told at once; kong stops at the first.

// Int is a whole number.
type Int struct{ setting[int64] }

// Duration is a length of time such as 30s or 1m30s.
type Duration struct{ setting[time.Duration] }

// Switch is on or off. As a flag it needs no value.
type Switch struct{ setting[bool] }

// Decode is called by kong.
func (s *Int) Decode(ctx *kong.DecodeContext) error {
	return s.decode(ctx, "a whole number", func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) })
}

// Decode is called by kong.
func (s *Duration) Decode(ctx *kong.DecodeContext) error {
	return s.decode(ctx, "a duration such as 30s", time.ParseDuration)
}

// Decode is called by kong.
func (s *Switch) Decode(ctx *kong.DecodeContext) error {
	// A flag without a value, and the next argument is not its value: kong puts the values of --flag=value and
	// of the environment before.
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		s.Value = true
		return nil
	}
	if negated, ok := ctx.Scan.Peek().Value.(bool); ok { // --no-flag
		ctx.Scan.Pop()
		s.Value = negated
		return nil
	}
	return s.decode(ctx, "true or false", strconv.ParseBool)
}

// IsBool is asked by kong.
func (s *Switch) IsBool() bool { return true }

type setting[T any] struct {
	Value T
	fault string
	given bool // be it by the default of its tag
}

func (s *setting[T]) decode(ctx *kong.DecodeContext, want string, parse func(string) (T, error)) error {
	var text string
	if err := ctx.Scan.PopValueInto("value", &text); err != nil {
		return err
	}
	value, err := parse(text)
	s.Value, s.fault, s.given = value, "", true
	if err != nil {
		s.fault = fmt.Sprintf("%q is not %s", text, want)
	}
	return nil
}
