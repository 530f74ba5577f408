// Package bench measures what the project promises about its speed, and writes docs/performance.md: make bench. There
// is one file a row of the table, which says what is measured and what it is compared with; lab.go and dataset.go make
// what is measured, load.go asks.
//
// Nothing is measured alone. Two things are measured by turns, in pairs, and the figure is the median of their ratios:
// the machine, its neighbours and its temperature are in both.
package bench
