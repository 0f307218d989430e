package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver
)

const (
	openOp   = "open conversations"
	readOp   = "read conversations"
	writeOp  = "keep conversation"
	cacheKiB = 512 // of each connection; a conversation's pages are read in order and seldom twice

	// checkedSize is up to which size a database is read whole when it is opened,
	// to find damage before anything is written. Past it damage shows when it is
	// met. 256 MiB take about a second.
	checkedSize = 256 << 20
)

// Options is what a Store is given.
type Options struct {
	Path string           // of the database; its folder exists
	Now  func() time.Time // nil: time.Now
}

// Store is the conversations of one state folder.
type Store struct {
	path string
	now  func() time.Time

	mu     sync.Mutex // guards the fields below
	open   *database
	closed bool
}

// database is the open file.
type database struct {
	write *sql.DB // one connection, the writer's
	read  *sql.DB
	queue chan *write
	gone  chan struct{} // closed when the writer is
	users sync.WaitGroup
}

// New returns a Store. It opens nothing.
func New(options Options) *Store {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Store{path: options.Path, now: options.Now}
}

// use gives the database to a caller, who calls done once. With create unset it
// is nil where no file is.
func (s *Store) use(ctx context.Context, create bool) (db *database, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, &Error{Op: openOp, Path: s.path, Kind: KindClosed, Err: errors.New("the gateway stops")}
	}
	if s.open == nil {
		if _, err := os.Lstat(s.path); errors.Is(err, os.ErrNotExist) && !create {
			return nil, func() {}, nil
		}
		// The caller's end must not leave a file half made.
		if s.open, err = s.openFile(context.WithoutCancel(ctx)); err != nil {
			return nil, nil, s.failure(openOp, err)
		}
	}
	s.open.users.Add(1)
	return s.open, s.open.users.Done, nil
}

func (s *Store) openFile(ctx context.Context) (_ *database, err error) {
	size, err := s.own()
	if err != nil {
		return nil, err
	}
	db := &database{queue: make(chan *write, maxBatch), gone: make(chan struct{})}
	if db.write, err = sql.Open("sqlite", s.address("rw", "synchronous(full)", "foreign_keys(on)", "journal_mode(wal)", "wal_autocheckpoint(256)")); err != nil {
		return nil, err
	}
	db.write.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			_ = db.write.Close()
		}
	}()
	if size > 0 {
		if err := s.examine(ctx, size); err != nil {
			return nil, err
		}
	}
	if err := s.prepare(ctx, db.write); err != nil {
		return nil, err
	}
	if db.read, err = sql.Open("sqlite", s.address("rw", "query_only(on)")); err != nil {
		return nil, err
	}
	db.read.SetMaxOpenConns(2)
	db.read.SetConnMaxIdleTime(time.Minute)
	go db.run()
	return db, nil
}

// examine looks at a file that is there before anything of it can change, even
// its journal's mode: the connection that writes has not read it yet.
func (s *Store) examine(ctx context.Context, size int64) error {
	db, err := sql.Open("sqlite", s.address("ro"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := s.judge(ctx, db); err != nil || size > checkedSize {
		return err
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return &Error{Op: openOp, Path: s.path, Kind: KindDamaged, Err: fmt.Errorf("%s is damaged", s.name()),
			Hint: "nothing was changed in it: restore it from a backup, or move it and its -wal and -shm away to begin with an empty one"}
	}
	return nil
}

// address is the driver's name for the file.
func (s *Store) address(mode string, pragmas ...string) string {
	query := url.Values{"mode": {mode}, "_txlock": {"immediate"}}
	for _, pragma := range append(pragmas, "busy_timeout(5000)", "cell_size_check(on)", "cache_size("+strconv.Itoa(-cacheKiB)+")") {
		query.Add("_pragma", pragma)
	}
	return (&url.URL{Scheme: "file", Path: s.path, RawQuery: query.Encode()}).String()
}

// Close ends the writer when what is under way is done. Later calls fail.
func (s *Store) Close() error {
	s.mu.Lock()
	db := s.open
	s.open, s.closed = nil, true
	s.mu.Unlock()
	if db == nil {
		return nil
	}
	db.users.Wait()
	close(db.queue)
	<-db.gone
	return s.failure("close conversations", errors.Join(db.read.Close(), db.write.Close()))
}
