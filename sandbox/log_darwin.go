package sandbox

import (
	"bufio"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"openclaw/sandbox/darwin"
)

// Times of the log.
const (
	logReady = 3 * time.Second        // for its first line
	logProof = time.Second            // for the refusals of the self-test
	logTail  = 500 * time.Millisecond // for what comes after the command's end
)

// logReader follows the system's log for the refusals of one run. It only
// tells: nothing rests on it.
type logReader struct {
	process *Process
	decoy   string // the self-test's port
	command *exec.Cmd
	began   chan struct{} // the first line came
	seen    chan struct{} // a refusal of the self-test came
	ended   chan struct{}
	once    [2]sync.Once
	stopped sync.Once

	mu  sync.Mutex
	err error
}

// startLog starts `log stream` and waits until it listens.
func startLog(p *Process, decoy string) *logReader {
	l := &logReader{process: p, decoy: decoy, began: make(chan struct{}), seen: make(chan struct{}), ended: make(chan struct{})}
	predicate, err := darwin.Predicate(p.spec.Run)
	var out io.ReadCloser
	if err == nil {
		l.command = exec.Command("/usr/bin/log", "stream", "--style", "ndjson", "--predicate", predicate) //nolint:noctx // stop ends it
		out, err = l.command.StdoutPipe()
	}
	if err == nil {
		err = l.command.Start()
	}
	if err != nil {
		l.err, l.command = err, nil
		close(l.ended)
		return l
	}
	go l.follow(out)
	select {
	case <-l.began:
	case <-l.ended:
	case <-time.After(logReady):
	}
	return l
}

func (l *logReader) follow(out io.Reader) {
	defer close(l.ended)
	reader := bufio.NewReaderSize(out, darwin.MaxLine)
	for {
		line, err := reader.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) { // longer than any line that counts
			line = nil
			_, err = reader.ReadSlice('\n')
		}
		if len(line) > 0 {
			l.once[0].Do(func() { close(l.began) })
			if refusal, err := darwin.ParseLog(line); err == nil && refusal.Tag.Run == l.process.spec.Run {
				l.tell(refusal)
			}
		}
		if err != nil {
			break
		}
	}
	err := l.command.Wait()
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
}

// tell passes a refusal on, but for those that the self-test asked for.
func (l *logReader) tell(r darwin.Refusal) {
	_, port, _ := strings.Cut(l.decoy, ":")
	folder := l.process.run.path
	own := r.Operation == "signal" || strings.HasPrefix(r.Operation, "network-") && strings.HasSuffix(r.Target, ":"+port) ||
		r.Target == l.process.run.profile || r.Target == folder+"/new" || strings.HasPrefix(r.Target, l.process.run.pinned())
	if own {
		l.once[1].Do(func() { close(l.seen) })
		return
	}
	l.process.atLog(r)
}

// proven reports whether a refusal of the self-test came by the log.
func (l *logReader) proven() bool {
	select {
	case <-l.seen:
		return true
	case <-l.ended:
	case <-time.After(logProof):
	}
	return false
}

// why says what failed.
func (l *logReader) why() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return "log stream: " + l.err.Error()
	}
	return "the system's log did not show those of the self-test"
}

// stop reads what is still on its way and ends the log. A nil reader has
// nothing to stop.
func (l *logReader) stop() {
	if l == nil {
		return
	}
	l.stopped.Do(func() {
		if l.command == nil {
			return
		}
		tail := time.Duration(0)
		select {
		case <-l.seen:
			tail = logTail
		default: // a log that shows nothing is not waited for
		}
		select {
		case <-l.ended:
			return
		case <-time.After(tail):
		}
		_ = l.command.Process.Kill()
		<-l.ended
	})
}
