package sandbox

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/stage"
	"openclaw/sandbox/terminal"
)

const (
	// stopTime is how long a command has to stop by itself. One that waits in the
	// kernel for an answer of this process, an ask's for instance, cannot.
	stopTime = 300 * time.Millisecond
	// settleTime is how long a stop waits for what the command wrote to be shown; the
	// rest is when it goes on.
	settleTime = time.Second
	// askTime is how often a run that is not attached looks for whether it is to be.
	askTime = 250 * time.Millisecond
	// unreadLooks is after how many of these what was typed is nobody else's: a pager
	// reads at once, but on a busy machine not in the same second.
	unreadLooks = 8
	// showTime is how long the person's terminal may take nothing of what a run that
	// has ended wrote.
	showTime = 30 * time.Second
)

// job is a run on a terminal of its own, which stands in for the person's. The cage's
// first process, of a reduced cage the keeper, leads a session on it, in which the command starts with a group of its
// own. To the person's shell the run is this process, which therefore passes on what
// is typed while it is in the foreground, stops when the command stops, and has it go
// on when it does itself.
//
// What is typed is passed on from the start if the run has both its input and its
// output from the person's terminal. In a pipeline another program may be the one that
// reads it, so the command has its terminal's foreground only once it asks for it: it
// reads, or its input is the terminal and what was typed stays there unread. The keys
// that stop and interrupt stay the person's terminal's, which sends them to all of the
// pipeline.
//
// So while the run is suspended or in the background none of its programs reads what
// the person types to their shell, whatever it does about sessions, groups and signals:
// nothing of it has that terminal.
//
// A call that is held for an answer stays held while the run is suspended: it is one
// ask, whose deadline goes on, and an answer that comes meanwhile counts. Linux before
// 5.19 has a program that it stops make its call anew, which asks again if the answer
// came first. A job of a shell inside that waits for an answer stops when it has it;
// a command that is the run itself is suspended at once.
type job struct {
	terminal *terminal.Terminal
	own      int         // the group of this process
	controls bool        // the person's terminal is this process's controlling one
	free     bool        // or nobody's
	device   int         // its number, as /proc/PID/stat has it
	front    bool        // the command has the foreground of its terminal from the start
	asked    bool        // it has asked for what is typed
	unread   int         // how much of that waited when it was last looked at,
	looks    int         // and how often it was as much
	alone    atomic.Bool // it was told that nobody will type for it

	keys      chan os.Signal      // that stop a job, as this process heard them
	continued chan os.Signal      // that this process goes on
	passed    chan os.Signal      // what else it hears, for RelaySignals
	gone      bool                // the person's terminal has
	stops     chan syscall.Signal // by which the command was stopped
	typing    chan struct{}       // the key that stops a job, as it was passed on
	resumed   chan struct{}       // the command has been told to go on
	begun     bool
}

// jobOn returns nil when there is no terminal.
func jobOn(stdin, stdout, stderr *os.File) (*job, error) {
	t, err := terminal.New(stdin, stdout, stderr)
	if t == nil || err != nil {
		return nil, err
	}
	j := &job{
		terminal: t, own: unix.Getpgrp(), asked: t.Whole(),
		keys: make(chan os.Signal, 1), continued: make(chan os.Signal, 1), passed: make(chan os.Signal, 8),
		stops: make(chan syscall.Signal, 1), typing: make(chan struct{}, 1), resumed: make(chan struct{}, 1),
	}
	// Only the controlling terminal says which group has it (tcgetpgrp(3)).
	_, err = unix.IoctlGetInt(int(t.Outer().Fd()), unix.TIOCGPGRP)
	j.controls = err == nil && j.own > 0
	if !j.controls {
		j.device = deviceOf(t.Outer())
		j.free = !anybodyHas(j.device)
	}
	t.OnSuspend(j.typed)
	return j, nil
}

// slave is the terminal that the cage's first process gets; nil: none.
func (j *job) slave() *os.File {
	if j == nil {
		return nil
	}
	return j.terminal.Slave()
}

// files are the command's standard descriptors.
func (j *job) files(stdin, stdout, stderr *os.File) (in, out, errs *os.File) {
	if j == nil {
		return stdin, stdout, stderr
	}
	return j.terminal.Files()
}

