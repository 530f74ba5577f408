package conformance_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/variant"
)

// requireDifferences runs the suite against a server with variants. A run that is not strict must find no fault, and a
// strict one must find a fault of exactly the rules that the variants differ from.
func requireDifferences(t *testing.T, variants ...variant.Variant) {
	t.Helper()
	var names, want []string
	for _, v := range variants {
		names = append(names, v.Name)
		if v.Rule != "" {
			want = append(want, v.Rule)
		}
	}
	slices.Sort(want)
	set, err := variant.Parse(names)
	if err != nil {
		t.Fatal(err)
	}

	o := options(t, newVariantServer(t, correctStore(), set, nil, smallPages))
	result := run(t, o)
	var broken, other []string
	for _, r := range result.Rules {
		switch {
		case r.Verdict == report.Broken && r.Basis == report.Own:
			broken = append(broken, r.ID)
		case r.Verdict == report.Broken: // a fault without --strict too
			other = append(other, r.ID)
		}
	}
	slices.Sort(broken)
	if !slices.Equal(broken, want) || other != nil || result.Broken != "" {
		var text bytes.Buffer
		_ = result.Write(&text, "text")
		t.Errorf("%s: got faults of %q and %q, want %q\n%s", strings.Join(names, ", "), broken, other, want, text.String())
	}
}

func TestEachVariantDiffersInOneRule(t *testing.T) {
	for _, v := range variant.All {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			requireDifferences(t, v)
		})
	}
}

// Every two of the variants are together in one of these servers. The tests with the tag soak try each pair alone.
func TestVariantsTogetherDifferInTheirRules(t *testing.T) {
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		requireDifferences(t, variant.All...)
	})
	t.Run("every second", func(t *testing.T) {
		t.Parallel()
		var half []variant.Variant
		for i := 0; i < len(variant.All); i += 2 {
			half = append(half, variant.All[i])
		}
		requireDifferences(t, half...)
	})
}

func TestVariantsAreNoFaults(t *testing.T) {
	set, err := variant.Parse(variant.Names())
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*store{"with data": correctStore(), "with one record": newStore(correctStore().entries[:1]), "empty": newStore(nil)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, newVariantServer(t, m, set, nil, smallPages))
			o.Strict = false
			if len(m.entries) == 0 {
				o.Values = nil // they are not there
			}
			requireNoFaults(t, run(t, o))
		})
	}
}
