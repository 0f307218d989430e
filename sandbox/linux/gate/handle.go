//go:build linux

package gate

import (
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// handle is an open file, or the listing of an open folder.
type handle struct {
	fd      int // -1 for a listing
	entries []fuse.DirEntry
	asked   string // the path, where somebody said yes to it; "" where a rule allows it
}

// handles numbers what is open.
type handles struct {
	mu   sync.Mutex
	open map[uint64]*handle
	next uint64
}

func newHandles() *handles { return &handles{open: map[uint64]*handle{}} }

func (h *handles) add(opened *handle) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	h.open[h.next] = opened
	return h.next
}

func (h *handles) get(number uint64) *handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	if opened := h.open[number]; opened != nil && opened.fd >= 0 {
		return opened
	}
	return nil
}

func (h *handles) listing(number uint64) []fuse.DirEntry {
	h.mu.Lock()
	defer h.mu.Unlock()
	if opened := h.open[number]; opened != nil {
		return opened.entries
	}
	return nil
}

// remove closes what is open and returns its path if it was asked for.
func (h *handles) remove(number uint64) (asked string) {
	h.mu.Lock()
	opened := h.open[number]
	delete(h.open, number)
	h.mu.Unlock()
	if opened == nil {
		return ""
	}
	if opened.fd >= 0 {
		closeFD(opened.fd)
	}
	return opened.asked
}

func (h *handles) closeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for number, opened := range h.open {
		if opened.fd >= 0 {
			closeFD(opened.fd)
		}
		delete(h.open, number)
	}
}
