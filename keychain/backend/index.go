package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// Info is what is known of a secret beside its value. Times are zero for what
// another program stored.
type Info struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created,omitzero"`
	Changed time.Time `json:"changed,omitzero"`
}

const (
	indexVersion = 1
	maxIndex     = 4 << 20
)

// index is state/index.json.
type index struct {
	Version int    `json:"version"`
	Secrets []Info `json:"secrets"`
}

var errIndex = errors.New("index.json is not readable")

// readIndex returns the entries sorted by name; a missing file has none.
func (b *Backend) readIndex() ([]Info, error) {
	data, err := file.Read(b.indexPath(), maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errIndex, err)
	}
	return decodeIndex(data)
}

func decodeIndex(data []byte) ([]Info, error) {
	var i index
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&i); err != nil {
		return nil, fmt.Errorf("%w: %w", errIndex, err)
	}
	if i.Version != indexVersion {
		return nil, fmt.Errorf("%w: version %d", errIndex, i.Version)
	}
	for _, info := range i.Secrets {
		if keychain.CheckName("read index", info.Name) != nil {
			return nil, fmt.Errorf("%w: a name that no secret can have", errIndex)
		}
	}
	slices.SortFunc(i.Secrets, compareNames)
	return slices.CompactFunc(i.Secrets, func(a, b Info) bool { return a.Name == b.Name }), nil
}

func compareNames(a, b Info) int { return strings.Compare(a.Name, b.Name) }

// changeIndex edits the index under the lock between processes. A damaged index
// is begun anew: it holds nothing that the keychain does not.
func (b *Backend) changeIndex(ctx context.Context, edit func([]Info) []Info) error {
	release, err := file.Acquire(ctx, b.lockPath())
	if err != nil {
		return err
	}
	defer release()
	file.RemoveLeftovers(b.indexPath())
	entries, err := b.readIndex()
	if err != nil && !errors.Is(err, errIndex) {
		return err
	}
	data, err := json.MarshalIndent(index{Version: indexVersion, Secrets: edit(entries)}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode index: %w", err)
	}
	if err := file.Replace(b.indexPath(), "", append(data, '\n')); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

func noteSet(name string, now time.Time) func([]Info) []Info {
	now = now.UTC().Truncate(time.Second)
	return func(entries []Info) []Info {
		i, found := slices.BinarySearchFunc(entries, Info{Name: name}, compareNames)
		if !found {
			return slices.Insert(entries, i, Info{Name: name, Created: now, Changed: now})
		}
		entries[i].Changed = now
		return entries
	}
}

func noteDelete(name string) func([]Info) []Info {
	return func(entries []Info) []Info {
		return slices.DeleteFunc(entries, func(i Info) bool { return i.Name == name })
	}
}

// merge returns what the keychain lists, with the index's times.
func merge(listed []string, entries []Info) []Info {
	out := make([]Info, 0, len(listed))
	for _, name := range listed {
		if strings.HasPrefix(name, anchorPrefix) || strings.HasPrefix(name, slotPrefix) {
			continue // the mark of a vault of another state folder
		}
		info := Info{Name: name}
		if i, found := slices.BinarySearchFunc(entries, info, compareNames); found {
			info = entries[i]
		}
		out = append(out, info)
	}
	return out
}
