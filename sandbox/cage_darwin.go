package sandbox

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

const sandboxExec = "/usr/bin/sandbox-exec"

// notYetRun is said by every report of a cage on macOS.
const notYetRun = "the cage on macOS has not yet been run on a Mac by us; its self-test inside each cage is what vouches for it"

// Cage starts commands in cages. It is safe for concurrent use and holds
// nothing that must be closed.
type Cage struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error) // nil: the machine's own resolver
}

// New looks for what every cage needs. That it holds is proven inside each
// cage before its command starts.
func New(ctx context.Context) (*Cage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := os.Stat(sandboxExec)
	if err != nil {
		return nil, &Error{Op: "find " + sandboxExec, Kind: KindMissing, Err: errors.Unwrap(err), Hint: "it is part of macOS; this version may have dropped it"}
	}
	if info.Mode().Perm()&0o111 == 0 {
		return nil, &Error{Op: "find " + sandboxExec, Kind: KindMissing, Err: errors.New("it cannot be executed"), Hint: "it is part of macOS; restore it"}
	}
	return &Cage{}, nil
}

// Prepare does nothing: a cage here has nothing that its policy does not shape.
func (c *Cage) Prepare(stdin, stdout, stderr *os.File) (stop func()) { return func() {} }

// Start writes the profile of the policy, starts this program under it, has it
// test from inside that it is held, and becomes the command. A refusal is an
// *Error, and then nothing was run. When ctx ends, so does the run.
func (c *Cage) Start(ctx context.Context, spec Spec) (*Process, error) {
	if err := check(&spec); err != nil {
		return nil, err
	}
	p := newProcess(c, spec)
	if err := p.start(ctx); err != nil {
		p.release()
		return nil, err
	}
	return p, nil
}

// Probe starts a cage whose command does nothing and reports what it proved.
func Probe(ctx context.Context) Capabilities {
	capabilities := Capabilities{Kernel: "Darwin " + release()}
	cage, err := New(ctx)
	proven := map[string]string{}
	if err == nil {
		err = cage.probe(ctx, proven)
	}
	for _, row := range table() {
		m := Mechanism{Name: row.name, Purpose: row.purpose, Fix: row.fix}
		switch detail, ok := proven[row.name]; {
		case ok:
			m.Enforced, m.Detail, m.Fix = true, detail, ""
		case row.never != "":
			m.Detail = row.never
		case err != nil:
			m.Detail = err.Error()
		default:
			m.Detail = "it was not proven"
		}
		capabilities.Mechanisms = append(capabilities.Mechanisms, m)
	}
	return capabilities
}

func (c *Cage) probe(ctx context.Context, proven map[string]string) error {
	workspace, err := os.MkdirTemp("", "openclaw-probe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(workspace)
	p, err := c.Start(ctx, Spec{Agent: "probe", Run: "probe", Policy: probePolicy(workspace), Command: []string{"/usr/bin/true"}})
	if err != nil {
		return err
	}
	for _, m := range p.Report().Mechanisms {
		if m.Enforced {
			proven[m.Name] = m.Detail
		}
	}
	_, err = p.Wait()
	return err
}

func release() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return runtime.GOARCH
	}
	return unix.ByteSliceToString(name.Release[:]) + " " + runtime.GOARCH
}

// CheckReduced says why the reduced mode cannot hold a policy on this machine,
// or nil. This system has no such mode.
func CheckReduced(*policy.Policy) error { return nil }

// LeaveProgram does nothing: the kernel there takes back what it needs.
func LeaveProgram() {}
