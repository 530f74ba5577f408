package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// The types of this file accept any text and keep its violation for Validate. Kong stops at the first violation; an
// operator wants all of them at once.

// setting is a value that a flag, an environment variable or a default gives.
type setting[T any] struct {
	Value T
	given bool
	// changed is whether the given text is not that of the default.
	changed bool
	err     error // names the flag; nil if the value is valid
}

// change returns the value, and whether it differs from the default.
func (s *setting[T]) change() (value any, ok bool) { return s.Value, s.changed }

// violation is called by validate.
func (s *setting[T]) violation() error { return s.err }

// Int is a whole number. The tags min and max limit it.
type Int struct{ setting[int64] }

// Duration is a length of time such as 30s or 1m30s. It is more than zero unless it has the tag min:"0s".
type Duration struct{ setting[time.Duration] }

// Names is a list of names, which may have commas: a flag gives one name, an environment variable one name a line.
type Names []string

// Switch is true or false. A flag without a value is true.
type Switch struct{ setting[bool] }

// Time is a time in UTC, in whole microseconds, from 1970 to 9998: the server stamps records with later times and uses
// the zero time as "not set".
type Time struct{ setting[time.Time] }

// Decode implements kong.MapperValue.
func (s *Int) Decode(ctx *kong.DecodeContext) error {
	return s.decode(ctx, "a whole number", func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }, func(n int64) string {
		least, most := tagInt(ctx, "min", math.MinInt64), tagInt(ctx, "max", math.MaxInt64)
		switch {
		case n >= least && n <= most:
			return ""
		case most == math.MaxInt64:
			return fmt.Sprintf("%d is less than %d", n, least)
		default:
			return fmt.Sprintf("%d is not from %d to %d", n, least, most)
		}
	})
}

func tagInt(ctx *kong.DecodeContext, tag string, missing int64) int64 {
	n, err := ctx.Value.Tag.GetInt(tag)
	if err != nil {
		return missing
	}
	return n
}

// Decode implements kong.MapperValue.
func (s *Duration) Decode(ctx *kong.DecodeContext) error {
	return s.decode(ctx, "a duration such as 30s", time.ParseDuration, func(d time.Duration) string {
		switch mayBeZero := ctx.Value.Tag.Has("min"); {
		case mayBeZero && d < 0:
			return fmt.Sprintf("%s is less than 0", d)
		case !mayBeZero && d <= 0:
			return fmt.Sprintf("%s is not more than 0", d)
		}
		return ""
	})
}

// Decode implements kong.MapperValue.
func (s *Time) Decode(ctx *kong.DecodeContext) error {
	var violation string // of the text; package deployments words it
	parse := func(text string) (time.Time, error) {
		t, err := deployments.ParseTime(text)
		if err != nil {
			violation = fmt.Sprintf("%q %v", text, err)
		}
		return t, nil
	}
	return s.decode(ctx, "a time", parse, func(t time.Time) string {
		if violation != "" {
			return violation
		}
		if t.Year() < 1970 || t.Year() > 9998 {
			return t.Format(time.RFC3339) + " is not in the years 1970 to 9998"
		}
		return ""
	})
}

// Decode implements kong.MapperValue.
func (s *Switch) Decode(ctx *kong.DecodeContext) error {
	// Kong queues the values of --flag=value and of the environment as flag values. Any other token is the next
	// argument, which does not belong to this flag.
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		s.set(ctx, true)
		return nil
	}
	if negated, ok := ctx.Scan.Peek().Value.(bool); ok { // --no-flag
		ctx.Scan.Pop()
		s.set(ctx, negated)
		return nil
	}
	return s.decode(ctx, "true or false", strconv.ParseBool, func(bool) string { return "" })
}

func (s *Switch) set(ctx *kong.DecodeContext, value bool) {
	s.Value, s.changed, s.err = value, strconv.FormatBool(value) != ctx.Value.Default, nil
}

// Decode implements kong.MapperValue.
func (n *Names) Decode(ctx *kong.DecodeContext) error {
	text, err := PopValue(ctx.Scan)
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(text, "\n") {
		*n = append(*n, strings.TrimSuffix(name, "\r"))
	}
	return nil
}

// IsBool implements kong.BoolMapperValue.
func (s *Switch) IsBool() bool { return true }

// decode parses and checks the value. check returns what is wrong with it, or "".
func (s *setting[T]) decode(ctx *kong.DecodeContext, want string, parse func(string) (T, error), check func(T) string) error {
	text, err := PopValue(ctx.Scan)
	if err != nil {
		return err
	}
	value, err := parse(text)
	s.Value, s.given, s.changed, s.err = value, true, text != ctx.Value.Default, nil
	if err != nil {
		s.err = fmt.Errorf("--%s: %q is not %s", ctx.Value.Name, text, want)
	} else if violation := check(value); violation != "" {
		s.err = fmt.Errorf("--%s: %s", ctx.Value.Name, violation)
	}
	return nil
}

// PopValue returns the next argument, which may be a negative number. Kong takes each argument with a hyphen for a flag.
func PopValue(scan *kong.Scanner) (string, error) {
	token := scan.Pop()
	text, ok := token.Value.(string)
	isNumber := len(text) > 1 && text[0] == '-' && (text[1] == '.' || '0' <= text[1] && text[1] <= '9')
	if !ok || !token.IsValue() && !isNumber {
		return "", errors.New("needs a value")
	}
	return text, nil
}

// validate returns the violations of the fields of a struct of settings, and of the structs in it, in their order.
func validate(settings any) (violations []error) {
	fields := reflect.ValueOf(settings).Elem()
	for description, field := range fields.Fields() {
		if s, ok := reflect.TypeAssert[interface{ violation() error }](field.Addr()); ok {
			if err := s.violation(); err != nil {
				violations = append(violations, err)
			}
		} else if field.Kind() == reflect.Struct {
			violations = append(violations, validate(field.Addr().Interface())...)
		} else if err := checkText(description.Tag.Get("name"), field); err != nil {
			violations = append(violations, err)
		}
	}
	return violations
}
