package session

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestPendingLoginsAreTakenOnceWithinTenMinutes(t *testing.T) {
	t.Parallel()
	now := time.Now()
	secrets := [][]byte{[]byte("a secret of sessions, longer than 32 bytes"), []byte("an older secret of more than 32 bytes...")}
	open := func(secrets ...[]byte) *Sessions {
		s, err := New(nil, secrets, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	want := PendingLogin{State: "state-of-26-characters-at-least", Nonce: "n", CodeVerifier: "v", Next: "/records?status=DEPLOYED"}
	for _, secure := range []bool{true, false} {
		w := httptest.NewRecorder()
		if err := open(secrets[1]).SetPending(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody), secure, want); err != nil {
			t.Fatal(err)
		}
		cookie := w.Result().Cookies()[0]
		if cookie.Secure != secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || strings.HasPrefix(cookie.Name, "__Host-") != secure {
			t.Errorf("got %v", cookie)
		}
		take := func(s *Sessions, secure bool, state string) (PendingLogin, error) {
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.AddCookie(cookie)
			return s.TakePending(httptest.NewRecorder(), r, secure, state)
		}
		// Another server has the secret among its older ones.
		other := open(secrets...)
		if got, err := take(other, secure, want.State); err != nil || got != want {
			t.Errorf("got %+v and %v", got, err)
		}
		for name, try := range map[string]func() (PendingLogin, error){
			"a second time":        func() (PendingLogin, error) { return take(other, secure, want.State) },
			"another state":        func() (PendingLogin, error) { return take(open(secrets...), secure, want.State+"x") },
			"the cookie's name":    func() (PendingLogin, error) { return take(open(secrets...), secure, want.State[:stateInName]) },
			"no state":             func() (PendingLogin, error) { return take(open(secrets...), secure, "") },
			"the other scheme":     func() (PendingLogin, error) { return take(open(secrets...), !secure, want.State) },
			"without the secret":   func() (PendingLogin, error) { return take(open(secrets[0]), secure, want.State) },
			"with a random secret": func() (PendingLogin, error) { return take(open(), secure, want.State) },
			"after ten minutes": func() (PendingLogin, error) {
				now = now.Add(pendingAge + time.Second)
				defer func() { now = now.Add(-pendingAge - time.Second) }()
				return take(open(secrets...), secure, want.State)
			},
		} {
			if got, err := try(); !errors.Is(err, ErrNotPending) {
				t.Errorf("%s: got %+v and %v", name, got, err)
			}
		}
	}
}
