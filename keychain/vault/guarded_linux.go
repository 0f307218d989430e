package vault

import "golang.org/x/sys/unix"

// guarded holds a key in a page of its own that is kept out of swap, core
// dumps and forked children where the kernel allows.
type guarded struct{ page []byte }

// guard takes over key: it moves the bytes and wipes the original.
func guard(key []byte) *guarded {
	page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return &guarded{page: key} // no memory for a page: the plain slice still gets wiped
	}
	// Each of these is a hardening that a small limit or an old kernel may
	// refuse; the key is as secret as any other memory then.
	_ = unix.Mlock(page)
	_ = unix.Madvise(page, unix.MADV_DONTDUMP)
	_ = unix.Madvise(page, unix.MADV_WIPEONFORK)
	copy(page, key)
	clear(key)
	return &guarded{page: page}
}

// bytes is valid until wipe.
func (g *guarded) bytes() []byte { return g.page[:keySize] }

func (g *guarded) wipe() {
	clear(g.page)
	if len(g.page) > keySize {
		_ = unix.Munmap(g.page)
	}
	g.page = nil
}
