package audit

import (
	"errors"
	"slices"
	"time"
)

// run is the Recorder's goroutine.
func (r *Recorder) run() {
	defer close(r.stopped)
	defer r.lock.Close()
	defer func() { r.log.file.Close() }()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	batch := make([]request, 0, batchLength)
	for {
		select {
		case q := <-r.queue:
			batch = r.gather(append(batch[:0], q))
			if r.linger(batch) {
				batch = r.gather(batch)
			}
			r.commit(batch)
			clear(batch)
		case <-ticker.C:
			r.idle()
		case <-r.closing:
			for {
				batch = r.gather(batch[:0])
				if len(batch) == 0 {
					r.idle()
					return
				}
				r.commit(batch)
			}
		}
	}
}

// gather takes what else is queued, so that it shares the fsync.
func (r *Recorder) gather(batch []request) []request {
	for len(batch) < batchLength {
		select {
		case q := <-r.queue:
			batch = append(batch, q)
		default:
			return batch
		}
	}
	return batch
}

// linger waits for more lines where nobody waits for these, and reports whether it
// did. What comes meanwhile wakes nobody: it is taken when the wait is over.
func (r *Recorder) linger(batch []request) bool {
	if len(batch) >= batchLength || slices.ContainsFunc(batch, func(q request) bool { return q.later == nil }) {
		return false
	}
	timer := time.NewTimer(laterWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.hurry: // or one that was served before: then these wait for nothing
	case <-r.closing:
	}
	return true
}

// idle notices what happened to the file while nothing was written.
func (r *Recorder) idle() {
	what, _, err := r.log.alteration()
	if what != "" || err != nil || r.altered != nil || r.lost.Load() > 0 {
		r.commit(nil)
	}
}

func (r *Recorder) setFailing(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = err
}

// commit writes a batch, all of it, synced, or nothing.
func (r *Recorder) commit(batch []request) {
	before := r.chain
	err := r.write(batch)
	if err != nil {
		r.chain = before
		r.lost.Add(uint64(len(batch)))
		err = writeError(r.path, err)
	}
	r.setFailing(err)
	inFile(batch)
	for _, q := range batch {
		switch {
		case q.later == nil:
			q.done <- err
		case err != nil:
			q.later.failed(err)
		}
	}
}

// inFile lets those go on who wait for no disk.
func inFile(batch []request) {
	for i := range batch {
		if q := &batch[i]; q.written != nil {
			close(q.written)
			q.written = nil
		}
	}
}

func (r *Recorder) write(batch []request) error {
	if err := r.rejoin(); err != nil {
		return err
	}
	text := r.scratch[:0]
	if r.altered != nil {
		whole, err := r.log.endsWhole()
		if err != nil {
			return err
		}
		if !whole {
			text = append(text, '\n')
		}
		text = r.own(text, LogAltered, "the file was changed by another program", r.altered)
	}
	lost := r.lost.Load()
	if lost > 0 {
		text = r.own(text, LogResumed, "lines could not be written", map[string]any{"refused": lost})
	}
	for _, q := range batch {
		if q.later != nil {
			q.object = encodeBody(r.space[:0], q.later.entry, r.redact) // until it is in the text
		}
		text = r.chain.appendLine(text, q.object, r.now())
	}
	r.scratch = text[:0]
	if len(text) == 0 {
		return nil
	}
	size := r.log.size
	if err := r.log.append(text); err != nil {
		return err
	}
	inFile(batch)
	if err := r.log.file.Sync(); err != nil {
		// What the kernel could not store must not be read as stored.
		r.log.size = size
		return errors.Join(err, r.log.cutBack())
	}
	r.lost.Add(^(lost - 1)) // minus lost
	r.altered = nil
	return nil
}

// rejoin looks whether the file is still as we left it. If not, it opens what
// is there now, or makes it anew, and remembers what happened. The chain goes
// on from the last line that we wrote.
func (r *Recorder) rejoin() error {
	what, found, err := r.log.alteration()
	if err != nil || what == "" {
		return err
	}
	expected := r.log.size
	if what == "deleted" || what == "replaced" {
		next, err := openFile(r.path)
		if err != nil {
			return err
		}
		r.log.file.Close()
		r.log = next
	} else {
		r.log.size = found
	}
	r.altered = map[string]any{"what": what, "expected_bytes": expected, "found_bytes": found}
	return nil
}
