package demo

import "time"

// Work is done from Monday to Friday, from 08:00 to 18:00 UTC. Time is counted in microseconds of such hours: a
// rollout that is planned two hours after 17:00 is then one of the next morning, without another word about it.
const (
	opening     = 8 * time.Hour
	hoursOfWork = 10 * time.Hour
	workday     = int64(hoursOfWork / time.Microsecond)
	workweek    = 5 * workday

	day  = 24 * time.Hour
	week = 7 * day
)

// calendar gives times to working time.
type calendar struct {
	start time.Time // midnight of a Monday
}

// calendarBefore begins so many weeks before the week of end.
func calendarBefore(end time.Time, weeks int) calendar {
	midnight := end.UTC().Truncate(day)
	sinceMonday := (int(midnight.Weekday()) + 6) % 7
	return calendar{start: midnight.AddDate(0, 0, -sinceMonday-7*weeks)}
}

// at is the time when so much was worked.
func (c calendar) at(worked int64) time.Time {
	days := worked/workweek*7 + worked%workweek/workday
	return c.start.AddDate(0, 0, int(days)).Add(opening + time.Duration(worked%workday)*time.Microsecond)
}

// until is how much is worked until the time.
func (c calendar) until(end time.Time) int64 {
	passed := end.Sub(c.start)
	worked := int64(passed/week) * workweek
	weekday, hours := passed%week/day, passed%day
	if weekday >= 5 {
		return worked + workweek
	}
	return worked + int64(weekday)*workday + min(max(hours-opening, 0), hoursOfWork).Microseconds()
}
