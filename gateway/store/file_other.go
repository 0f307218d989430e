//go:build !unix

package store

import "os"

// own makes the file where there is none. Who may read it is the folder's
// matter: the state folder is in the user's own profile.
func (s *Store) own() (size int64, err error) {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
