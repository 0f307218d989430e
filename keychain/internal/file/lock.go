package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrBusy means that another process kept the lock for too long.
var ErrBusy = errors.New("another process holds the lock")

const (
	lockPatience = 10 * time.Second
	lockPause    = 5 * time.Millisecond
)

// Acquire takes the lock file at path, which it creates if needed, and returns the
// function that gives it back. It waits up to 10 s or until ctx ends. The lock
// ends with the process. It also excludes other callers in this process.
func Acquire(ctx context.Context, path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, Mode)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockPatience, ErrBusy)
	defer cancel()
	for {
		taken, err := tryLock(f)
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock: %w", err)
		}
		if taken {
			return func() { _ = f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("wait for lock: %w", context.Cause(ctx))
		case <-time.After(lockPause):
		}
	}
}
