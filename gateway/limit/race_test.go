//go:build race

package limit

const withRace = true // five times slower
