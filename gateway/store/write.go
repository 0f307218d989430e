package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// maxBatch is how many writes share a transaction at the most, and how many wait
// for the writer before their callers wait themselves.
const maxBatch = 128

// write is one call's change.
type write struct {
	change func(*sql.Tx) error
	done   chan error // has room for the one answer
}

// put makes a change and returns when it is on the disk. The end of ctx ends
// only the wait for a place: what the writer has taken is answered.
func (s *Store) put(ctx context.Context, change func(*sql.Tx) error) error {
	db, done, err := s.use(ctx, true)
	if err != nil {
		return err
	}
	defer done()
	w := &write{change: change, done: make(chan error, 1)}
	select {
	case db.queue <- w:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.failure(writeOp, <-w.done)
}

// run is the writer. It ends when the queue is closed and empty.
func (db *database) run() {
	defer close(db.gone)
	var batch []*write
	for first := range db.queue {
		batch = append(batch[:0], first)
	gather:
		for len(batch) < maxBatch {
			select {
			case w, more := <-db.queue:
				if !more {
					break gather
				}
				batch = append(batch, w)
			default:
				break gather
			}
		}
		db.commit(batch)
		clear(batch)
	}
}

// commit makes the batch in one transaction and answers each of it.
func (db *database) commit(batch []*write) {
	results, err := db.try(batch)
	for i, w := range batch {
		if err != nil {
			w.done <- err
		} else {
			w.done <- results[i]
		}
	}
}

// try returns what each change came to; err is that of them all.
func (db *database) try(batch []*write) (results []error, err error) {
	ctx := context.Background() // the callers' ends are not the batch's
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback() // a no-op after what SQLite rolled back itself
		}
	}()
	results = make([]error, len(batch))
	for i, w := range batch {
		if _, err := tx.ExecContext(ctx, "SAVEPOINT one"); err != nil {
			return nil, err
		}
		if results[i] = w.safely(tx); results[i] != nil {
			if codeOf(results[i]) != 0 {
				return nil, results[i] // the database's own trouble is everybody's
			}
			if _, err := tx.ExecContext(ctx, "ROLLBACK TO one"); err != nil {
				return nil, err
			}
		}
		if _, err := tx.ExecContext(ctx, "RELEASE one"); err != nil {
			return nil, err
		}
	}
	return results, tx.Commit()
}

// safely makes a panic of one change that change's error.
func (w *write) safely(tx *sql.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the change panicked: %v", p)
		}
	}()
	return w.change(tx)
}

var errNoSession = errors.New("there is no such session")
