package scan

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"openclaw/keychain/internal/file"
)

// Reasons for which a file is not rewritten.
var (
	ErrChanged  = errors.New("it was changed since it was read")
	ErrOwner    = errors.New("it belongs to another user")
	ErrReadOnly = errors.New("it is read-only")
	ErrLinked   = errors.New("it has another name (a hard link), which would keep the old content")
	ErrKind     = errors.New("it is not a regular file")
)

// leftover is in the name of every temporary file: .NAME + leftover + letters.
const leftover = ".openclaw-import-"

// Lock keeps others of this program away until release, by the lock file at path.
// It waits up to 10 s.
func Lock(ctx context.Context, path string) (release func(), err error) {
	return file.Acquire(ctx, path)
}

// Judge says why the file at path would not be rewritten.
func Judge(path string) error {
	f, _, _, err := open(path)
	if err == nil {
		f.Close()
	}
	return err
}

// open opens the file behind path and judges it. real is its name without
// symbolic links.
func open(path string) (f *os.File, info os.FileInfo, real string, err error) {
	if real, err = filepath.EvalSymlinks(path); err != nil {
		return nil, nil, "", plain(err)
	}
	if f, err = openBehind(real); err != nil {
		return nil, nil, "", plain(err)
	}
	if info, err = f.Stat(); err == nil {
		err = judge(info)
	}
	if err != nil {
		f.Close()
		return nil, nil, "", err
	}
	return f, info, real, nil
}

// Rewrite gives the file at path the content after, if it still has before.
// Callers that may run at the same time hold a Lock.
func Rewrite(path string, before, after []byte) (err error) {
	f, info, real, err := open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	now, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return fmt.Errorf("read: %w", plain(err))
	}
	defer clear(now)
	if !bytes.Equal(now, before) {
		return ErrChanged
	}
	removeLeftovers(real)
	name := filepath.Join(filepath.Dir(real), "."+filepath.Base(real)+leftover+rand.Text()[:8])
	temporary, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file.Mode)
	if err != nil {
		return fmt.Errorf("write beside it: %w", plain(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(name)
		}
	}()
	_, err = temporary.Write(after)
	if err == nil {
		err = sameGroup(temporary, info)
	}
	if err == nil {
		err = temporary.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return fmt.Errorf("write beside it: %w", plain(err))
	}
	last, err := os.Lstat(real)
	if err != nil || !os.SameFile(last, info) || !last.ModTime().Equal(info.ModTime()) || last.Size() != info.Size() {
		return errors.Join(ErrChanged, err)
	}
	if err := os.Rename(name, real); err != nil {
		return fmt.Errorf("replace: %w", plain(err))
	}
	return syncFolder(filepath.Dir(real))
}

// removeLeftovers removes what a kill left beside the file.
func removeLeftovers(real string) {
	entries, err := os.ReadDir(filepath.Dir(real))
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+filepath.Base(real)+leftover) && e.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(real), e.Name()))
		}
	}
}
