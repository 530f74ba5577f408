package milestones

import "math"

// longList is the length in shortest intervals from which the interval of a list grows, with the square root of its length: a page
// adds up the milestones before it and skips records from the nearest, and the cost of both then grows equally.
const longList = 40

// intervalOf returns the interval of a list of n records.
func intervalOf(n, shortest int64) int64 {
	return max(shortest, int64(math.Sqrt(float64(n)*float64(shortest)/longList)))
}
