//go:build !unix

package certs

import "io/fs"

// modesMatter: permission bits say nothing here.
const modesMatter = false

const openNonblocking = 0

func trustedOwner(fs.FileInfo) bool { return true }
