package config

// Conform are the settings of a run of the contract suite.
type Conform struct {
	Remote
	Compare          string `placeholder:"URL" group:"Comparison" help:"Ask this server the same questions, and show where it answers differently."`
	CompareTokenFile string `placeholder:"FILE" group:"Comparison" help:"File whose first line is the token for --compare. No other token goes there."`
	Requests         Int    `default:"2000" placeholder:"N" help:"How many requests go out at most, and in a comparison as many again to each server (${default})."`
	Seed             Int    `default:"1" placeholder:"N" help:"Decides which values and pages are looked at; the same seed asks the same questions of the same data (${default})."`
}

// leastRequests is what a run can say anything with.
const leastRequests = 20

// Faults tells everything that is wrong with the settings, except for the tokens themselves.
func (c *Conform) Faults() []error {
	f := faults(c.Remote.Faults())
	switch {
	case c.Compare == "" && c.CompareTokenFile != "":
		f.add("--compare-token-file", "needs --compare")
	case c.Compare != "":
		f.address("--compare", c.Compare)
		if c.CompareTokenFile == "" {
			f.add("--compare-token-file", "is missing: the token of --url does not go to --compare")
		}
	}
	f.atLeast("--requests", c.Requests, leastRequests)
	f.atLeast("--seed", c.Seed, 0)
	return f
}

func (f *faults) atLeast(flag string, n Int, least int64) {
	switch {
	case n.fault != "":
		f.add(flag, "%s", n.fault)
	case n.Value < least:
		f.add(flag, "%d is less than %d", n.Value, least)
	}
}
