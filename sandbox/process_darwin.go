package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/darwin/stage"
	"openclaw/sandbox/egress/proxy"
	"openclaw/sandbox/policy"
	"openclaw/sandbox/terminal"
)

// Process is a command in its cage. Its methods are safe for concurrent use.
type Process struct {
	cage     *Cage
	spec     Spec
	run      runFolder
	proxy    *proxy.Proxy // nil without a way out
	terminal *terminal.Terminal
	reporter *reporter
	log      *logReader
	command  *exec.Cmd

	services sync.WaitGroup
	serving  context.Context // of the services, which outlive Start
	cancel   context.CancelFunc
	finished chan struct{}
	released sync.Once

	updating sync.Mutex
	current  *policy.Policy // as it was given last; under updating
	opened   *policy.Policy // that of the profile: without rules that are not carried out
	resolved *resolutions   // of the profile

	mu      sync.Mutex
	report  Report
	ended   bool // the command has been waited for
	status  ExitStatus
	waitErr error
}

func newProcess(c *Cage, spec Spec) *Process {
	serving, cancel := context.WithCancel(context.Background())
	return &Process{
		cage: c, spec: spec, serving: serving, cancel: cancel, finished: make(chan struct{}), current: spec.Policy,
		reporter: newReporter(spec.Denied, time.Now, lookWindow),
		report:   Report{Agent: spec.Agent, Run: spec.Run, Policy: spec.Policy.Version, Mechanisms: unavailable(), Warnings: []string{notYetRun}},
	}
}

// start builds everything around the command and starts it. What it has made
// when it fails, release takes back.
func (p *Process) start(ctx context.Context) error {
	if err := p.withoutPlanted(); err != nil {
		return err
	}
	opened := p.spec
	opened.Policy = p.opened
	dir := workingFolder(&opened)
	program, err := findProgram(&opened, dir)
	if err != nil {
		return err
	}
	p.report.Dir = dir
	if p.run, err = newRunFolder(); err != nil {
		return err
	}
	environment := withEnv(p.spec.Env, "TMPDIR="+p.run.temp+"/")
	ports, proxied, err := p.openNetwork()
	if err != nil {
		return err
	}
	environment = withEnv(environment, proxied...)
	if p.terminal, err = terminal.New(p.spec.Stdin, p.spec.Stdout, p.spec.Stderr); err != nil {
		return &Error{Op: "open terminal", Err: err}
	}
	if err := p.writeProfile(program, ports); err != nil {
		return err
	}
	decoy, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a port that the cage must not reach
	if err != nil {
		return &Error{Op: "test cage", Err: err}
	}
	defer func() { _ = decoy.Close() }()
	p.log = startLog(p, decoy.Addr().String())

	setup := stage.Setup{
		Program: []byte(program), Arguments: stage.Bytes(p.spec.Command), Environment: stage.Bytes(environment), Dir: []byte(dir),
		MaxFileSize: p.spec.Policy.MaxFileSize, Tests: p.run.tests(decoy.Addr().String()),
	}
	if p.spec.Release != nil { // the stage becomes the command by itself
		if err := p.spec.Release(); err != nil {
			return err
		}
	}
	if p.spec.Stands != nil {
		p.spec.Stands(p.Report())
	}
	if err := p.spawn(ctx, setup); err != nil {
		return err
	}
	if p.log.proven() {
		p.enforced(mechanismLog, "a refusal of the self-test was read from it")
	} else {
		p.warn("refusals by the kernel may not be seen: " + p.log.why())
	}
	return nil
}

// spawn starts the stage under the profile and follows it until it has become
// the command.
func (p *Process) spawn(ctx context.Context, setup stage.Setup) error {
	self, err := ownProgram()
	if err != nil {
		return &Error{Op: "start cage", Err: err}
	}
	setupRead, setupWrite, err := os.Pipe()
	if err != nil {
		return &Error{Op: "start cage", Err: err}
	}
	resultRead, resultWrite, err := os.Pipe()
	if err != nil {
		_, _ = setupRead.Close(), setupWrite.Close()
		return &Error{Op: "start cage", Err: err}
	}
	defer func() { _ = resultRead.Close() }()
	p.command = exec.Command(sandboxExec, "-f", p.run.profile, self, stage.Name) //nolint:noctx // it is waited for by finish
	p.command.Env = []string{}
	p.command.ExtraFiles = []*os.File{setupRead, resultWrite}
	p.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	p.attach()
	err = p.command.Start()
	_, _ = setupRead.Close(), resultWrite.Close()
	if err != nil {
		_ = setupWrite.Close()
		p.command = nil
		return &Error{Op: "start " + sandboxExec, Kind: KindMissing, Err: err}
	}
	stop := context.AfterFunc(ctx, p.kill)
	if p.terminal != nil {
		if stdin, _, _ := p.terminal.Files(); stdin == p.terminal.Slave() {
			// In a pipeline another program may want to read, too; here nobody asks which.
			if err := p.terminal.Attach(!p.terminal.Whole(), nil); err != nil {
				p.kill()
			}
		}
		p.services.Go(func() {
			if err := p.terminal.Run(); err != nil {
				p.kill() // a command whose terminal is broken could not be ended by its keys
			}
		})
	}
	go func() {
		p.finish()
		stop()
	}()
	failed, err := stage.Talk(setup, setupWrite, resultRead, func(name string) { p.enforced(name, "refused with EPERM inside this cage") })
	if err == nil && failed == nil {
		return nil
	}
	p.kill()
	<-p.finished
	if err != nil {
		return &Error{
			Op: "build cage", Kind: KindMissing, Err: fmt.Errorf("%w (%s ended with status %d)", err, sandboxExec, p.status.Code),
			Hint: "65 is a profile that this version of macOS does not take; report it with the version",
		}
	}
	return fromDarwinStage(failed, &p.spec)
}

