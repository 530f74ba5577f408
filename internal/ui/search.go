package ui

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui/filters"
	"github.com/deployrecords/deployrecords/internal/ui/render"
)

// searchPage is the content of a search.
type searchPage struct {
	Text    string
	Error   string
	Matches deployments.Matches
}

// search finds what begins with a text. A single match is shown at once.
func (u *UI) search(w http.ResponseWriter, r *http.Request, v render.Viewer) error {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	content := searchPage{Text: text}
	status := http.StatusOK
	switch {
	case text == "":
		content.Error = "Type a digest, or the beginning of a deployment, an environment, an artifact or a version."
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0) || utf8.RuneCountInString(text) > deployments.MaxNameLength:
		content.Error, status = "q: "+deployments.Quote(text)+" is not a name or a digest", http.StatusBadRequest
	default:
		var err error
		if content.Matches, err = u.Store.Search(r.Context(), v.Scope, digestOf(text)); err != nil {
			return err
		}
		if target := content.only(); target != "" {
			http.Redirect(w, r, target, http.StatusSeeOther)
			return nil
		}
	}
	u.render(w, r, status, "search", render.Page{Title: "Search", Viewer: &v, Search: text, Content: content})
	return nil
}

// digestOf returns the digest of a reference such as registry/name:tag@sha256:…, and other texts unchanged.
func digestOf(text string) string {
	if at := strings.LastIndex(text, "@sha"); at >= 0 {
		return text[at+1:]
	}
	return text
}

// only returns the path of a single match, or "". Artifacts of one digest are one match.
func (p searchPage) only() string {
	m := p.Matches
	if len(m.Deployments)+len(m.Environments)+len(m.LogicalEnvironments) > 0 || len(m.Artifacts) == 0 {
		return ""
	}
	for _, a := range m.Artifacts {
		if a.Digest != m.Artifacts[0].Digest {
			return ""
		}
	}
	return artifactLink(m.Artifacts[0].Digest)
}

// DeploymentLink returns the path of a deployment.
func (searchPage) DeploymentLink(name string) string {
	return filters.Link("/", filters.Query("by", byEnvironment, "deployment_name", name))
}

// EnvironmentLink returns the path of an environment.
func (searchPage) EnvironmentLink(name string) string {
	return filters.Link("/environment", filters.Query("environment_name", name))
}

// LogicalEnvironmentLink returns the path of a logical environment.
func (searchPage) LogicalEnvironmentLink(name string) string {
	return filters.Link("/", filters.Query("by", byEnvironment, "logical_environment_name", name))
}

// ArtifactLink returns the path of a digest.
func (searchPage) ArtifactLink(digest string) string { return artifactLink(digest) }
