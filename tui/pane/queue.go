package pane

import "sync"

// queue holds bytes for somebody who may not take them. What does not fit is
// dropped whole: half a key would be another one.
type queue struct {
	most int

	mu     sync.Mutex
	filled *sync.Cond
	bytes  []byte
	closed bool
}

func newQueue(most int) *queue {
	q := &queue{most: most}
	q.filled = sync.NewCond(&q.mu)
	return q
}

// put adds p, or drops it and says so.
func (q *queue) put(p []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.bytes)+len(p) > q.most {
		return false
	}
	q.bytes = append(q.bytes, p...)
	q.filled.Signal()
	return true
}

// take waits for bytes; more is false after close.
func (q *queue) take() (p []byte, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.bytes) == 0 && !q.closed {
		q.filled.Wait()
	}
	if q.closed {
		return nil, false
	}
	p, q.bytes = q.bytes, nil
	return p, true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Signal()
}
