package sandbox

import (
	"errors"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"

	"openclaw/sandbox/linux/gate"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/stage"
)

// binder keeps the native folders within those that the gate serves: it has init
// bind one when the cage comes upon it, and take it away when somebody outside
// has put another folder in its place, or the cage wants to move or remove it.
// It only opens what the gate serves anyway, so it may fail without harm.
type binder struct {
	process *Process

	mu      sync.Mutex
	ready   bool          // init answers
	begun   chan struct{} // closed when it does
	ended   bool
	folders map[string]*folder
	left    map[string]time.Time // given back a moment ago
	waiting map[uint64]chan stage.Bound
	next    uint64
	kept    [mounts.MaxKept]*kept // given back while programs were inside
}

// folder is one that is bound, or about to be.
type folder struct {
	done chan struct{} // closed when the attempt is over
	file place

	giving sync.Mutex // of who gives it back
	given  bool
}

// place tells one folder from another.
type place struct{ device, inode uint64 }

// maxFolders bounds the native folders of a run: each is a mount in the kernel,
// of which a user namespace has 100,000 by default (fs.mount-max).
const maxFolders = 4096

var errEnded = errors.New("the cage has ended")

func newBinder(p *Process) *binder {
	b := &binder{process: p, folders: map[string]*folder{}, left: map[string]time.Time{}, waiting: map[uint64]chan stage.Bound{}, begun: make(chan struct{})}
	over := make(chan struct{})
	close(over)
	for _, step := range p.plan.Steps {
		name := step.Path
		if step.Optional {
			file, _ := placeOf(name)
			b.folders[name] = &folder{done: over, file: file}
		}
	}
	return b
}

// missing hears, before the command begins, what could not be bound: it was gone.
func (b *binder) missing(names []string) {
	b.mu.Lock()
	for _, name := range names {
		delete(b.folders, name)
	}
	b.mu.Unlock()
	for _, name := range names {
		b.process.gate.LetGo(name)
	}
}

// begin is called when init answers.
func (b *binder) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = true
	close(b.begun)
}

// stop lets go of everyone who waits for init. A cage without mounts has no
// binder.
func (b *binder) stop() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	for number, answer := range b.waiting {
		close(answer)
		delete(b.waiting, number)
	}
}

// came hears from the gate of a folder that the cage came upon.
func (b *binder) came(name string, how gate.Came) {
	p := b.process
	if !p.plan.Regions.Served(path.Dir(name)) {
		return
	}
	region := p.plan.Regions.Native(p.judge.policy.Load(), name)
	if !region.Native() {
		return
	}
	b.mu.Lock()
	known := b.folders[name]
	if how == gate.Made {
		delete(b.left, name)
	}
	if known == nil && b.ready && !b.ended && len(b.folders) < maxFolders && !b.justLeft(name) && b.native(name, region) {
		known = &folder{done: make(chan struct{})}
		b.folders[name] = known
		p.services.Go(func() { b.bind(name, region, known) })
	}
	b.mu.Unlock()
	if how == gate.Listed && known != nil {
		<-known.done
	}
}

// native judges a folder once more. b.mu is held: whoever closes something in it after this
// finds it among the folders.
func (b *binder) native(name string, region mounts.Region) bool {
	return b.process.plan.Regions.Native(b.process.judge.policy.Load(), name) == region
}

func (b *binder) bind(name string, region mounts.Region, known *folder) {
	p := b.process
	file, err := placeOf(name)
	if err == nil {
		p.gate.Hold(name)
		write := region == mounts.Write
		err = b.bindIn(stage.Bind{Path: name, Write: write, NoExec: write && !p.spec.Policy.Exec.Commands})
	}
	b.mu.Lock()
	known.file = file
	if err != nil {
		delete(b.folders, name)
	}
	b.mu.Unlock()
	close(known.done)
	switch {
	case err == nil: // who changed it meanwhile was not heeded: see leaveChanged
		if now, err := placeOf(name); err != nil || now != file {
			_, _ = b.leave(name)
		}
	case !errors.Is(err, errEnded):
		p.gate.LetGo(name)
	}
}

// leave gives a folder back to the gate, where it stays for a moment. It reports
// whether it was bound.
func (b *binder) leave(name string) (bool, error) {
	b.mu.Lock()
	known := b.folders[name]
	if b.process.plan.Regions.Served(path.Dir(name)) {
		b.left[name] = time.Now()
	}
	b.mu.Unlock()
	if known == nil {
		return false, nil
	}
	<-known.done
	known.giving.Lock()
	defer known.giving.Unlock()
	if known.given {
		return true, nil
	}
	if err := b.giveBack(name, known.file); err != nil {
		return true, err
	}
	known.given = true
	b.mu.Lock()
	delete(b.folders, name)
	b.left[name] = time.Now()
	b.mu.Unlock()
	b.process.gate.LetGo(name)
	return true, nil
}

