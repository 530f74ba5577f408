package provider

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/oauth2"
)

// Failure is why a login failed. Its texts are for the person, and contain no value that somebody else could have chosen.
type Failure struct {
	Status          int
	Message, Advice string
	// Cause is for the log; it may be nil.
	Cause error
}

// Error returns the message with the cause.
func (f *Failure) Error() string {
	if f.Cause != nil {
		return f.Message + " " + f.Cause.Error()
	}
	return f.Message
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

const (
	adviceAgain    = "Log in again."
	adviceOperator = "Ask the people who run this server: its log has the reason."
)

func (p *Provider) unreachable(cause error) *Failure {
	return &Failure{
		Status: http.StatusServiceUnavailable, Cause: cause, Message: p.Name + " does not answer.",
		Advice: "Wait, or log in again in a minute. If this lasts, ask the people who run this server: its log has the reason.",
	}
}

func (p *Provider) anotherIssuer() *Failure {
	return &Failure{Status: http.StatusBadRequest, Message: "The response does not come from " + p.Name + ".", Advice: adviceAgain}
}

func (p *Provider) anotherLogin() *Failure {
	return &Failure{Status: http.StatusBadRequest, Message: "The response of " + p.Name + " belongs to another login.", Advice: adviceAgain}
}

func (p *Provider) noCode() *Failure {
	return &Failure{Status: http.StatusBadRequest, Message: "The response of " + p.Name + " is not complete.", Advice: adviceAgain}
}

func (p *Provider) noIDToken() *Failure {
	return &Failure{
		Status: http.StatusBadGateway, Message: p.Name + " sent no ID token.", Advice: adviceOperator,
		Cause: errors.New("the response of the token endpoint has no id_token: the client may not have the scope openid"),
	}
}

func (p *Provider) badIDToken(cause error) *Failure {
	return &Failure{Status: http.StatusUnauthorized, Message: "The ID token of " + p.Name + " is not accepted.", Advice: adviceOperator, Cause: cause}
}

// errorCode matches the codes of errors (RFC 6749 section 4.1.2.1, and OpenID Connect Core 1.0 section 3.1.2.6).
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// rejectedBy returns the failure for a query with the parameter error.
func (p *Provider) rejectedBy(query url.Values) *Failure {
	code := query.Get("error")
	if !errorCode.MatchString(code) {
		code = "an unknown error"
	}
	f := &Failure{
		Status: http.StatusBadGateway, Message: p.Name + " reported " + code + ".", Advice: adviceOperator,
		Cause: errors.New("the provider reported " + code + described(query.Get("error_description"))),
	}
	switch code {
	case "access_denied":
		f.Status, f.Message = http.StatusForbidden, p.Name+" did not let you in, or you declined."
		f.Advice = "Log in again, or ask the people who run " + p.Name + " to give you access."
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		f.Status, f.Message, f.Advice = http.StatusUnauthorized, "The login at "+p.Name+" was not completed.", adviceAgain
	case "temporarily_unavailable", "server_error":
		f.Status, f.Message, f.Advice = http.StatusServiceUnavailable, p.Name+" cannot log you in right now.", "Log in again in a minute."
	}
	return f
}

// exchangeFailed returns the failure for an error of the token endpoint. The response may contain tokens: it is not quoted.
func (p *Provider) exchangeFailed(err error) *Failure {
	reported, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case ok && reported.ErrorCode == "invalid_grant":
		return &Failure{
			Status: http.StatusBadRequest, Message: "The response of " + p.Name + " has expired or was used before.", Advice: adviceAgain,
			Cause: errors.New("the token endpoint reported invalid_grant" + described(reported.ErrorDescription)),
		}
	case ok && errorCode.MatchString(reported.ErrorCode):
		return &Failure{
			Status: http.StatusBadGateway, Message: p.Name + " rejects this server.", Advice: adviceOperator,
			Cause: errors.New("the token endpoint reported " + reported.ErrorCode + described(reported.ErrorDescription)),
		}
	case ok:
		return &Failure{
			Status: http.StatusBadGateway, Message: p.Name + " rejects this server.", Advice: adviceOperator,
			Cause: errors.New("the token endpoint responded with " + reported.Response.Status),
		}
	}
	if wrapped, isURL := errors.AsType[*url.Error](err); isURL {
		return &Failure{Status: http.StatusServiceUnavailable, Message: p.Name + " does not answer.", Advice: "Log in again in a minute.", Cause: wrapped.Err}
	}
	return &Failure{Status: http.StatusBadGateway, Message: p.Name + " sent a malformed response.", Advice: adviceOperator, Cause: errors.New("the response of the token endpoint is malformed")}
}

// described quotes the beginning of a description for the log.
func described(text string) string {
	const most = 200
	if text == "" {
		return ""
	}
	return ": " + strings.ToValidUTF8(text[:min(len(text), most)], "")
}
