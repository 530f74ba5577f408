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

// compare sends the requests to both servers. An answer of the first that changes meanwhile is no difference.
func compare(ctx context.Context, layout *client.Layout, first, second *client.Client, requests []client.Request) (*report.Comparison, error) {
	c := &report.Comparison{URL: second.Base}
	for _, r := range requests {
		if r.Credentials.NeedJWT() && !second.HasJWT() {
			continue
		}
		kind, text, stable, err := difference(ctx, layout, first, second, r)
		if err != nil {
			return nil, err
		}
		c.Asked++
		switch {
		case !stable:
			c.Unsettled++
		case text != "":
			c.Add(report.Difference{
				Kind:    kind,
				Text:    text,
				Request: r.Curl(first.Base, client.TokenVariable),
				Other:   r.Curl(second.Base, client.TokenVariable+"2"),
			})
		}
	}
	return c, nil
}

// difference describes how two servers answer a request differently, and of what kind that is, or returns "". Where they differ, it asks the first
// server again; stable is false if that answer kept changing.
func difference(ctx context.Context, layout *client.Layout, first, second *client.Client, r client.Request) (kind, text string, stable bool, err error) {
	for range 3 {
		var outlines [3]outline
		for i, c := range []*client.Client{first, second, first} {
			a, err := c.Send(ctx, r)
			if err != nil {
				return "", "", false, c.Explain(err)
			}
			outlines[i] = outlineOf(layout, a)
			if i == 1 && outlines[0].equal(outlines[1]) {
				return "", "", true, nil
			}
		}
		if outlines[0].equal(outlines[2]) {
			kind, text := outlines[0].difference(outlines[1])
			return kind, second.Printable(first.Printable(text)), true, nil
		}
	}
	return "", "", false, nil
}

// outline is the part of an answer that compare looks at: the status, the media type, and the body without the order of its
// properties. Error messages may differ.
type outline struct {
	status int
	media  string
	body   []string
	// list is the content of a list, or nil.
	list *client.List
}

func outlineOf(layout *client.Layout, a *client.Answer) outline {
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
		o.body, o.list = a.Value.Lines(), layout.ReadList(a.Value)
	}
	return o
}

func (o outline) equal(p outline) bool {
	return o.status == p.status && o.media == p.media && slices.Equal(o.body, p.body)
}

// difference describes the first difference, and its kind.
func (o outline) difference(p outline) (kind, text string) {
	switch {
	case o.status != p.status:
		return report.StatusDiffers, fmt.Sprintf("status %d here, %d there", o.status, p.status)
	case o.media != p.media:
		return report.TypeDiffers, fmt.Sprintf("Content-Type %q here, %q there", o.media, p.media)
	}
	here, there := client.DifferingLines(o.body, p.body)
	return o.kind(p), fmt.Sprintf("%s here; %s there", here, there)
}

// kind returns the kind of the difference of two bodies.
func (o outline) kind(p outline) string {
	if o.list == nil || p.list == nil {
		if o.status >= 400 {
			return report.ErrorDiffers
		}
		return report.ValuesDiffer
	}
	ids, others := client.IDs(o.list.Records), client.IDs(p.list.Records)
	switch {
	case !slices.Equal(slices.Sorted(slices.Values(ids)), slices.Sorted(slices.Values(others))):
		return report.RecordsDiffer
	case !slices.Equal(ids, others):
		return report.OrderDiffers
	case o.list.Page != p.list.Page || o.list.Size != p.list.Size || o.list.Total != p.list.Total || o.list.Pages != p.list.Pages:
		return report.TotalsDiffer
	case !slices.Equal(pathsOf(o.body), pathsOf(p.body)):
		return report.FieldsDiffer
	}
	return report.ValuesDiffer
}

// pathsOf returns what the lines of a body are about, without the values.
func pathsOf(lines []string) []string {
	paths := make([]string, len(lines))
	for i, line := range lines {
		paths[i], _, _ = strings.Cut(line, " ")
	}
	return paths
}
