package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Numbers of a Recorder.
const (
	queueLength = 4096
	batchLength = 1024                  // lines that share one write and one fsync
	laterWait   = 50 * time.Millisecond // how long a line of RecordLater waits for others
	lookEvery   = time.Second           // at the file, while nothing is written
)

// Options are the settings of a Recorder.
type Options struct {
	Path   string   // of the log; its folder is made, mode 0700
	Events []string // event types of the specification to record; nil: all of them
	// Redact removes secrets from the JSON of an entry. It may be nil. It must
	// be safe for concurrent use and neither change nor keep its argument.
	Redact func([]byte) []byte
	Now    func() time.Time // nil: time.Now
}

// Recorder writes an audit log.
type Recorder struct {
	path    string
	redact  func([]byte) []byte
	now     func() time.Time
	filter  atomic.Pointer[filter]
	queue   chan request
	hurry   chan struct{} // of one: somebody waits for what is queued
	closing chan struct{}
	stopped chan struct{}
	once    sync.Once

	// entering is held for reading while a line is queued, and for writing by Close: what
	// is queued is queued before the goroutine empties the queue for the last time.
	entering sync.RWMutex
	closed   bool
	hold     func() // a test's: between the look at closed and the queue

	lost    atomic.Uint64 // lines refused since the last line that was written
	refused atomic.Uint64 // lines that came when the Recorder was closed

	mu      sync.Mutex
	failing error // of the last write; nil when it went well

	// Below: only the goroutine's, once it runs.
	log     *logFile
	lock    *os.File
	chain   chain
	altered map[string]any // what somebody else did to the file, until a line says so
	scratch []byte         // the batch's text
	space   [1024]byte     // one of its objects, until that is in it
}

// request is one line.
type request struct {
	object []byte
	done   chan error // of whoever waits
	later  *later     // nil: somebody waits

	written chan struct{} // closed when the line is in the file, or cannot be; nil: nobody waits for that
}

// later is a line that nobody waits for. It is encoded when it is written.
type later struct {
	entry  Entry
	failed func(error)
}

// Open opens the log or makes it, mode 0600, takes its lock, and cuts off what
// a crash left half written. The errors are *Error: KindLocked when another
// process records there, KindFile, KindWrite, KindUnknown for an event type
// that does not exist. The caller must Close it.
func Open(o Options) (*Recorder, error) {
	r := &Recorder{
		path: o.Path, redact: o.Redact, now: o.Now,
		queue: make(chan request, queueLength), hurry: make(chan struct{}, 1), closing: make(chan struct{}), stopped: make(chan struct{}),
	}
	if r.now == nil {
		r.now = time.Now
	}
	if err := r.SetEvents(o.Events); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o700); err != nil {
		return nil, fileError(o.Path, err)
	}
	lock, err := os.OpenFile(o.Path+".lock", os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, fileError(o.Path+".lock", err)
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		if errors.Is(err, errLocked) {
			return nil, &Error{Op: "open audit log", Path: o.Path, Kind: KindLocked, Hint: "another gateway records there; stop it, or give this one its own audit.log_path"}
		}
		return nil, fileError(o.Path+".lock", err)
	}
	r.lock = lock
	if err := r.start(); err != nil {
		if r.log != nil {
			r.log.file.Close()
		}
		lock.Close()
		return nil, err
	}
	go r.run()
	return r, nil
}

// start opens the file and joins on to its end.
func (r *Recorder) start() error {
	log, err := openFile(r.path)
	if err != nil {
		return err
	}
	r.log = log
	end, err := log.readEnding()
	if err != nil {
		return fileError(r.path, err)
	}
	r.chain = end.last
	var text []byte
	details := map[string]any{}
	if end.cut > 0 {
		last, err := parseLine(end.torn)
		if err == nil && end.invalid == 0 && last.Seq == end.last.seq+1 {
			// All of the line but its newline: it counts.
			text = append(text, '\n')
			r.chain = chain{seq: last.Seq, hash: last.Hash}
			details["completed"] = last.Seq
		} else {
			log.size -= end.cut
			if err := log.cutBack(); err != nil {
				return writeError(r.path, err)
			}
			details["cut_bytes"] = end.cut
		}
	}
	if end.invalid > 0 {
		details["invalid_lines"] = end.invalid
	}
	if len(details) == 0 {
		return nil
	}
	text = r.own(text, LogRecovered, "the log did not end with a whole line of its chain", details)
	if err := log.append(text); err != nil {
		return writeError(r.path, err)
	}
	if err := log.file.Sync(); err != nil {
		return writeError(r.path, err)
	}
	return nil
}

