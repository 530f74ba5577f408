package httpserver

import (
	"fmt"
	"net/http"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/deployrecords/deployrecords/internal/api"
)

// rateLimit limits the requests of each token subject. nil limits nothing.
type rateLimit struct {
	perSecond int
	limiters  *lru.Cache[subject, *rate.Limiter]
}

// subject is the subject of a token. Tokens without one share the limit of their organization.
type subject struct{ organization, name string }

// maxSubjects is the number of subjects with a limiter, of about 200 bytes each. A subject whose limiter was dropped has
// a full second again.
const maxSubjects = 16_384

// newRateLimit returns a limit of requests a second, or nil if it is 0.
func newRateLimit(perSecond int) *rateLimit {
	if perSecond == 0 {
		return nil
	}
	limiters, err := lru.New[subject, *rate.Limiter](maxSubjects)
	if err != nil {
		panic(err) // maxSubjects is positive
	}
	return &rateLimit{perSecond, limiters}
}

// allow counts a request of a subject, which may be empty, or returns a 429. The requests of one second may arrive at once.
func (l *rateLimit) allow(organization, name string) error {
	if l == nil {
		return nil
	}
	key := subject{organization, name}
	limiter, ok := l.limiters.Get(key)
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(l.perSecond), l.perSecond)
		if other, raced, _ := l.limiters.PeekOrAdd(key, limiter); raced {
			limiter = other
		}
	}
	reservation := limiter.Reserve()
	wait := reservation.Delay()
	if wait == 0 {
		return nil
	}
	reservation.Cancel()
	return &api.Problem{
		Status:     http.StatusTooManyRequests,
		Message:    fmt.Sprintf("the subject of the token sends more than %d requests a second, try again", l.perSecond),
		RetryAfter: wait,
	}
}
