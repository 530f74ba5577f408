package client

import (
	"net/http"
	"testing"
)

func TestChallengesAreReadAsInRFC9110(t *testing.T) {
	for text, want := range map[string]struct{ plain, invalid bool }{
		`Bearer`:                         {true, false},
		`bEARER`:                         {true, false},
		`Bearer error="invalid_token"`:   {false, true},
		`Bearer error=invalid_token`:     {false, true},
		`Bearer Error = "invalid_token"`: {false, true},
		`Bearer realm="a, \"b\" error=", error="invalid_token", error_description="expired"`: {false, true},
		`Bearer realm="error=\"invalid_token\""`:                                             {true, false},
		`Basic realm="a", Bearer error="invalid_token"`:                                      {false, true},
		`Negotiate YII=, Bearer error="invalid_token"`:                                       {false, true},
		`Bearer error="invalid_token", Basic realm="error"`:                                  {false, true},
		`Bearer, DPoP algs="ES256", error="invalid_token"`:                                   {true, false},
		`, Bearer ,error="invalid_token",`:                                                   {false, true},
		`Basic error="invalid_token"`:                                                        {false, false},
		`BearerX error="invalid_token"`:                                                      {false, false},
		`Bearer error="invalid_tokens"`:                                                      {false, false},
		`Bearer error="in\valid_token"`:                                                      {false, true},
		`Bearer error="invalid_token`:                                                        {false, false},
		`Bearer error="invalid_token" realm="b"`:                                             {false, false},
		`Bearer error="invalid_token", error="other"`:                                        {false, false},
		`error="invalid_token"`:                                                              {false, false},
		`"Bearer"`:                                                                           {false, false},
		``:                                                                                   {false, false},
	} {
		header := http.Header{"Www-Authenticate": {text}}
		if plain, invalid := HasBearerChallenge(header, ""), HasBearerChallenge(header, "invalid_token"); plain != want.plain || invalid != want.invalid {
			t.Errorf("%s: got %t and %t", text, plain, invalid)
		}
	}
	two := http.Header{"Www-Authenticate": {`Basic realm="a"`, `Bearer error="invalid_token"`}}
	if !HasBearerChallenge(two, "invalid_token") {
		t.Error("the second line is not read")
	}
}
