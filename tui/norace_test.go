//go:build !race

package tui

// frameBudget is how many allocations a frame may take.
const frameBudget = 60
