package file

import (
	"errors"
	"path/filepath"
)

// ErrLooseFolder is a folder of credentials that others may write to.
var ErrLooseFolder = errors.New("other users may put files into its folder")

// ReadCredential returns a file of at most limit bytes of the folder in which a service
// manager hands over credentials: a regular file of this user or of root, that nobody
// else may read or write, in a folder of one of them that nobody else may write to.
// systemd gives a service of another user than root its files as root's, by an access
// list, which shows as a group that may read: of a file of root's that is let pass.
// Where the system cannot tell who may read a file it returns errors.ErrUnsupported.
func ReadCredential(folder, name string, limit int64) ([]byte, error) {
	f, err := openRegular(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if err := judgeCredential(folder, f); err != nil {
		return nil, err
	}
	return readAll(f, limit)
}
