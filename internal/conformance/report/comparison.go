package report

// Comparison is the result of sending the same requests to two servers.
type Comparison struct {
	URL string `json:"url"`
	// Asked counts the requests that both servers answered, Different those with different answers.
	Asked     int `json:"asked"`
	Different int `json:"different"`
	// Kinds counts the different answers by their kind.
	Kinds map[string]int `json:"kinds"`
	// Shown has some differences of each kind.
	Shown []Difference `json:"shown"`
	// Unsettled counts the answers that changed during the comparison.
	Unsettled int `json:"unsettled"`
}

// Difference is a request that two servers answer differently.
type Difference struct {
	// Kind is the first of [DifferenceKinds] in which the answers differ.
	Kind string `json:"kind"`
	Text string `json:"text"`
	// Request is the command for the first server, Other for the second, each with its own token variable.
	Request string `json:"request"`
	Other   string `json:"other"`
}

// Kinds of differences.
const (
	StatusDiffers  = "status"
	TypeDiffers    = "content type"
	ErrorDiffers   = "error body"
	RecordsDiffer  = "records"
	OrderDiffers   = "order"
	TotalsDiffer   = "page and totals"
	FieldsDiffer   = "fields"
	ValuesDiffer   = "values"
	maxShownOfKind = 20
)

// differenceKinds are in the order in which answers are compared.
var differenceKinds = []struct{ kind, sentence string }{
	{StatusDiffers, "The statuses differ."},
	{TypeDiffers, "The statuses are equal, and the media types differ."},
	{ErrorDiffers, "The codes or the properties of errors differ; messages are not compared."},
	{RecordsDiffer, "The lists have different records."},
	{OrderDiffers, "The lists have the same records in another order."},
	{TotalsDiffer, "The records are equal, and the pages or totals differ."},
	{FieldsDiffer, "The records are the same ones, and some have other properties."},
	{ValuesDiffer, "The records are the same ones with the same properties, and some values differ."},
}

// Add adds a difference.
func (c *Comparison) Add(d Difference) {
	c.Different++
	if c.Kinds == nil {
		c.Kinds = make(map[string]int)
	}
	if c.Kinds[d.Kind]++; c.Kinds[d.Kind] <= maxShownOfKind {
		c.Shown = append(c.Shown, d)
	}
}

// KindOfDifferences is the differences of one kind.
type KindOfDifferences struct {
	Kind, Sentence string
	Different      int
	Shown          []Difference
}

// ByKind returns the kinds of differences that there are.
func (c *Comparison) ByKind() (kinds []KindOfDifferences) {
	for _, k := range differenceKinds {
		if c.Kinds[k.kind] == 0 {
			continue
		}
		of := KindOfDifferences{Kind: k.kind, Sentence: k.sentence, Different: c.Kinds[k.kind]}
		for _, d := range c.Shown {
			if d.Kind == k.kind {
				of.Shown = append(of.Shown, d)
			}
		}
		kinds = append(kinds, of)
	}
	return kinds
}
