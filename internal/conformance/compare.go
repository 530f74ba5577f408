package conformance

import (
	"fmt"
	"mime"
	"slices"
	"strings"
)

// mostDifferences is how many differences are told in full.
const mostDifferences = 20

// Comparison is what came of asking two servers the same.
type Comparison struct {
	URL string `json:"url"`
	// Asked is how many questions both answered, and Different how many of them differently.
	Asked     int          `json:"asked"`
	Different int          `json:"different"`
	Shown     []Difference `json:"shown"`
	// Unsettled is how many answers changed while they were compared.
	Unsettled int `json:"unsettled"`
}

// Difference is a question that two servers answer differently.
type Difference struct {
	Text string `json:"text"`
	// Request asks the first server, Other the second one, each with a token of its own.
	Request string `json:"request"`
	Other   string `json:"other"`
}

// compare asks both servers what the suite has asked the first. An answer of the first that has changed meanwhile is no
// difference.
func (s *suite) compare(target Target, o Options) (*Comparison, error) {
	other := newClient(target, o.Timeout, o.UserAgent)
	defer other.close()
	if err := s.preflight(other); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	c := &Comparison{URL: other.base}
	for _, r := range s.asked[:min(len(s.asked), o.Requests)] {
		if skipped := r.credentials == alteredToken || r.credentials == unsignedToken; skipped && strings.Count(target.Token, ".") != 2 {
			continue
		}
		text, settled, err := s.difference(other, r)
		if err != nil {
			return nil, err
		}
		c.Asked++
		switch {
		case !settled:
			c.Unsettled++
		case text != "":
			c.Different++
			if len(c.Shown) < mostDifferences {
				c.Shown = append(c.Shown, Difference{
					Text:    text,
					Request: r.curl(s.client.base),
					Other:   strings.ReplaceAll(r.curl(other.base), "TOKEN", "TOKEN2"),
				})
			}
		}
	}
	return c, nil
}

func (s *suite) difference(other *client, r request) (text string, settled bool, err error) {
	for range 3 {
		var prints [3]outline
		for i, c := range []*client{s.client, other, s.client} {
			if i == 2 && prints[0].same(prints[1]) {
				return "", true, nil
			}
			a, err := c.send(s.ctx, r)
			if err != nil {
				return "", false, fmt.Errorf("compare: %s can't be reached: %s", c.base, c.printable(err.Error()))
			}
			prints[i] = outlineOf(a)
		}
		if prints[0].same(prints[2]) {
			return other.printable(s.client.printable(prints[0].differs(prints[1]))), true, nil
		}
	}
	return "", false, nil
}

// outline is what of an answer is compared: its status, its media type, and its body whatever the order of members. What
// an error says to a person may differ.
type outline struct {
	status int
	media  string
	body   []string
}

func outlineOf(a *answer) outline {
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		media = a.header.Get("Content-Type")
	}
	v, fault := readJSON(a.body)
	o := outline{status: a.status, media: media}
	switch {
	case fault != "":
		o.body = []string{fault}
	case a.status >= 400:
		o.body = []string{"code: " + shown(v.member("code")), fmt.Sprintf("members: %q", v.memberNames())}
	default:
		o.body = flatten(nil, "", v)
	}
	return o
}

// flatten writes a value as lines, one for each text, number or such.
func flatten(lines []string, place string, v *value) []string {
	switch v.kind {
	case '{':
		members := slices.Clone(v.members)
		slices.SortStableFunc(members, func(x, y member) int { return strings.Compare(x.name, y.name) })
		for _, m := range members {
			lines = flatten(lines, join(place, m.name), m.value)
		}
	case '[':
		lines = append(lines, fmt.Sprintf("%s has %d items", place, len(v.items)))
		for i, item := range v.items {
			lines = flatten(lines, fmt.Sprintf("%s[%d]", place, i), item)
		}
	case 'n', 't', 'f':
		lines = append(lines, place+" is "+map[byte]string{'n': "null", 't': "true", 'f': "false"}[byte(v.kind)])
	default:
		lines = append(lines, place+" is "+shown(v))
	}
	return lines
}

func (o outline) same(p outline) bool {
	return o.status == p.status && o.media == p.media && slices.Equal(o.body, p.body)
}

// differs tells the first difference.
func (o outline) differs(p outline) string {
	switch {
	case o.status != p.status:
		return fmt.Sprintf("status %d here, %d there", o.status, p.status)
	case o.media != p.media:
		return fmt.Sprintf("Content-Type %q here, %q there", o.media, p.media)
	}
	i := differ(o.body, p.body)
	line := func(lines []string) string {
		if i < len(lines) {
			return lines[i]
		}
		return "nothing more"
	}
	return fmt.Sprintf("%s here; %s there", line(o.body), line(p.body))
}
