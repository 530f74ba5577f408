package conformance

import (
	"context"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// maxDifferences is the number of differences that the report shows in full.
const maxDifferences = 20

// compare sends the requests to both servers. An answer of the first that changes meanwhile is no difference.
func compare(ctx context.Context, first, second *client.Client, requests []client.Request) (*report.Comparison, error) {
	c := &report.Comparison{URL: second.Base}
	for _, r := range requests {
		if r.Credentials.NeedJWT() && !second.HasJWT() {
			continue
		}
		text, stable, err := difference(ctx, first, second, r)
		if err != nil {
			return nil, err
		}
		c.Asked++
		switch {
		case !stable:
			c.Unsettled++
		case text != "":
			c.Different++
			if len(c.Shown) < maxDifferences {
				c.Shown = append(c.Shown, report.Difference{
					Text:    text,
					Request: r.Curl(first.Base),
					Other:   strings.ReplaceAll(r.Curl(second.Base), "TOKEN", "TOKEN2"),
				})
			}
		}
	}
	return c, nil
}

// difference describes how two servers answer a request differently, or returns "". Where they differ, it asks the first
// server again; stable is false if that answer kept changing.
func difference(ctx context.Context, first, second *client.Client, r client.Request) (text string, stable bool, err error) {
	for range 3 {
		var outlines [3]outline
		for i, c := range []*client.Client{first, second, first} {
			a, err := c.Send(ctx, r)
			if err != nil {
				return "", false, fmt.Errorf("%s can't be reached: %s", c.Base, c.Printable(err.Error()))
			}
			outlines[i] = outlineOf(a)
			if i == 1 && outlines[0].equal(outlines[1]) {
				return "", true, nil
			}
		}
		if outlines[0].equal(outlines[2]) {
			return second.Printable(first.Printable(outlines[0].difference(outlines[1]))), true, nil
		}
	}
	return "", false, nil
}

// outline is the part of an answer that compare looks at: the status, the media type, and the body without the order of its
// properties. Error messages may differ.
type outline struct {
	status int
	media  string
	body   []string
}

func outlineOf(a *client.Answer) outline {
	media, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		media = a.Header.Get("Content-Type")
	}
	o := outline{status: a.Status, media: media}
	switch {
	case a.Malformed != nil:
		o.body = []string{a.Malformed.Error()}
	case a.Status >= 400:
		o.body = []string{"code: " + a.Value.Get("code").String(), fmt.Sprintf("members: %q", a.Value.MemberNames())}
	default:
		o.body = a.Value.Lines()
	}
	return o
}

func (o outline) equal(p outline) bool {
	return o.status == p.status && o.media == p.media && slices.Equal(o.body, p.body)
}

// difference describes the first difference.
func (o outline) difference(p outline) string {
	switch {
	case o.status != p.status:
		return fmt.Sprintf("status %d here, %d there", o.status, p.status)
	case o.media != p.media:
		return fmt.Sprintf("Content-Type %q here, %q there", o.media, p.media)
	}
	here, there := client.DifferingLines(o.body, p.body)
	return fmt.Sprintf("%s here; %s there", here, there)
}
