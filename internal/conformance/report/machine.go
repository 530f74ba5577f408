package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

func (r *Report) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Summary string `json:"summary"`
		Faults  int    `json:"faults"`
		Judged  int    `json:"judged"`
		*Report
	}{r.Summary(), r.Faults(), r.Judged(), r})
}

type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Time   string       `xml:"time,attr"`
	Suites []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Properties []junitProperty `xml:"properties>property,omitempty"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitCounts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Skipped  int `xml:"skipped,attr"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes JUnit's XML: a test suite for each basis, a test case for each rule.
func (r *Report) writeJUnit(w io.Writer) error {
	all := junitSuites{Name: "deployrecords conform", Time: fmt.Sprintf("%.3f", r.Seconds)}
	for _, basis := range bases {
		if !r.Has(basis) {
			continue
		}
		suite := junitSuite{Name: "conform." + string(basis)}
		for _, result := range r.Rules {
			if result.Basis == basis {
				suite.Cases = append(suite.Cases, junitRule(suite.Name, result))
			}
		}
		all.Suites = append(all.Suites, suite)
	}
	all.Suites[0].Properties = r.junitProperties()
	if c := r.Comparison; c != nil {
		suite := junitSuite{Name: "conform.comparison"}
		test := junitCase{Class: suite.Name, Name: fmt.Sprintf("answers as %s does, asked %d questions", c.URL, c.Asked)}
		if c.Different > 0 {
			var text []string
			for _, d := range c.Shown {
				text = append(text, d.Kind+": "+d.Text, "  "+d.Request, "  "+d.Other)
			}
			test.Failure = &junitMessage{fmt.Sprintf("%d answers differ", c.Different), strings.Join(text, "\n")}
		}
		suite.Cases = []junitCase{test}
		all.Suites = append(all.Suites, suite)
	}
	for i := range all.Suites {
		suite := &all.Suites[i]
		for _, test := range suite.Cases {
			for _, counts := range []*junitCounts{&suite.junitCounts, &all.junitCounts} {
				counts.Tests++
				if test.Failure != nil {
					counts.Failures++
				}
				if test.Skipped != nil {
					counts.Skipped++
				}
			}
		}
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	}
	return err
}

func (r *Report) junitProperties() []junitProperty {
	properties := []junitProperty{
		{"url", r.URL},
		{"document", r.Document + " " + r.Digest},
		{"seed", fmt.Sprint(r.Seed)},
		{"requests", fmt.Sprint(r.Requests)},
		{"strict", fmt.Sprint(r.Strict)},
		{"summary", r.Summary()},
	}
	for _, remark := range r.Remarks {
		properties = append(properties, junitProperty{"remark", remark})
	}
	return properties
}

func junitRule(class string, r Result) junitCase {
	test := junitCase{Class: class, Name: r.ID + ": " + r.Sentence}
	var shown []string
	for _, fault := range r.Shown {
		shown = append(shown, strings.Join(append([]string{fault.Text}, fault.Requests...), "\n  "))
	}
	text := strings.Join(shown, "\n")
	switch r.Verdict {
	case Broken:
		test.Failure = &junitMessage{fmt.Sprintf("broken %d times", r.Faults), text}
	case NotJudged, Unsettled:
		test.Skipped = &junitMessage{Message: r.Why}
	case Differs:
		test.Out = "observed, no fault:\n" + text
	}
	return test
}
