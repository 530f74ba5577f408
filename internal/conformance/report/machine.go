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
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Properties []junitProperty `xml:"properties>property,omitempty"`
	Cases      []junitCase     `xml:"testcase"`
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
	for _, basis := range []Basis{Document, Relation, Own} {
		suite := junitSuite{Name: "conform." + string(basis)}
		if basis == Document {
			suite.Properties = []junitProperty{
				{"url", r.URL},
				{"document", r.Document + " " + r.Digest},
				{"seed", fmt.Sprint(r.Seed)},
				{"requests", fmt.Sprint(r.Requests)},
				{"strict", fmt.Sprint(r.Strict)},
				{"summary", r.Summary()},
			}
			for _, remark := range r.Remarks {
				suite.Properties = append(suite.Properties, junitProperty{"remark", remark})
			}
		}
		for _, o := range r.Rules {
			if o.Basis == basis {
				suite.add(junitRule(o))
			}
		}
		all.add(suite)
	}
	if c := r.Comparison; c != nil {
		suite := junitSuite{Name: "conform.comparison"}
		test := junitCase{Class: suite.Name, Name: fmt.Sprintf("answers as %s does, asked %d questions", c.URL, c.Asked)}
		if c.Different > 0 {
			var text []string
			for _, d := range c.Shown {
				text = append(text, d.Text, "  "+d.Request, "  "+d.Other)
			}
			test.Failure = &junitMessage{fmt.Sprintf("%d answers differ", c.Different), strings.Join(text, "\n")}
		}
		suite.add(test)
		all.add(suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitRule(o Result) junitCase {
	test := junitCase{Class: "conform." + string(o.Basis), Name: o.ID + ": " + o.Sentence}
	var shown []string
	for _, fault := range o.Shown {
		shown = append(shown, fault.Text)
		for _, request := range fault.Requests {
			shown = append(shown, "  "+request)
		}
	}
	text := strings.Join(shown, "\n")
	switch o.Verdict {
	case Broken:
		test.Failure = &junitMessage{fmt.Sprintf("broken %d times", o.Faults), text}
	case NotJudged, Unsettled:
		test.Skipped = &junitMessage{Message: o.Why}
	case Differs:
		test.Out = "observed, no fault without --strict:\n" + text
	}
	return test
}

func (s *junitSuite) add(test junitCase) {
	s.Cases = append(s.Cases, test)
	s.Tests++
	if test.Failure != nil {
		s.Failures++
	}
	if test.Skipped != nil {
		s.Skipped++
	}
}

func (s *junitSuites) add(suite junitSuite) {
	s.Suites = append(s.Suites, suite)
	s.Tests += suite.Tests
	s.Failures += suite.Failures
	s.Skipped += suite.Skipped
}
