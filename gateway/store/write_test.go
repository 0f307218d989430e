package store

import (
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
)

// A change that fails or panics after it has written leaves nothing of it behind,
// and takes nothing of those that share its transaction.
func TestChangeThatFailsLeavesNothing(t *testing.T) {
	s := New(Options{Path: filepath.Join(t.TempDir(), "conversations.db")})
	t.Cleanup(func() { _ = s.Close() })
	insert := func(tx *sql.Tx, key string) error {
		_, err := s.ensure(tx, key, "coder", "")
		return err
	}
	bad := errors.New("it does not fit")
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			if err := s.put(t.Context(), func(tx *sql.Tx) error { return errors.Join(insert(tx, "bad"), bad) }); !errors.Is(err, bad) {
				t.Error(err)
			}
		})
		group.Go(func() {
			if err := s.put(t.Context(), func(tx *sql.Tx) error { _ = insert(tx, "panics"); panic("oh") }); err == nil {
				t.Error("a panic is no error")
			}
		})
		group.Go(func() {
			if err := s.put(t.Context(), func(tx *sql.Tx) error { return insert(tx, "good") }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	sessions, total, err := s.Sessions(t.Context(), Query{})
	if err != nil || total != 1 || sessions[0].Key != "good" {
		t.Fatal(sessions, total, err)
	}
}
