package conformance

import (
	"net/http"
	"strings"
)

// judgeAuthentication asks without a token and with what is none.
func (s *suite) judgeAuthentication() {
	rules := []*Rule{authNone, authGarbage, authScheme, authAltered, authUnsigned, ownAuthFirst, ownChallenge, ownTwoTokens, ownSchemeCase}
	if !s.doc.secured {
		s.notJudged("the document asks for no bearer token", rules...)
		return
	}
	as := func(c credentials, r request) request {
		r.credentials = c
		return r
	}
	plain := s.request()
	refuse := func(rule *Rule, c credentials, why string) {
		a := s.expect(rule, as(c, plain), why, http.StatusUnauthorized)
		if a.status == http.StatusUnauthorized {
			s.challenge(a)
		}
	}
	refuse(authNone, noCredentials, "a request without credentials")
	refuse(authGarbage, garbageToken, "a bearer token that is none")
	refuse(authScheme, otherScheme, "another scheme")
	if strings.Count(s.client.token, ".") == 2 {
		refuse(authAltered, alteredToken, "a token with an altered signature")
		refuse(authUnsigned, unsignedToken, "a token without a signature")
	} else {
		s.notJudged("the token is no signed JWT", authAltered, authUnsigned)
	}
	s.expect(ownTwoTokens, as(tokenTwice, plain), "a request with two Authorization headers", http.StatusUnauthorized)
	s.expect(ownSchemeCase, as(lowerCaseScheme, plain), "the scheme in lower case", http.StatusOK)

	for _, p := range s.doc.parameters {
		if p.isInteger() || p.isBoolean() || p.isEnum() {
			invalid := s.request(p.name, "NO-SUCH-VALUE")
			s.expect(ownAuthFirst, as(noCredentials, invalid), "an invalid request without credentials", http.StatusUnauthorized)
			s.expect(ownAuthFirst, as(garbageToken, invalid), "an invalid request with a token that is none", http.StatusUnauthorized)
			break
		}
	}
}

// challenge wants a 401 to say how to come in, and that a token is invalid only if there was one.
func (s *suite) challenge(a *answer) {
	got := a.header.Get("WWW-Authenticate")
	want := `Bearer error="invalid_token"`
	if a.request.credentials == noCredentials || a.request.credentials == otherScheme {
		want = "Bearer"
	}
	j := &judgement{}
	j.check(ownChallenge, got == want, "WWW-Authenticate is %q, not %q", cut(got), want)
	s.enter(j, a.request)
}

// judgeRoutes asks for paths that are not the list's.
func (s *suite) judgeRoutes() {
	for _, path := range []string{s.doc.path + "/", s.doc.path + "/" + noSuchName, "/" + noSuchName, strings.ToUpper(s.doc.path)} {
		for _, c := range []credentials{withToken, noCredentials} {
			s.expect(ownRoutes, request{credentials: c, path: path}, "another path", http.StatusNotFound)
		}
	}
}