// own appends a line about the log itself.
func (r *Recorder) own(out []byte, event, reason string, details map[string]any) []byte {
	return r.chain.appendLine(out, encodeBody(nil, Entry{Event: event, User: "gateway", Result: Success, Reason: reason, Details: details}, r.redact), r.now())
}

func writeError(path string, err error) error {
	return &Error{
		Op: "write audit log", Path: path, Kind: KindWrite, Err: err,
		Hint: "nothing that must be recorded is allowed until the log can be written: make room on its disk, or mend its permissions",
	}
}

// SetEvents replaces the choice of event types; see Options. On an error
// nothing changes.
func (r *Recorder) SetEvents(events []string) error {
	f, err := newFilter(events)
	if err == nil {
		r.filter.Store(&f)
	}
	return err
}

// Record writes e and returns nil when it is on disk. An event type that is
// switched off is not written, and that is no error. If ctx ends first, its
// error is returned, and the line may or may not be written.
//
// An error means: this was not recorded, do not let it happen.
func (r *Recorder) Record(ctx context.Context, e Entry) error {
	if (*r.filter.Load())[e.Event] {
		return nil
	}
	q := request{object: encodeBody(make([]byte, 0, 512), e, r.redact), done: make(chan error, 1)}
	if err := r.enter(ctx, q); err != nil {
		return err
	}
	r.wake()
	return r.await(ctx, q)
}

// enter queues a line, and waits for room.
func (r *Recorder) enter(ctx context.Context, q request) error {
	r.entering.RLock()
	defer r.entering.RUnlock()
	if r.closed {
		r.refused.Add(1)
		return r.closedError()
	}
	if r.hold != nil {
		r.hold()
	}
	select {
	case r.queue <- q:
		return nil
	default:
		r.wake() // it is full: nobody is to linger
	}
	select {
	case r.queue <- q:
		return nil
	case <-ctx.Done():
		r.lost.Add(1)
		return ctx.Err()
	}
}

// wake ends the wait for more lines.
func (r *Recorder) wake() {
	select {
	case r.hurry <- struct{}{}:
	default: // it ends already
	}
}

func (r *Recorder) await(ctx context.Context, q request) error {
	select {
	case err := <-q.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RecordLater queues e and returns: what is many and already over is not to wait
// for a disk. The line is written and synced with those that come within laterWait,
// in the order in which they were queued, and never behind one that Record was
// asked for later. The caller changes nothing of e any more. Where the queue is
// full it waits for room, so that none goes unrecorded.
//
// failed is called when the line is not in the log: from the Recorder's goroutine, and
// at once where it is closed. It must not wait for the Recorder. It may be nil: the log
// itself counts the line as lost, and Refused what came after its end.
func (r *Recorder) RecordLater(e Entry, failed func(error)) {
	r.queueLater(context.Background(), e, failed, nil)
}

// queueLater reports whether the line was queued.
func (r *Recorder) queueLater(ctx context.Context, e Entry, failed func(error), written chan struct{}) bool {
	if (*r.filter.Load())[e.Event] {
		return false
	}
	if failed == nil {
		failed = func(error) {}
	}
	if err := r.enter(ctx, request{later: &later{e, failed}, written: written}); err != nil {
		failed(err)
		return false
	}
	return true
}

// RecordOver is RecordLater for what is over and seldom: it returns when the line is in
// the file, for everybody to read, and the end of this process takes nothing of it
// away. The disk follows at once. failed is called as for RecordLater, also when the
// disk refuses what is in the file; the line is taken out again then.
func (r *Recorder) RecordOver(ctx context.Context, e Entry, failed func(error)) {
	written := make(chan struct{})
	if !r.queueLater(ctx, e, failed, written) {
		return
	}
	r.wake()
	select {
	case <-written:
	case <-ctx.Done():
	}
}

// Failing returns the error of the last write, nil if it went well. The next
// Record tries again.
func (r *Recorder) Failing() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failing
}

// Path returns the path of the log.
func (r *Recorder) Path() string { return r.path }

func (r *Recorder) closedError() error {
	return &Error{Op: "record", Path: r.path, Kind: KindClosed, Hint: "the gateway is stopping"}
}

// Close writes what is queued, syncs, and gives the lock back. It waits for
// the Recorder's goroutine. Calling it again does nothing.
func (r *Recorder) Close() error {
	r.once.Do(func() {
		r.entering.Lock() // the goroutine goes on making room for those who wait for it
		r.closed = true
		r.entering.Unlock()
		close(r.closing)
	})
	<-r.stopped
	return r.Failing()
}

// Refused is the number of lines that were asked for when the Recorder was closed or
// closing, and are not in the log. Their callers were told; nothing can be written
// of it any more.
func (r *Recorder) Refused() uint64 { return r.refused.Load() }
