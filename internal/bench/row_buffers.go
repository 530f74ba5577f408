package bench

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// buffers is what is counted rather than timed, and so the same on every machine: how many shared buffers PostgreSQL
// touches for the server's own statements. The first page with its exact total is compared with that of a tenth of the
// records in as many slots; the pages of the full history with its first.
func buffers(ctx context.Context, l *lab) ([]Figure, error) {
	big, err := l.openCounted(ctx, l.records)
	if err != nil {
		return nil, err
	}
	defer big.server.stop()
	tenth, err := l.openCounted(ctx, l.records/10)
	if err != nil {
		return nil, err
	}
	defer tenth.server.stop()
	first, err := l.firstPageBuffers(ctx, big, tenth)
	if err != nil {
		return first, err
	}
	deep, err := l.deepPageBuffers(ctx, big)
	return append(first, deep...), err
}

// counted is a dataset with a server whose statements are counted.
type counted struct {
	server *server
	busiest
}

// openCounted needs its server stopped, unless there is an error.
func (l *lab) openCounted(ctx context.Context, records int) (*counted, error) {
	d, err := l.dataset(ctx, records)
	if err != nil {
		return nil, err
	}
	b, err := d.busiest(ctx)
	if err != nil {
		return nil, err
	}
	s, err := l.serve(ctx, l.program, l.url(d.name, explained...))
	return &counted{s, b}, err
}

// firstPageBuffers are the worst ratios of the default listing and of the full history, and whatever misses the bar.
func (l *lab) firstPageBuffers(ctx context.Context, big, tenth *counted) ([]Figure, error) {
	limit := &Limit{Bar: 1.5, AtMost: true}
	var figures []Figure
	for _, full := range []bool{false, true} {
		const what = "first page and total, %s, against a tenth of the records: %s"
		history := map[bool]string{false: "default listing", true: "full history"}[full]
		var worst Figure
		of, ofTenth := big.questions(full), tenth.questions(full)
		for i, question := range of {
			l.say("buffers: %s, %s", history, question.name)
			much, err := l.countBuffers(ctx, big.server, question.path())
			if err != nil {
				return figures, err
			}
			little, err := l.countBuffers(ctx, tenth.server, ofTenth[i].path())
			if err != nil {
				return figures, err
			}
			f := Figure{
				What:     fmt.Sprintf(what, history, question.name),
				Measured: grouped(float64(much)) + " buffers", Against: grouped(float64(little)) + " buffers", Value: float64(much) / float64(little), Limit: limit,
			}
			switch {
			case f.Missed():
				figures = append(figures, f)
			case f.Value > worst.Value:
				worst = f
			}
		}
		if worst.Limit != nil {
			worst.What += fmt.Sprintf(" (the worst of %d but for those that miss the bar)", len(of))
			figures = append(figures, worst)
		}
	}
	return figures, nil
}

// question is a list's filters, in words and in its query.
type question struct {
	name   string
	values url.Values
}

func (q question) path() string { return "/v1/deployments?" + q.values.Encode() }

// questions are every filter alone, and every combination of environment, logical environment, status and kind, with
// the values that most records have, or most slots; and each status alone.
func (b busiest) questions(full bool) []question {
	status, deployment := "DEPLOYED", b.deployedMost
	if full {
		status, deployment = "SUPERSEDED", b.deployment
	}
	combined := [][2]string{
		{"environment_name", b.environment},
		{"logical_environment_name", b.logicalEnvironment},
		{"status", status},
		{"artifact_kind", "CONTAINER_IMAGE"},
	}
	choices := subsets(combined)
	choices = append(choices,
		[][2]string{{"deployment_name", deployment}},
		[][2]string{{"project_name", b.project}},
		[][2]string{{"project_name", b.project}, {"project_version_name", b.projectVersion}},
		[][2]string{{"artifact_digest", b.digest}})
	for _, other := range []string{"DEPLOYED", "DECOMMISSIONED"} {
		if other != status {
			choices = append(choices, [][2]string{{"status", other}})
		}
	}
	var all []question
	for _, chosen := range choices {
		q := question{"no filter", url.Values{"pagination.page_size": {"20"}}}
		if full {
			q.values.Set("full_history", "true")
		}
		var names []string
		for _, parameter := range chosen {
			names = append(names, strings.TrimSuffix(parameter[0], "_name"))
			q.values.Set(parameter[0], parameter[1])
		}
		if rare := q.values.Get("status"); rare != "" && rare != status {
			names = []string{"status " + rare}
		}
		if len(names) > 0 {
			q.name = strings.ReplaceAll(strings.Join(names, " and "), "_", " ")
		}
		// Nothing is in an environment and in the logical environment of another.
		if q.values.Has("environment_name") && q.values.Has("logical_environment_name") {
			q.values.Set("logical_environment_name", b.itsLogicalEnvironment)
		}
		all = append(all, q)
	}
	return all
}

// deepPageBuffers are, for each filter, those of the page that touches the most.
func (l *lab) deepPageBuffers(ctx context.Context, big *counted) ([]Figure, error) {
	all := big.filters()
	first, err := l.countBuffers(ctx, big.server, all[0].page(0, deepPageSize))
	if err != nil {
		return nil, err
	}
	limit := &Limit{Bar: max(300, 3*float64(first)), AtMost: true}
	var figures []Figure
	for _, f := range all {
		l.say("buffers: pages of the full history, %s", f.name)
		pages, _, err := f.pages(ctx, big.server, deepPageSize)
		if err != nil {
			return figures, err
		}
		most, where := 0, ""
		for _, at := range []struct {
			name string
			page int
		}{{"the first", 0}, {"that at 1 %", pages / 100}, {"the middle", pages / 2}, {"the last", pages - 1}} {
			count, err := l.countBuffers(ctx, big.server, f.page(at.page, deepPageSize))
			if err != nil {
				return figures, err
			}
			if count > most {
				most, where = count, at.name
			}
		}
		figure := Figure{
			What:     fmt.Sprintf("dearest page of the full history, %s: %s", f.name, where),
			Measured: grouped(float64(most)) + " buffers", Against: grouped(float64(first)) + " buffers (first page, no filter)",
			Value: float64(most), Unit: " buffers",
		}
		if f.limited {
			figure.Limit = limit
		}
		figures = append(figures, figure)
	}
	return figures, nil
}
