package view

import "slices"

// Ring keeps the newest items up to a fixed number and counts what it wrote
// over. Every item has a number that counts from 0 and never changes. The zero
// value is not usable. It is not safe for concurrent use.
type Ring[T any] struct {
	pages  [][]T  // of pageItems each; none is moved when another is added
	shared []bool // with a snapshot, by page: they are not written to any more
	limit  uint64
	kept   uint64
	next   uint64 // the number of the next item
}

const pageItems = 1024

// NewRing returns a ring that keeps at most limit items. Memory grows as items
// come.
func NewRing[T any](limit int) *Ring[T] { return &Ring[T]{limit: uint64(max(limit, 1))} }

// Push adds an item, over the oldest when the ring is full.
func (r *Ring[T]) Push(item T) {
	at := r.next % r.limit
	if at/pageItems == uint64(len(r.pages)) {
		r.pages = append(r.pages, make([]T, min(pageItems, r.limit-at)))
		r.shared = append(r.shared, false)
	}
	if r.shared[at/pageItems] {
		r.pages[at/pageItems], r.shared[at/pageItems] = slices.Clone(r.pages[at/pageItems]), false
	}
	r.pages[at/pageItems][at%pageItems] = item
	r.kept = min(r.kept+1, r.limit)
	r.next++
}

// Len is the number of items kept.
func (r *Ring[T]) Len() int { return int(r.kept) }

// First is the number of the oldest item kept; Next is the number that the next
// item will get. First counts, too, what was written over.
func (r *Ring[T]) First() uint64 { return r.next - r.kept }

// Next is the number that the next item will get.
func (r *Ring[T]) Next() uint64 { return r.next }

// Snapshot is a ring with the items of now, for a goroutine that reads it while this one
// goes on. It copies none: a page that is written to is copied then. Whoever has taken one
// writes to no item through At.
func (r *Ring[T]) Snapshot() *Ring[T] {
	for page := range r.shared {
		r.shared[page] = true
	}
	other := *r
	other.pages, other.shared = slices.Clone(r.pages), slices.Clone(r.shared)
	return &other
}

// At returns item number n, which must be in First..Next-1.
func (r *Ring[T]) At(n uint64) *T {
	at := n
	if at >= r.limit { // a division takes as long as all the rest
		at %= r.limit
	}
	return &r.pages[at/pageItems][at%pageItems]
}

// Clear forgets all items; numbers go on.
func (r *Ring[T]) Clear() {
	for left, page := r.kept, 0; left > 0; page++ {
		items := r.pages[page][:min(left, uint64(len(r.pages[page])))]
		if r.shared[page] {
			r.pages[page], r.shared[page] = make([]T, len(r.pages[page])), false
		} else {
			clear(items)
		}
		left -= uint64(len(items))
	}
	r.kept = 0
	// The place of an item follows from its number: go on from a number that
	// lies at the start of the memory.
	if rest := r.next % r.limit; rest != 0 {
		r.next += r.limit - rest
	}
}
