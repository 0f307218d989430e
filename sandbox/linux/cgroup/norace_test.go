//go:build linux && !race

package cgroup

// raceDetector reports whether this program has the race detector in it.
const raceDetector = false
