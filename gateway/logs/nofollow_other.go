//go:build !unix

package logs

// noFollow has no counterpart here.
const noFollow = 0
