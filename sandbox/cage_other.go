//go:build !linux && !darwin

package sandbox

import (
	"context"
	"errors"
	"os"
	"runtime"

	"openclaw/sandbox/policy"
)

// errUnsupported is the whole of this package on systems other than Linux.
func errUnsupported() error {
	return &Error{
		Op: "build cage", Kind: KindUnsupported, Err: errors.New("no cage on " + runtime.GOOS + " yet"),
		Hint: "run agents on Linux; everything else of openclaw works here",
	}
}

// RunStage does nothing: there are no stages on this system.
func RunStage([]string) (handled bool, exit int) { return false, 0 }

// Cage starts commands in cages.
type Cage struct{}

// New refuses: KindUnsupported.
func New(context.Context) (*Cage, error) { return nil, errUnsupported() }

// Probe says that nothing can be enforced.
func Probe(context.Context) Capabilities {
	return Capabilities{Kernel: runtime.GOOS, Mechanisms: []Mechanism{{
		Name: "cage", Detail: "no cage on " + runtime.GOOS + " yet", Fix: "run agents on Linux", Purpose: "agents cannot be run",
	}}}
}

// Prepare does nothing.
func (c *Cage) Prepare(stdin, stdout, stderr *os.File) (stop func()) { return func() {} }

// Start refuses: KindUnsupported.
func (c *Cage) Start(context.Context, Spec) (*Process, error) { return nil, errUnsupported() }

// Process is a command in a cage.
type Process struct{}

// PID is 0.
func (p *Process) PID() int { return 0 }

// Report is empty.
func (p *Process) Report() Report { return Report{} }

// Update refuses.
func (p *Process) Update(*policy.Policy) (Change, error) { return Change{}, errUnsupported() }

// TakeBack does nothing: nothing was allowed.
func (p *Process) TakeBack() {}

// CutConnection finds none: there is no cage.
func (p *Process) CutConnection(string, string) bool { return false }

// Say shows nothing.
func (p *Process) Say(string) bool { return false }

// Signal refuses.
func (p *Process) Signal(os.Signal) error { return errUnsupported() }

// RelaySignals does nothing.
func (p *Process) RelaySignals() (stop func()) { return func() {} }

// Wait refuses.
func (p *Process) Wait() (ExitStatus, error) { return ExitStatus{}, errUnsupported() }

// CheckReduced says why the reduced mode cannot hold a policy on this machine,
// or nil. This system has no such mode.
func CheckReduced(*policy.Policy) error { return nil }

// LeaveProgram does nothing.
func LeaveProgram() {}
