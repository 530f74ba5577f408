package client

import (
	"strings"
	"testing"
)

func TestACommandHasTheVariableInItsHeadersOnly(t *testing.T) {
	for credentials, want := range map[Credentials]string{
		WithToken:     `"Authorization: Bearer $TOKEN2"`,
		AlteredToken:  `"Authorization: Bearer ${TOKEN2%????}AAAA"`,
		UnsignedToken: `$(printf %s "$TOKEN2" | cut -d. -f2)`,
	} {
		r := NewRequest("/TOKEN/list", Query{{Name: "name", Value: "TOKEN"}}).As(credentials)
		if got := r.Curl("https://TOKEN.example", "TOKEN2"); !strings.Contains(got, want) || !strings.HasSuffix(got, " 'https://TOKEN.example/TOKEN/list?name=TOKEN'") {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
