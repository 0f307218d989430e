//go:build !race

package nonblock

// direct is whether connections are read and written by direct calls.
const direct = true
