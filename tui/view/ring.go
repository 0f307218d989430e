package view

// Ring keeps the newest items up to a fixed number and counts what it wrote
// over. Every item has a number that counts from 0 and never changes. The zero
// value is not usable. It is not safe for concurrent use.
type Ring[T any] struct {
	items []T
	limit int
	next  uint64 // the number of the next item
}

// NewRing returns a ring that keeps at most limit items. Memory grows as items
// come.
func NewRing[T any](limit int) *Ring[T] { return &Ring[T]{limit: max(limit, 1)} }

// Push adds an item, over the oldest when the ring is full.
func (r *Ring[T]) Push(item T) {
	if len(r.items) < r.limit {
		r.items = append(r.items, item)
	} else {
		r.items[r.next%uint64(r.limit)] = item
	}
	r.next++
}

// Len is the number of items kept.
func (r *Ring[T]) Len() int { return len(r.items) }

// First is the number of the oldest item kept; Next is the number that the next
// item will get. First counts, too, what was written over.
func (r *Ring[T]) First() uint64 { return r.next - uint64(len(r.items)) }

// Next is the number that the next item will get.
func (r *Ring[T]) Next() uint64 { return r.next }

// At returns item number n, which must be in First..Next-1.
func (r *Ring[T]) At(n uint64) *T { return &r.items[n%uint64(r.limit)] }

// Clear forgets all items; numbers go on.
func (r *Ring[T]) Clear() {
	clear(r.items)
	r.items = r.items[:0]
	// The place of an item follows from its number: go on from a number that
	// lies at the start of the memory.
	if rest := r.next % uint64(r.limit); rest != 0 {
		r.next += uint64(r.limit) - rest
	}
}
