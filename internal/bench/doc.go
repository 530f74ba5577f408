// Package bench measures the speed that the project promises and writes docs/performance.md: make bench. Each scenario
// has a file of its own, which begins with what the scenario measures, its baseline and the reason for the ratio.
//
// A measurement and its baseline alternate in pairs, and the result is the median of the ratios: noise of the machine
// disturbs both.
//
// testbed.go, dataset.go and server.go provide what the scenarios measure, load.go sends requests, result.go compares and
// judges, report.go prints.
package bench
