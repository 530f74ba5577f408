package demo

import "time"

// Working time counts microseconds from Monday to Friday, 08:00 to 18:00 UTC. A rollout that is planned two hours after
// 17:00 is then one of the next morning.
const (
	opening     = 8 * time.Hour
	hoursOfWork = 10 * time.Hour
	workday     = int64(hoursOfWork / time.Microsecond)
	workweek    = 5 * workday

	day  = 24 * time.Hour
	week = 7 * day
)

// calendar converts working time.
type calendar struct {
	start time.Time // midnight of a Monday
}

// calendarBefore returns a calendar that starts the number of weeks before the week of end.
func calendarBefore(end time.Time, weeks int) calendar {
	midnight := end.UTC().Truncate(day)
	sinceMonday := (int(midnight.Weekday()) + 6) % 7
	return calendar{start: midnight.AddDate(0, 0, -sinceMonday-7*weeks)}
}

// at returns the time of a working time.
func (c calendar) at(worked int64) time.Time {
	days := worked/workweek*7 + worked%workweek/workday
	return c.start.AddDate(0, 0, int(days)).Add(opening + time.Duration(worked%workday)*time.Microsecond)
}

// until returns the working time of a time.
func (c calendar) until(end time.Time) int64 {
	passed := end.Sub(c.start)
	worked := int64(passed/week) * workweek
	weekday, hours := passed%week/day, passed%day
	if weekday >= 5 {
		return worked + workweek
	}
	return worked + int64(weekday)*workday + min(max(hours-opening, 0), hoursOfWork).Microseconds()
}
