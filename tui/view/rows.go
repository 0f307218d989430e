package view

import (
	"slices"
	"time"
)

// Rows is a set of rows by id in the order of arrival. It keeps at most limit
// rows; the oldest leave first and are counted. It is not safe for concurrent
// use.
type Rows[T any] struct {
	Lost  int    // rows that left to make room
	Edits uint64 // counts the changes

	limit int
	moves uint64     // counts the changes of order: all but a row that comes in as the newest
	again uint64     // counts the rows that were replaced in their place
	order []*kept[T] // oldest first
	byID  map[string]*kept[T]
	id    func(*T) string
	last  func(*T) time.Time
}

// kept is a row and what a list found out about it as it is.
type kept[T any] struct {
	row  T
	memo memo
}

// burst is the silence after which a row that repeats moves up to the newest.
const burst = time.Minute

// NewRows returns an empty set. id names a row; last, when it is not nil, is
// the time of its last repeat.
func NewRows[T any](limit int, id func(*T) string, last func(*T) time.Time) *Rows[T] {
	return &Rows[T]{limit: max(limit, 10), byID: map[string]*kept[T]{}, id: id, last: last}
}

// Len is the number of rows.
func (r *Rows[T]) Len() int { return len(r.order) }

// Oldest returns row i counted from the oldest, 0.
func (r *Rows[T]) Oldest(i int) *T { return &r.order[i].row }

// Newest returns row i counted from the newest, 0.
func (r *Rows[T]) Newest(i int) *T { return &r.order[len(r.order)-1-i].row }

// shape changes with every change but a row that comes in as the newest.
func (r *Rows[T]) shape() uint64 { return r.moves + r.again }

// memo is what is remembered of row i counted from the newest. A change of the row forgets it.
func (r *Rows[T]) memo(i int) *memo { return &r.order[len(r.order)-1-i].memo }

// Get returns the row with an id, or nil.
func (r *Rows[T]) Get(id string) *T {
	if k := r.byID[id]; k != nil {
		return &k.row
	}
	return nil
}

// Put adds a copy of a row, or replaces the one with its id in its place. A row that
// repeats after a minute of silence moves to the newest place; while it repeats
// faster it stays where the reader saw it.
func (r *Rows[T]) Put(row *T) {
	r.Edits++
	id := r.id(row)
	old := r.byID[id]
	if old == nil {
		if len(r.order) >= r.limit {
			r.evict(max(r.limit/10, 1))
		}
		fresh := &kept[T]{row: *row}
		r.order = append(r.order, fresh)
		r.byID[id] = fresh
		return
	}
	r.again++
	moves := r.last != nil && r.last(row).Sub(r.last(&old.row)) > burst
	*old = kept[T]{row: *row}
	if moves {
		r.remove(old)
		r.order = append(r.order, old)
	}
}

// Replace forgets all rows and takes these, oldest first.
func (r *Rows[T]) Replace(rows []T) {
	r.Edits++
	r.moves++
	r.order = r.order[:0]
	clear(r.byID)
	for i := range rows {
		r.Put(&rows[i])
	}
}

// Drop removes the row with an id.
func (r *Rows[T]) Drop(id string) {
	if row := r.byID[id]; row != nil {
		r.Edits++
		r.remove(row)
		delete(r.byID, id)
	}
}

func (r *Rows[T]) remove(row *kept[T]) {
	r.moves++
	for i, have := range slices.Backward(r.order) {
		if have == row {
			r.order = slices.Delete(r.order, i, i+1)
			return
		}
	}
}

func (r *Rows[T]) evict(n int) {
	r.moves++
	for _, row := range r.order[:n] {
		delete(r.byID, r.id(&row.row))
	}
	r.order = append(r.order[:0], r.order[n:]...)
	r.Lost += n
}
