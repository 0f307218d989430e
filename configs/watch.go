package configs

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// How the watch times itself. An editor's save is several events within a few
// milliseconds; file systems of other machines send none at all.
const (
	debounce = 100 * time.Millisecond
	pollEach = 2 * time.Second
	maxDelay = 250 * time.Millisecond // however long events keep coming
	maxWaits = 50                     // looks that find the file being written, one each debounce
)

// identity is what tells one state of a file from another. The zero value is no
// file.
type identity struct {
	size   int64
	mode   fs.FileMode
	change time.Time
	file   fs.FileInfo
	target string
}

// identify looks at the file that path leads to.
func identify(path string) identity {
	info, err := os.Stat(path)
	if err != nil {
		return identity{}
	}
	target, _ := filepath.EvalSymlinks(path)
	return identity{size: info.Size(), mode: info.Mode(), change: info.ModTime(), file: info, target: target}
}

func (i identity) equal(other identity) bool {
	if i.file == nil || other.file == nil {
		return i.file == nil && other.file == nil
	}
	return i.size == other.size && i.mode == other.mode && i.change.Equal(other.change) &&
		i.target == other.target && os.SameFile(i.file, other.file)
}

// Run watches the config's folder, because editors replace the file rather than
// write into it, and loads the file within about 100 ms of a change. It looks at
// the file every 2 s too. It returns when ctx ends, and waits for a change that
// is under way. A rejected file is not an error of Run: see Status.
func (s *Store) Run(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		// Out of inotify instances, for one: polling still notices.
		return s.watch(ctx, nil, nil)
	}
	defer func() { _ = watcher.Close() }()
	folders := map[string]bool{filepath.Dir(s.path): true}
	if target, err := filepath.EvalSymlinks(s.path); err == nil {
		folders[filepath.Dir(target)] = true
	}
	for folder := range folders {
		if err := watcher.Add(folder); err != nil && ctx.Err() == nil {
			return s.watch(ctx, nil, nil)
		}
	}
	return s.watch(ctx, watcher.Events, watcher.Errors)
}

func (s *Store) watch(ctx context.Context, events <-chan fsnotify.Event, lost <-chan error) error {
	poll := time.NewTicker(pollEach)
	defer poll.Stop()
	quiet := time.NewTimer(0) // at once: the file may have changed before the watch began
	defer quiet.Stop()
	var first time.Time // of the events that have not been acted on
	var sure bool       // one of them was about the file itself
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			// Other files in the folder cost one look at ours, and push no other
			// look away; an event of our own is believed even when size and times
			// look the same.
			ours := filepath.Base(event.Name) == filepath.Base(s.path)
			if !ours && !first.IsZero() {
				continue
			}
			sure = sure || ours
			now := time.Now()
			if first.IsZero() {
				first = now
			}
			quiet.Reset(max(0, min(debounce, maxDelay-now.Sub(first))))
		case _, ok := <-lost:
			if !ok {
				lost = nil
				continue
			}
			quiet.Reset(debounce) // events were lost: look for ourselves
		case <-quiet.C:
			if s.look(ctx, sure) {
				quiet.Reset(debounce)
				continue
			}
			first, sure = time.Time{}, false
		case <-poll.C:
			if s.look(ctx, false) {
				quiet.Reset(debounce)
			}
		}
	}
}

// look loads the file if it is not the one of the last attempt, or if the
// caller is sure that it changed. again says that somebody is writing it, and what it
// holds may be a half that says less than the whole: look again soon. Who never closes
// it is not waited for.
func (s *Store) look(ctx context.Context, sure bool) (again bool) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-s.turn }()
	if !sure && identify(s.path).equal(s.seen) {
		return false
	}
	if s.waited++; s.waited <= maxWaits && beingWritten(s.path) {
		return true
	}
	s.waited = 0
	// A rejected file is in the status and told to every subscriber.
	_ = s.load("file watch")
	return false
}

// String gives "version 3 of /home/me/.openclaw/config.yaml".
func (s Status) String() string { return fmt.Sprintf("version %d of %s", s.Version, s.Path) }
