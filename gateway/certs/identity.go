package certs

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"openclaw/configs"
)

// identity is what tells one state of a file from another. The zero value is no
// file.
type identity struct {
	info   fs.FileInfo
	size   int64
	mode   fs.FileMode
	change time.Time
	target string // with every link followed
}

func identify(path string) identity {
	if path == "" {
		return identity{}
	}
	info, err := os.Stat(path)
	if err != nil {
		return identity{}
	}
	target, _ := filepath.EvalSymlinks(path) // a link that was swapped meanwhile is seen at the next look
	return identity{info: info, size: info.Size(), mode: info.Mode(), change: info.ModTime(), target: target}
}

func (i identity) equal(other identity) bool {
	if i.info == nil || other.info == nil {
		return i.info == nil && other.info == nil
	}
	return i.size == other.size && i.mode == other.mode && i.change.Equal(other.change) && i.target == other.target && os.SameFile(i.info, other.info)
}

func identities(settings configs.TLS) []identity {
	return []identity{identify(settings.CertFile), identify(settings.KeyFile), identify(settings.CAFile), identify(settings.CRLFile), identify(settings.OCSPFile)}
}

func equalIdentities(a, b []identity) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].equal(b[i]) {
			return false
		}
	}
	return true
}
