//go:build linux

package stage

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/network"
)

// Exit statuses of a stage whose command did not run; a supervisor has the
// reason from the socket and needs none of them.
const (
	exitFailed  = 125
	exitRefused = 126
)

// failure is an error with what its reader needs.
type failure struct {
	Failed
	err error
}

func (f *failure) Error() string { return f.Op + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(op string, err error) *failure {
	f := &failure{Failed: Failed{Op: op, Error: err.Error()}, err: err}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		f.Errno = int(errno)
	}
	if typed, ok := errors.AsType[*StartError](err); ok {
		f.Command = typed.Command
	}
	return f
}

type stage struct {
	conn    *control.Conn
	setup   Setup
	proofs  []Proof
	builder *mounts.Builder
	device  int // of the gate
	masks   *mounts.Masks
	levels  *mounts.Levels
	ear     *Ear

	masking sync.Mutex // held while masks are renewed or released
	cleared bool       // nothing of the cage is left; under masking
}

// Run is the life of a stage. It returns the process's exit status. The
// calling goroutine must be the program's main one, before anything else has
// started.
func Run() int {
	// To the end: what the command's thread gives up it must not take from the first
	// one, which is who init is to the kernel. In the command's Landlock domain init
	// would get its signals.
	runtime.LockOSThread()
	s := &stage{conn: control.New(ControlFD)}
	if err := s.seclude(); err != nil {
		_ = s.conn.Send(KindFailed, fail("prepare cage", err).Failed)
		return exitFailed
	}
	code, err := s.live()
	if err == nil {
		return code
	}
	var f *failure
	if !errors.As(err, &f) {
		f = fail("build cage", err)
	}
	_ = s.conn.Send(KindFailed, f.Failed)
	return exitRefused
}

// seclude ties this process to its supervisor and hides it from everyone else.
func (s *stage) seclude() error {
	unix.CloseOnExec(ControlFD)
	if leads() {
		unix.CloseOnExec(TerminalFD)
	}
	if err := unix.CloseRange(ControlFD+1, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("mark descriptors: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tie to supervisor: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide from tracing: %w", err)
	}
	s.ear = Listen()
	return nil
}

func (s *stage) live() (int, error) {
	if os.Getpid() != 1 {
		return exitFailed, fail("enter process namespace", fmt.Errorf("this is process %d", os.Getpid()))
	}
	if err := s.enter(); err != nil {
		return exitFailed, err
	}
	if err := s.read(KindSetup); err != nil {
		return exitFailed, err
	}
	s.prove("user namespace", fmt.Sprintf("made by user %d, with rights over nothing but the cage", s.setup.UID))
	s.prove("process namespace", "the cage's init is process 1")
	network := s.network()
	if err := s.gate(); err != nil {
		return exitFailed, err
	}
	if err := s.read(KindPlan); err != nil {
		return exitFailed, err
	}
	if err := s.mounts(network); err != nil {
		return exitFailed, err
	}
	if err := s.test(); err != nil {
		return exitFailed, err
	}
	return s.command()
}

// read waits for what the supervisor says of the cage. The second message
// comes once the mounts are planned, and takes the place of the first.
func (s *stage) read(kind string) error {
	message, err := s.conn.Receive()
	if err != nil {
		return err
	}
	message.CloseFiles()
	if message.Kind != kind {
		return fail("read set-up", fmt.Errorf("unexpected %q", message.Kind))
	}
	s.setup = Setup{}
	if err := message.Decode(&s.setup); err != nil {
		return fail("read set-up", err)
	}
	return nil
}

func (s *stage) prove(name, detail string) { s.proofs = append(s.proofs, Proof{name, detail}) }

// call sends a message and waits for the supervisor to proceed.
func (s *stage) call(kind string, body any, files ...int) error {
	if err := s.conn.Send(kind, body, files...); err != nil {
		return err
	}
	message, err := s.conn.Receive()
	if err != nil {
		return err
	}
	message.CloseFiles()
	if message.Kind != KindProceed {
		return fail("wait for supervisor", fmt.Errorf("unexpected %q", message.Kind))
	}
	return nil
}

// network makes the network, proves it and hands it over, beside what else the cage
// is made of. made waits for its end.
func (s *stage) network() (made func() error) {
	options := network.Options{
		Gateway: s.setup.Gateway, Outbound: s.setup.Outbound, Forward: s.setup.Forward, Way: s.setup.Way, Up: true, Devices: s.builder.Devices(),
	}
	type result struct {
		proofs []Proof
		err    error
	}
	done := make(chan result, 1)
	go func() {
		proofs, err := s.makeNetwork(options)
		done <- result{proofs, err}
	}()
	return func() error {
		r := <-done
		s.proofs = append(s.proofs, r.proofs...)
		return r.err
	}
}

func (s *stage) makeNetwork(options network.Options) ([]Proof, error) {
	sockets, err := network.Setup(options)
	if err == nil {
		defer sockets.Close()
		err = sockets.Verify(options)
	}
	if err != nil {
		return nil, networkFailed(err)
	}
	var files []int
	for _, file := range sockets.Files() {
		files = append(files, int(file.Fd()))
	}
	return networkProofs(sockets), s.conn.Send(KindNetwork, Network{Way: sockets.Way}, files...)
}

func networkFailed(err error) error {
	f := fail("build network", err)
	if typed, ok := errors.AsType[*network.Error](err); ok {
		f.Hint, f.Missing = typed.Hint, typed.Kind == network.KindMissing || errors.Is(err, unix.EPERM)
	}
	return f
}

func networkProofs(sockets *network.Sockets) []Proof {
	const arrived = "a connection elsewhere arrived at the supervisor's listener with its destination; UDP elsewhere ended at once"
	const loopback = "only loopback is there"
	const name = "network namespace"
	switch sockets.Way {
	case network.WayRedirect:
		return []Proof{{name, loopback}, {"redirect", arrived}}
	case network.WayTUN:
		detail := "by a TUN device: " + arrived
		if sockets.Reason != "" {
			detail += "; nf_tables cannot be used: " + sockets.Reason
		}
		return []Proof{{name, loopback + ", and a device whose other end is the supervisor's"}, {"tun", detail}}
	case network.AnyWay:
	}
	return []Proof{{name, loopback}, {"redirect", "a connection elsewhere has no route; nothing leaves but the gateway's endpoint"}}
}

// mounts makes the cage's file system. The network is made by its end: what it is
// made with, the host's devices, goes then.
func (s *stage) mounts(network func() error) error {
	builder := s.builder
	done, err := builder.Build(s.setup.Steps, s.setup.Resolver)
	if err != nil {
		return fail("build mounts", err)
	}
	mounted := Mounted{Missing: missing(s.setup.Steps, done)}
	s.setup.Steps = done
	if err := builder.Standard(); err != nil {
		return standardFailed(err)
	}
	s.masks, s.levels = builder.Masks(), builder.Levels()
	if err := network(); err != nil {
		return err
	}
	if err := builder.Leave(); err != nil {
		return fail("build mounts", err)
	}
	if err := s.call(KindMounted, mounted); err != nil {
		return err
	}
	s.lookAtMissing(mounted.Missing)
	return nil
}

// missing are the paths of the steps that were left out.
func missing(steps, done []mounts.Step) []string {
	var paths []string
	for _, step := range steps {
		if len(done) > 0 && done[0] == step {
			done = done[1:]
			continue
		}
		paths = append(paths, step.Path)
	}
	return paths
}
