package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

const day = 24 * time.Hour

// minute formats a time to the minute.
func minute(t time.Time) string { return t.Format("2006-01-02 15:04") }

// ago formats how long ago a time was.
func ago(d time.Duration) string {
	switch {
	case d < -time.Minute:
		return "in " + duration(-d)
	case d < time.Minute:
		return "now"
	}
	return duration(d) + " ago"
}

// duration formats a duration by its greatest unit, and for days by the next one too.
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < day:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d < 60*day:
		return fmt.Sprintf("%d d", d/day)
	case d < 730*day:
		return fmt.Sprintf("%d mo", d/(30*day))
	}
	return fmt.Sprintf("%d y", d/(365*day))
}

// count formats a number of things.
func count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Number(n) + " " + thing
}

// Number formats a count with separators of thousands.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}

var kinds = map[deployments.Kind]string{deployments.ContainerImage: "image", deployments.HelmChart: "chart"}

func kindName(k deployments.Kind) string { return kinds[k] }

func statusName(s deployments.Status) string { return strings.ToLower(s.String()) }