// plan says whether the command is to have the foreground of its terminal.
func (j *job) plan() bool {
	if j == nil {
		return false
	}
	j.front = j.terminal.Whole() && j.foreground()
	return j.front
}

// foreground reports whether what is typed is for this process. Who has started it
// speaks for one whose controlling terminal it is not, as su -c makes it.
func (j *job) foreground() bool {
	if !j.controls {
		return j.free || foregroundAbove(j.device)
	}
	group, err := unix.IoctlGetInt(int(j.terminal.Outer().Fd()), unix.TIOCGPGRP)
	return err == nil && group == j.own // it may have been hung up
}

// begin passes on what is typed, before the command starts.
func (j *job) begin() error {
	signal.Notify(j.keys, unix.SIGTSTP)
	signal.Notify(j.continued, unix.SIGCONT)
	notify(j.passed, relayed()...)
	j.begun = true
	go func() { _ = j.terminal.Run() }() // a terminal that cannot be waited for shows nothing
	return j.attach(nil)
}

// attach passes on what is typed if it is the run's, and calls ready just before.
func (j *job) attach(ready func()) error {
	switch {
	case !j.foreground():
		return j.terminal.Detach(false)
	case !j.asked:
		return nil
	}
	return j.terminal.Attach(!j.terminal.Whole(), ready)
}

// run follows the command until it has ended.
func (j *job) run(p *Process, over <-chan struct{}) {
	var look <-chan time.Time
	ticker := time.NewTicker(askTime) // a shell says nothing to a job that it brings forward while it runs
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
			// Who is being stopped is left to what follows from that: it would go on.
			stopping := look != nil || len(j.stops) > 0
			if !j.lost(p, over) && !stopping && !j.terminal.Attached() && j.foreground() && (j.asked || j.wants()) {
				j.resume(p, over)
			}
		case <-j.typing:
			if look == nil { // who leans on the key waits no longer
				look = time.After(stopTime)
			}
		case <-j.keys:
			j.signal(p, unix.SIGTSTP)
			if look == nil { // as above, and before the ticker is heard again
				look = time.After(stopTime)
			}
		case <-look:
			look = nil
			if stops(p.command()) {
				j.stopped(unix.SIGTSTP)
			}
		case <-j.continued:
			j.resume(p, over)
		case by := <-j.stops:
			look = nil
			if stops(p.command()) { // otherwise this process has had it go on since
				j.follow(p, by, over)
			}
		}
	}
}

// follow does what the command's stop asks for.
func (j *job) follow(p *Process, by syscall.Signal, over <-chan struct{}) {
	if j.lost(p, over) {
		j.resume(p, over) // who asked for the terminal goes on to hear that there is none
		return
	}
	waits := by == unix.SIGTTIN || by == unix.SIGTTOU
	alone := !j.controls || orphaned(j.own) // nobody is there who could say fg
	switch {
	case waits && j.foreground():
		j.asked = true
	case waits && alone && j.alone.Load():
		return // it has been told, and asks again and again: it stays stopped
	case waits && alone:
		j.alone.Store(true)
		_ = p.Signal(unix.SIGHUP) // as the kernel tells a group that is stopped and has lost its shell
	case !alone:
		j.terminal.Settle(settleTime)
		_ = j.terminal.Detach(j.foreground()) // its modes are the person's to mend
		j.stop(by, over)
	}
	j.resume(p, over)
}

// lost reports whether the person's terminal has gone. The run's own is then hung up,
// and the command has to go on to find that out: one that ignores the hang-up's signal
// reads the end of a file as it would without a cage.
func (j *job) lost(p *Process, over <-chan struct{}) bool {
	if j.gone || !j.terminal.Gone() {
		return j.gone
	}
	j.gone = true
	j.terminal.HangUp()
	j.resume(p, over)
	return true
}

// wants reports whether a command whose input is the terminal, and which may wait for
// it otherwise than by reading, has something to read that nobody else does. It is a
// guess from time, because nobody can be asked: the kernel tells the other end of a
// terminal of no reader or poller, and where a process waits (/proc/PID/syscall, wchan)
// says neither for which file, if it polls, nor what the run's other processes do.
func (j *job) wants() bool {
	stdin, _, _ := j.terminal.Files()
	now := j.terminal.Typed()
	if j.looks++; now == 0 || now != j.unread || stdin != j.terminal.Slave() {
		j.looks = 0
	}
	j.unread, j.asked = now, j.looks >= unreadLooks
	return j.asked
}

