package supervise

import (
	"path"
	"sync/atomic"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox"
)

const (
	// heldTime is how long a request is held before the person at the run's terminal is
	// told: who has the screen before them has often answered by then, and a config that
	// changes answers too.
	heldTime = time.Second
	// heldEach is how long one line stands for all that is held beside it.
	heldEach = 30 * time.Second
	// heldTarget is how much of a target is said, in characters: a path may be 4,096 bytes
	// long, and what matters stands after it.
	heldTarget = 160
)

// notice tells the person at the run's terminal that something waits for them: its
// program does not go on, and says nothing of that itself. One line stands for all that
// is held at the time. Not where to answer this one: what stands on the run's terminal
// the run could have written, so a line is no place to decide by.
func (a *asks) notice(p *pending, d sandbox.Denial) {
	if a.tell == nil {
		return
	}
	select {
	case <-p.done: // also when the run is over
		return
	case <-a.after(heldTime):
	}
	a.mu.Lock()
	told := a.toldFor != nil && a.byNumber[a.toldFor.number] == a.toldFor && a.now().Sub(a.toldAt) < heldEach
	if !told {
		a.toldFor, a.toldAt = p, a.now()
	}
	a.mu.Unlock()
	if !told && !a.tell(d) {
		a.mu.Lock()
		if a.toldFor == p {
			a.toldFor = nil // the next one may find a moment in which it is heard
		}
		a.mu.Unlock()
	}
}

// heldLine is what the person at a run's terminal is told of a request that is held;
// nil: there is nobody to tell.
func (o *Options) heldLine(running *atomic.Pointer[sandbox.Process]) func(sandbox.Denial) bool {
	if o.Terminal != event.OnTerminal || o.Learn != nil || o.Line == nil { // who learns is asked nothing
		return nil
	}
	return func(d sandbox.Denial) bool {
		process := running.Load()
		return process != nil && process.Say(o.Line(heldText(d)))
	}
}

func heldText(d sandbox.Denial) string {
	who := "a program"
	if d.Program != "" {
		who = path.Base(d.Program)
	}
	return who + " is held: '" + d.Operation + " " + brief(d.Target) + "' waits for your answer, in the screen or by 'openclaw asks' in another terminal; without one it is denied"
}

// brief leaves out the middle of a long target.
func brief(target string) string {
	runes := []rune(target)
	if len(runes) <= heldTarget {
		return target
	}
	return string(runes[:heldTarget/2]) + "…" + string(runes[len(runes)-heldTarget/2:])
}