// attach gives the command its files: its own terminal in place of the
// person's.
func (p *Process) attach() {
	files := [3]*os.File{p.spec.Stdin, p.spec.Stdout, p.spec.Stderr}
	if p.terminal != nil {
		files[0], files[1], files[2] = p.terminal.Files()
		for i, file := range files {
			if file == p.terminal.Slave() {
				p.command.SysProcAttr.Setctty, p.command.SysProcAttr.Ctty = true, i
				break
			}
		}
	}
	// A nil *os.File must not become a non-nil interface.
	if files[0] != nil {
		p.command.Stdin = files[0]
	}
	if files[1] != nil {
		p.command.Stdout = files[1]
	}
	if files[2] != nil {
		p.command.Stderr = files[2]
	}
}

func fromDarwinStage(failed *stage.Result, spec *Spec) error {
	if failed.Command {
		return startFailed(syscall.Errno(failed.Errno), spec.Command[0])
	}
	return &Error{Op: "build cage", Kind: KindMissing, Err: errors.New(failed.Failed), Hint: "report this with the version of macOS: the cage would not hold"}
}

// finish waits for the command and releases everything.
func (p *Process) finish() {
	defer close(p.finished)
	_ = p.command.Wait() // the status is read from ProcessState
	p.mu.Lock()
	p.ended = true
	p.status = exitStatus(p.command.ProcessState)
	over := p.status.Signal == int(syscall.SIGXFSZ)
	p.mu.Unlock()
	endSession(p.command.Process.Pid)
	if over {
		p.reporter.add(p.limitDenial())
	}
	p.release()
}

func exitStatus(state *os.ProcessState) ExitStatus {
	if wait, ok := state.Sys().(syscall.WaitStatus); ok && wait.Signaled() {
		return ExitStatus{Code: 128 + int(wait.Signal()), Signal: int(wait.Signal())}
	}
	return ExitStatus{Code: state.ExitCode()}
}

// release takes back what start has made, in the order that lets each part end
// by itself.
func (p *Process) release() {
	p.released.Do(func() {
		if p.terminal != nil {
			p.terminal.Finish()
		}
		p.log.stop()
		p.cancel()
		p.services.Wait()
		if p.terminal != nil {
			_ = p.terminal.Close(true) // a terminal that has gone needs no modes
		}
		p.reporter.close()
		p.run.remove()
	})
}

// endSession ends what is left of the command's session. A process that left
// it is not found.
func endSession(leader int) {
	for range 10 {
		found := false
		processes, err := unix.SysctlKinfoProcSlice("kern.proc.uid", os.Getuid())
		if err != nil {
			return
		}
		for i := range processes {
			pid := int(processes[i].Proc.P_pid)
			if session, err := unix.Getsid(pid); err == nil && session == leader && pid != leader {
				found = unix.Kill(pid, unix.SIGKILL) == nil || found
			}
		}
		if !found {
			return
		}
	}
}

func (p *Process) enforced(name, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.Mechanisms = append(p.report.Mechanisms, Mechanism{Name: name, Enforced: true, Detail: detail, Purpose: purposeOf(name)})
}

func (p *Process) warn(text string) {
	p.mu.Lock()
	p.report.Warnings = append(p.report.Warnings, text)
	p.mu.Unlock()
	if p.spec.Warned != nil {
		p.spec.Warned()
	}
}

// PID is the command's process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Report says what is enforced, as proven inside this very cage.
func (p *Process) Report() Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	report := p.report
	report.Mechanisms = append([]Mechanism(nil), p.report.Mechanisms...)
	report.Warnings = append([]string(nil), p.report.Warnings...)
	return report
}

// Wait waits for the end of the command and of its session, and until every
// refusal that the log has told of by then has been told. It may be called
// more than once.
func (p *Process) Wait() (ExitStatus, error) {
	<-p.finished
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status, p.waitErr
}
