package relations

import (
	"net/http"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// probeAuthentication sends missing, malformed and forged tokens.
func (s *Suite) probeAuthentication() {
	if !s.doc.Secured {
		s.notJudged("the document asks for no bearer token", report.AuthNone, report.AuthGarbage, report.AuthScheme, report.AuthAltered,
			report.AuthUnsigned, report.OwnAuthFirst, report.OwnChallenge, report.OwnTwoTokens, report.OwnSchemeCase)
		return
	}
	for _, probe := range []struct {
		rule        *report.Rule
		credentials client.Credentials
		why         string
	}{
		{report.AuthNone, client.NoCredentials, "a request without credentials"},
		{report.AuthGarbage, client.GarbageToken, "a bearer token that is none"},
		{report.AuthScheme, client.OtherScheme, "another scheme"},
		{report.AuthAltered, client.AlteredToken, "a token with an altered signature"},
		{report.AuthUnsigned, client.UnsignedToken, "a token without a signature"},
	} {
		if probe.credentials.NeedJWT() && !s.client.HasJWT() {
			s.notJudged("the token is no signed JWT", probe.rule)
			continue
		}
		a := s.expect(probe.rule, s.Request().As(probe.credentials), probe.why, http.StatusUnauthorized)
		if a.Status == http.StatusUnauthorized {
			s.checkChallenge(a)
		}
	}
	s.expect(report.OwnTwoTokens, s.Request().As(client.TokenTwice), "a request with two Authorization headers", http.StatusUnauthorized)
	s.expect(report.OwnSchemeCase, s.Request().As(client.LowerCaseScheme), "the scheme in lower case", http.StatusOK)

	for _, p := range s.doc.Parameters {
		if p.IsInteger() || p.IsBoolean() || p.IsEnum() {
			invalid := s.Request(p.Name, "NO-SUCH-VALUE")
			s.expect(report.OwnAuthFirst, invalid.As(client.NoCredentials), "an invalid request without credentials", http.StatusUnauthorized)
			s.expect(report.OwnAuthFirst, invalid.As(client.GarbageToken), "an invalid request with a token that is none", http.StatusUnauthorized)
			break
		}
	}
}

// checkChallenge requires a 401 to name the scheme, and invalid_token only if the request had a bearer token.
func (s *Suite) checkChallenge(a *client.Answer) {
	wanted := "invalid_token"
	if a.Request.Credentials == client.NoCredentials || a.Request.Credentials == client.OtherScheme {
		wanted = ""
	}
	got := client.Quote(strings.Join(a.Header.Values("WWW-Authenticate"), ", "))
	s.check(report.OwnChallenge, a, client.HasBearerChallenge(a.Header, wanted), "WWW-Authenticate is %s, not Bearer with the error %q", got, wanted)
}

// probeRoutes requests paths next to the list's that the document does not have.
func (s *Suite) probeRoutes() {
	for _, path := range []string{s.doc.Path + "/", s.doc.Path + "/" + noSuchName, "/" + noSuchName, strings.ToUpper(s.doc.Path)} {
		if s.doc.HasPath(path) {
			continue
		}
		for _, c := range []client.Credentials{client.WithToken, client.NoCredentials} {
			s.expect(report.OwnRoutes, client.NewRequest(path, nil).As(c), "another path", http.StatusNotFound)
		}
	}
}
