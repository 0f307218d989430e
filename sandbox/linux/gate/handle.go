//go:build linux

package gate

import (
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"openclaw/sandbox/policy"
)

// maxHandles bounds what a cage may hold open through the gate, so that it
// cannot use up the descriptors of the process that serves it.
const maxHandles = 8192

// handle is an open file, or the listing of an open folder.
type handle struct {
	fd      int          // -1 for a listing
	class   policy.Class // as which it was opened
	writes  bool
	appends bool
	runs    bool // it was opened to be run, which goes on
	node    *node
	asked   string  // the path, where somebody said yes to it; "" where a rule allows it
	by      Process // to whom

	mu      sync.Mutex // of a listing
	entries []fuse.DirEntry
	taken   int64 // of maxListed
	read    bool  // it has been handed out
}

// handles numbers what is open.
type handles struct {
	mu   sync.Mutex
	open map[uint64]*handle
	next uint64

	listed atomic.Int64 // bytes of all listings
	most   int64        // maxListed, but for tests
}

func newHandles() *handles { return &handles{open: map[uint64]*handle{}, most: maxListed} }

// add numbers a handle. On an error it has been closed.
func (h *handles) add(opened *handle) (uint64, syscall.Errno) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.open) >= maxHandles {
		if opened.fd >= 0 {
			closeFD(opened.fd)
		}
		h.give(opened.taken)
		return 0, syscall.EMFILE
	}
	h.next++
	h.open[h.next] = opened
	return h.next, 0
}

// get returns an open file.
func (h *handles) get(number uint64) *handle {
	if opened := h.any(number); opened != nil && opened.fd >= 0 {
		return opened
	}
	return nil
}

func (h *handles) any(number uint64) *handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open[number]
}

// remove closes what is open and returns it.
func (h *handles) remove(number uint64) *handle {
	h.mu.Lock()
	opened := h.open[number]
	delete(h.open, number)
	h.mu.Unlock()
	switch {
	case opened == nil:
	case opened.fd >= 0:
		closeFD(opened.fd)
	default:
		opened.mu.Lock()
		defer opened.mu.Unlock()
		h.relist(opened, nil, 0)
	}
	return opened
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