// stop stops this process and the others of its group, as the key would have done,
// and returns when it goes on. This process must stop once: Go keeps its handler of a
// signal that it was once notified of, and what that hears of late would stop again
// what has just gone on. So it sends itself the stop that cannot be handled.
func (j *job) stop(by syscall.Signal, over <-chan struct{}) {
	select {
	case <-j.continued: // from before
	default:
	}
	if signal.Ignored(by) {
		by = unix.SIGSTOP
	}
	for _, pid := range membersOf(j.own) {
		if pid != os.Getpid() {
			signalIf(pid, by, func() bool { return groupOf(pid) == j.own })
		}
	}
	select {
	case <-j.continued: // who follows those has had the job go on already
		return
	default:
	}
	if by == unix.SIGTSTP {
		by = unix.SIGSTOP
	}
	_ = unix.Kill(os.Getpid(), by)
	select {
	case <-over:
	case <-j.continued:
	case <-time.After(stopTime): // or nothing stopped: the shell has just gone, and the kernel lets no key stop an orphan
	}
}

// typed is called when the key came that stops a job.
func (j *job) typed() {
	select {
	case j.typing <- struct{}{}:
	default:
	}
}

// stopped is called when the command was.
func (j *job) stopped(by syscall.Signal) {
	if j == nil {
		return
	}
	select {
	case j.stops <- by:
	default: // it is on its way already
	}
}

// resume has the command go on, in the foreground if this process is and it has
// asked to be. What stopped it before then is past; a key that is typed meanwhile is not:
// it waits until the command has its terminal's foreground.
func (j *job) resume(p *Process, over <-chan struct{}) {
	j.terminal.Resize()
	told := false
	ready := func() {
		told = true
		j.goOn(p, true, over)
	}
	if !j.gone && j.attach(ready) != nil {
		return // the person's terminal has gone, which is looked for again and again
	}
	if !told {
		j.goOn(p, j.terminal.Attached(), over)
	}
}

// goOn has the command go on and returns when it does.
func (j *job) goOn(p *Process, foreground bool, over <-chan struct{}) {
	if p.PID() > 0 {
		if p.conn.Send(stage.KindResume, stage.Resume{Foreground: foreground}) == nil { // it may have ended
			select {
			case <-j.resumed:
			case <-over:
			}
		}
	} else if pid := p.command(); pid > 0 { // it is about to start, and the cage's first process waits for that
		signalIf(pid, unix.SIGCONT, func() bool { return parentOf(pid) == p.first.pid() })
	}
}

// signal passes on what a key of the person's terminal sent to this process's group. The
// first process sends it, which reaches nothing but the cage: here the number of a group
// that has ended meanwhile could be another's.
func (j *job) signal(p *Process, sent syscall.Signal) {
	if j.terminal.Attached() {
		j.terminal.Signal(sent)
	} else if p.PID() > 0 {
		_ = p.conn.Send(stage.KindSignal, stage.Signal{Number: int(sent), Group: true}) // it may have ended
	}
}

// end gives the person's terminal back when nothing of the cage is left and all that
// it wrote has been shown. What was interrupted inside is interrupted out here too: a
// script goes no further.
func (j *job) end(by syscall.Signal) {
	if j == nil {
		return
	}
	if !j.begun {
		_ = j.terminal.Close(false)
		return
	}
	j.terminal.Finish()
	j.terminal.Shown(showTime)
	signal.Stop(j.keys)
	signal.Stop(j.continued)
	signal.Stop(j.passed)
	here := j.foreground()
	unheard := j.terminal.Attached() && j.terminal.Whole() && j.controls && here
	_ = j.terminal.Close(here)
	if unheard && (by == unix.SIGINT || by == unix.SIGQUIT) {
		others := make(chan os.Signal, 1)
		signal.Notify(others, by)
		_ = unix.Kill(0, by)
		<-others // it reaches this process as well
		signal.Stop(others)
	}
}

// groupOf is 0 when the process has gone.
func groupOf(pid int) int {
	if pid <= 0 {
		return 0
	}
	group, err := unix.Getpgid(pid)
	if err != nil {
		return 0
	}
	return group
}
