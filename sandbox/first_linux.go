package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/keeper"
	"openclaw/sandbox/linux/spawn"
	"openclaw/sandbox/linux/stage"
)

// first is a cage's first process: this program again, as a stage in new
// namespaces or as a keeper.
type first struct {
	begin   func() (*os.Process, error)
	process *os.Process // once it was started
	state   *os.ProcessState
}

// start is called once, by the thread that then waits: the parent-death signal
// belongs to it.
func (f *first) start() error {
	process, err := f.begin()
	f.process = process
	return err
}

// wait returns once the process has ended and state says how.
func (f *first) wait() { f.state, _ = f.process.Wait() } // it fails for none that was started

func (f *first) pid() int { return f.process.Pid }

func (f *first) kill() { _ = f.process.Kill() }

// self is this program, for one more start of it.
const self = "/proc/self/exe"

// newStage is the inside of a cage, with the standard descriptors of the command
// and the control socket. With a terminal it leads a session that has it.
func newStage(stdin, stdout, stderr, inherited, terminal *os.File, limits *bounds) *first {
	return &first{begin: func() (*os.Process, error) {
		options := spawn.Options{
			Program: self, Arguments: []string{stage.Name}, Environment: stageEnvironment(),
			Namespaces: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS |
				unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP,
			UID: os.Geteuid(), GID: os.Getegid(),
			Capabilities: []int{
				unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_SETPCAP, unix.CAP_SYS_CHROOT,
				unix.CAP_DAC_OVERRIDE, unix.CAP_SYS_RESOURCE,
			},
			TerminalFD: -1, DeathSignal: int(syscall.SIGKILL), CgroupFD: -1,
		}
		if fd, ok := limits.cgroupFD(); ok {
			options.CgroupFD = fd
		}
		files := []*os.File{stdin, stdout, stderr, inherited}
		for i, file := range files {
			if file == nil {
				null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
				if err != nil {
					return nil, err
				}
				defer func() { _ = null.Close() }()
				files[i] = null
			}
			options.Files = append(options.Files, int(files[i].Fd()))
		}
		if terminal != nil {
			options.Leads, options.TerminalFD = spawn.Session, int(terminal.Fd())
			options.Files = append(options.Files, int(terminal.Fd()))
		}
		return spawned(&options)
	}}
}

// errRightless is why a namespace that could be made cannot be used.
var errRightless = errors.New("a namespace can be made, but gives no rights")

func spawned(options *spawn.Options) (*os.Process, error) {
	syscall.ForkLock.Lock()
	pid, failed := spawn.Start(options)
	syscall.ForkLock.Unlock()
	if failed != nil && pid == 0 {
		return nil, syscall.Errno(failed.Errno) // what was being done is the caller's to say
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, err
	}
	if failed == nil {
		return process, nil
	}
	_, _ = process.Wait() // it says nothing more
	errno := syscall.Errno(failed.Errno)
	if failed.Step == spawn.MapUsers && (errno == syscall.EPERM || errno == syscall.EACCES) {
		return nil, fmt.Errorf("%s: %w: %w", failed.Step, errno, errRightless)
	}
	return nil, fmt.Errorf("%s: %w", failed.Step, errno)
}

// newKeeper is what watches over a run that has no namespaces. It has no
// parent-death signal: the keeper ends the run when its socket does. With a terminal
// it leads a session that has it.
func newKeeper(stdin, stdout, stderr, inherited, terminal *os.File, limits *bounds) *first {
	return &first{begin: func() (*os.Process, error) {
		c := exec.Command(self) //nolint:noctx // its life is the run's, which ends with its control socket
		c.Args = []string{keeper.Name}
		c.Env = stageEnvironment()
		// A nil *os.File must not become a non-nil interface.
		if stdin != nil {
			c.Stdin = stdin
		}
		if stdout != nil {
			c.Stdout = stdout
		}
		if stderr != nil {
			c.Stderr = stderr
		}
		c.ExtraFiles = []*os.File{inherited}
		c.SysProcAttr = &syscall.SysProcAttr{}
		if terminal != nil {
			c.ExtraFiles = append(c.ExtraFiles, terminal)
			c.SysProcAttr.Setsid, c.SysProcAttr.Setctty, c.SysProcAttr.Ctty = true, true, stage.TerminalFD
		}
		c.SysProcAttr.CgroupFD, c.SysProcAttr.UseCgroupFD = limits.cgroupFD()
		err := c.Start()
		return c.Process, err
	}}
}
