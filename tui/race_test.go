//go:build race

package tui

// frameBudget is half as much again: under the race detector a sync.Pool drops
// some of what it is given, on purpose.
const frameBudget = 90
