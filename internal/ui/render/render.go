// Package render renders the pages: their templates, style sheet and script, and the formats of times and numbers.
package render

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui/matrix"
)

// Viewer is the person who looks at a page.
type Viewer struct {
	deployments.Scope
	// Subject is that of the token; it may be empty.
	Subject string
	// HasSession is false for a proxy's bearer token, which has no logout here.
	HasSession bool
}

// Page is what every template gets.
type Page struct {
	Title string
	// Viewer is nil on the login and where it is not known.
	Viewer *Viewer
	// Active is the path of the navigation's current entry.
	Active string
	// Search is the text of the search box.
	Search string
	// Refreshes reports that the page shows data that a script may refresh.
	Refreshes bool
	Content   any
}

// Failure is the content of an error page.
type Failure struct {
	Heading, Message, Advice string
	// Retries reports that the page loads itself again.
	Retries bool
}

// Renderer renders pages. It is safe for concurrent use.
type Renderer struct {
	Assets Assets
	// byName has a set of templates for each page, since each of them defines "content".
	byName map[string]*template.Template
}

// New returns a renderer whose pages show times as seen from the clock now.
func New(now func() time.Time) (*Renderer, error) {
	assets, err := readAssets()
	if err != nil {
		return nil, err
	}
	functions := template.FuncMap{
		"asset": assets.Path,
		"ago":   func(t time.Time) string { return ago(now().Sub(t)) },
		"lasted": func(from, to time.Time) string {
			if to.IsZero() {
				to = now()
			}
			return duration(to.Sub(from))
		},
		"stamp":  func(t time.Time) string { return t.Format(time.RFC3339Nano) },
		"minute": minute,
		"cells":  func(row []Cell) template.HTML { return cells(row, now()) },
		"short":  matrix.ShortDigest,
		"kind":   kindName,
		"status": statusName,
		"number": Number,
		"count":  count,
	}
	t := &Renderer{Assets: assets, byName: map[string]*template.Template{}}
	for _, name := range []string{"matrix", "records", "slot", "search", "login", "error"} {
		parsed, err := template.New(name).Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, err
		}
		t.byName[name] = parsed
	}
	return t, nil
}

// Render writes a page with the template of a name. It writes nothing before the whole page is rendered, and returns an error only
// then.
func (t *Renderer) Render(w http.ResponseWriter, r *http.Request, status int, name string, p Page) error {
	var body bytes.Buffer
	if err := t.byName[name].ExecuteTemplate(&body, "layout", p); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = body.WriteTo(w) // fails if the client has gone
	}
	return nil
}