// leftFor is how long a folder that was given back stays with the gate: the call
// that it was given back for, a rename or a removal, looks it up first.
const leftFor = 5 * time.Second

// justLeft also forgets what was given back longer ago. b.mu is held.
func (b *binder) justLeft(name string) bool {
	for each, when := range b.left {
		if time.Since(when) > leftFor {
			delete(b.left, each)
		}
	}
	_, left := b.left[name]
	return left
}

// leaveChanged gives back the folders in dir that the host has another one for.
func (b *binder) leaveChanged(dir string) {
	for name, file := range b.bound(dir) {
		if now, err := placeOf(name); err != nil || now != file {
			_, _ = b.leave(name) // the cage sees the old folder then, which was open to it
		}
	}
}

// bound are the folders below dir that are bound.
func (b *binder) bound(dir string) map[string]place {
	b.mu.Lock()
	defer b.mu.Unlock()
	bound := map[string]place{}
	for name, known := range b.folders {
		if !strings.HasPrefix(name, dir+"/") {
			continue
		}
		select {
		case <-known.done:
			bound[name] = known.file
		default:
		}
	}
	return bound
}

// toGate takes away what is bound at a path and above it.
func (b *binder) toGate(name string) bool {
	was := false
	for at := name; at != "/"; at = path.Dir(at) {
		was = b.leaveOrEnd(at, name) || was
	}
	return was
}

// leaveOrEnd is leave for a folder in which something has come to be denied: the run ends
// if that stays open.
func (b *binder) leaveOrEnd(name, denied string) (was bool) {
	was, err := b.leave(name)
	if err != nil && !errors.Is(err, errEnded) {
		b.process.endFor(&Error{
			Op: "close " + denied, Err: err,
			Hint: "it came to be denied during the run and could not be closed; start the run again",
		})
	}
	return was
}

// mountOf names the native folder that a path lies in; "" is the gate.
func (b *binder) mountOf(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for at := name; at != "/"; at = path.Dir(at) {
		if b.folders[at] != nil {
			return at
		}
	}
	return ""
}

// bindIn has init bind a folder.
func (b *binder) bindIn(what stage.Bind) error {
	_, err := b.ask(stage.KindBind, func(number uint64) any {
		what.Number = number
		return what
	})
	return err
}

// lookAgain has the cage's kernel ask the gate anew for names. Before the command begins
// init does that by itself.
func (b *binder) lookAgain(names []string) {
	_, _ = b.ask(stage.KindLook, func(number uint64) any { return stage.Look{Number: number, Paths: names} })
}

// openAgain has the cage's kernel forget what it has of open files that a policy has come to
// deny. If that cannot be done the run ends.
func (b *binder) openAgain(prefix string, count int) {
	_, err := b.ask(stage.KindOpen, func(number uint64) any { return stage.OpenAgain{Number: number, Prefix: prefix, Count: count} })
	if err != nil && !errors.Is(err, errEnded) {
		b.process.endFor(&Error{
			Op: "close files that were denied", Err: err,
			Hint: "what programs had open came to be denied during the run and could not be closed; start the run again",
		})
	}
}

// ask has init do something and waits for its answer.
func (b *binder) ask(kind string, body func(number uint64) any) (stage.Bound, error) {
	b.mu.Lock()
	if b.ended || !b.ready {
		b.mu.Unlock()
		return stage.Bound{}, errEnded
	}
	b.next++
	number := b.next
	answer := make(chan stage.Bound, 1)
	b.waiting[number] = answer
	b.mu.Unlock()
	if err := b.process.conn.Send(kind, body(number)); err != nil {
		return stage.Bound{}, errEnded
	}
	bound, ok := <-answer
	switch {
	case !ok:
		return bound, errEnded
	case bound.Error != "":
		return bound, errors.New(bound.Error)
	}
	return bound, nil
}

// answered hears what init did.
func (b *binder) answered(bound stage.Bound) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if answer := b.waiting[bound.Number]; answer != nil {
		answer <- bound
		delete(b.waiting, bound.Number)
	}
}

func placeOf(name string) (place, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return place{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return place{}, syscall.ENOTDIR
	}
	return place{stat.Dev, stat.Ino}, nil
}
