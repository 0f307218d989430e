//go:build !race

package limit

const withRace = false
