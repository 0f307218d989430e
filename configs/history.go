package configs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Bounds of what is kept of configs that were in force.
const (
	maxHistory     = 50       // versions
	maxHistorySize = 16 << 20 // bytes of their texts
)

// Applied is one config that became active.
type Applied struct {
	Version int
	Time    time.Time
	By      string // "start", "file watch", "reload", "edit", "rollback to #12"
	Changes []string
	Kept    bool   // Rollback can bring it back
	Lost    string // why it cannot, where it was to be kept
}

// history keeps the texts of configs that were in force, each in a file for its
// owner alone, and a list of them. A text is kept as it is, but for one that holds
// a secret in the clear: that is not written a second time. Once the config is
// encrypted no text is kept, and those from before are gone.
//
// Its methods belong to whoever holds the Store's turn.
type history struct {
	folder string
	list   []keptVersion // newest first
}

// keptVersion is a row of the list.
type keptVersion struct {
	Version int       `json:"version"`
	Time    time.Time `json:"time"`
	By      string    `json:"by"`
	Changes []string  `json:"changes,omitempty"`
	Hash    string    `json:"hash"` // SHA-256 of the text, in hex
	Size    int       `json:"size"`
	Lost    string    `json:"lost,omitempty"` // why the text is not there
}

const (
	historyHint = "look at who owns it, and whether the disk is full; while it cannot be written, no version is kept to go back to"
	holdsSecret = "it holds a secret in the clear" //nolint:gosec // words, not a secret
	madeRoom    = "newer ones took its place"
	isEncrypted = "the config is encrypted, and no text of it is kept beside it"
)

func openHistory(folder string) (*history, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the config's versions: %w", err)
	}
	if err := closeFolder(folder); err != nil {
		return nil, fmt.Errorf("close the folder of the config's versions: %w", err)
	}
	h := &history{folder: folder}
	text, err := readKept(h.index(), 4<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of the config's versions: %w", err)
	}
	if err := json.Unmarshal(text, &h.list); err != nil {
		return nil, fmt.Errorf("read the list of the config's versions, %s: %w", h.index(), err)
	}
	slices.SortFunc(h.list, func(a, b keptVersion) int { return b.Version - a.Version })
	return h, nil
}

func (h *history) index() string { return filepath.Join(h.folder, "versions.json") }

func (h *history) file(version int) string {
	return filepath.Join(h.folder, strconv.Itoa(version)+".yaml")
}

// next is the version of a config that comes into force now: the newest one's,
// when that is the same text.
func (h *history) next(hash string) int {
	switch {
	case len(h.list) == 0:
		return 1
	case h.list[0].Hash == hash:
		return h.list[0].Version
	}
	return h.list[0].Version + 1
}

// keep adds a config that came into force. The text is on the disk before the
// list names it.
func (h *history) keep(s *Snapshot, applied Applied) error {
	if len(h.list) > 0 && h.list[0].Version == s.Version && h.list[0].Lost == "" && !s.Encrypted {
		return nil // it was in force when the program before this one ended
	}
	row := keptVersion{Version: s.Version, Time: applied.Time, By: applied.By, Changes: applied.Changes, Hash: s.Hash, Size: len(s.Text)}
	if s.Encrypted {
		row.Lost = isEncrypted
	} else if len(literals(s.Config)) > 0 {
		row.Lost = holdsSecret
	} else if err := ReplaceFile(h.file(s.Version), s.Text); err != nil {
		return fmt.Errorf("keep the config: %w", err)
	}
	list := slices.DeleteFunc(slices.Clone(h.list), func(old keptVersion) bool { return old.Version == s.Version })
	list = slices.Insert(list, 0, row)
	list = list[:min(len(list), maxHistory)]
	size := 0
	for i := range list {
		if size += list[i].Size; size > maxHistorySize && i > 0 && list[i].Lost == "" {
			list[i].Lost = madeRoom
		}
	}
	if s.Encrypted {
		forget(list)
	}
	return h.write(list)
}

// forget takes the texts of a list away, because the config is encrypted by now.
func forget(list []keptVersion) {
	for i := range list {
		if list[i].Lost == "" {
			list[i].Lost = isEncrypted
		}
	}
}

// forgetVersions removes every text that is kept in a state folder.
func forgetVersions(layout Layout) error {
	h, err := openHistory(layout.Versions())
	if err != nil {
		return err
	}
	list := slices.Clone(h.list)
	forget(list)
	return h.write(list)
}

// write makes list the list, and removes the texts that it does not name.
func (h *history) write(list []keptVersion) error {
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("list the config's versions: %w", err)
	}
	if err := ReplaceFile(h.index(), append(text, '\n')); err != nil {
		return fmt.Errorf("list the config's versions: %w", err)
	}
	h.list = list
	h.clean()
	return nil
}

// clean removes the texts that the list does not name. One that stays is looked at
// with the next version.
func (h *history) clean() {
	entries, err := os.ReadDir(h.folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := filepath.Join(h.folder, entry.Name())
		named := name == h.index() || slices.ContainsFunc(h.list, func(row keptVersion) bool { return row.Lost == "" && name == h.file(row.Version) })
		if !named && entry.Type().IsRegular() {
			_ = os.Remove(name)
		}
	}
}

// text is what a version said, exactly.
func (h *history) text(version int) ([]byte, error) {
	i := slices.IndexFunc(h.list, func(row keptVersion) bool { return row.Version == version })
	if i < 0 {
		return nil, fmt.Errorf("version #%d is not kept", version)
	}
	if h.list[i].Lost != "" {
		return nil, fmt.Errorf("version #%d is not kept: %s", version, h.list[i].Lost)
	}
	text, err := readKept(h.file(version), MaxSize)
	if err != nil {
		return nil, fmt.Errorf("read version #%d: %w", version, err)
	}
	if hashOf(text) != h.list[i].Hash {
		return nil, fmt.Errorf("version #%d is not what it was: somebody changed %s", version, h.file(version))
	}
	return text, nil
}

// applied are the versions, newest first.
func (h *history) applied() []Applied {
	list := make([]Applied, 0, len(h.list))
	for i := range h.list {
		row := &h.list[i]
		list = append(list, Applied{Version: row.Version, Time: row.Time, By: row.By, Changes: row.Changes, Kept: row.Lost == "", Lost: row.Lost})
	}
	return list
}

// readKept reads a file of this folder, at most limit bytes.
func readKept(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|openNonblocking, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > limit:
		return nil, fmt.Errorf("it has more than %d bytes", limit)
	}
	return io.ReadAll(io.LimitReader(f, limit))
}
