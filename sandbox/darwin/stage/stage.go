//go:build darwin || linux

// Package stage is the inside of a cage on macOS before the command runs: this
// program, started by sandbox-exec under the run's profile, tests that it is
// held, says so, and becomes the command.
//
// It owns the two pipes that it inherits. Nothing of a run is in its arguments:
// the command, its environment with the run's secrets, and what to test come
// through the first pipe, proofs and failures go out by the second. A test that
// is not refused as it must be ends the stage; then no command runs.
package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Name is the first argument of this program as a stage.
const Name = "openclaw-cage-stage"

// The descriptors that a stage inherits.
const (
	setupFile  = 3
	resultFile = 4
)

// maxSetup bounds what a stage is told, in bytes: arguments and environment
// have at most 1 MiB on macOS.
const maxSetup = 8 << 20

// Setup is what a stage is told. Text is bytes, as paths are.
type Setup struct {
	Program     []byte   `json:"program"`
	Arguments   [][]byte `json:"arguments"`
	Environment [][]byte `json:"environment"`
	Dir         []byte   `json:"dir"`
	MaxFileSize int64    `json:"max_file_size,omitempty"` // bytes; 0: no limit
	Tests       []Test   `json:"tests"`
}

// The kinds of tests. Each must be refused with EPERM, Seatbelt's own word.
const (
	TestRead    = "read"    // open Path
	TestWrite   = "write"   // make a file Path
	TestMove    = "move"    // rename Path
	TestLink    = "link"    // give Path a second name
	TestConnect = "connect" // to Path, host:port
	TestSignal  = "signal"  // process PID
)

// Test is one thing that must be refused.
type Test struct {
	Name string `json:"name"` // of the mechanism that is proven
	Kind string `json:"kind"`
	Path []byte `json:"path,omitempty"`
	PID  int    `json:"pid,omitempty"`
}

// Result is one line that a stage says.
type Result struct {
	Proof   string `json:"proof,omitempty"`  // a test's Name
	Failed  string `json:"failed,omitempty"` // what went wrong; nothing follows
	Errno   int    `json:"errno,omitempty"`
	Command bool   `json:"command,omitempty"` // the command's program could not be loaded
}

// Run is the whole life of a stage that could not become the command. It
// returns the status to exit with.
func Run() int {
	in, out := os.NewFile(setupFile, "setup"), os.NewFile(resultFile, "result")
	unix.CloseOnExec(setupFile)
	unix.CloseOnExec(resultFile)
	if !isPipe(in) || !isPipe(out) {
		return 2 // started by hand
	}
	result := run(in, json.NewEncoder(out))
	_ = json.NewEncoder(out).Encode(result) // nobody is left to tell
	return 126
}

func isPipe(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// run returns only when it failed.
func run(in io.Reader, out *json.Encoder) Result {
	var setup Setup
	if err := json.NewDecoder(io.LimitReader(in, maxSetup)).Decode(&setup); err != nil {
		return failed("read setup", err)
	}
	for _, test := range setup.Tests {
		if err := refused(test); err != nil {
			return failed("test "+test.Name, err)
		}
		if err := out.Encode(Result{Proof: test.Name}); err != nil {
			return failed("report", err)
		}
	}
	return become(&setup)
}

func failed(op string, err error) Result {
	r := Result{Failed: op + ": " + err.Error()}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		r.Errno = int(errno)
	}
	return r
}

var errNotRefused = errors.New("it was not refused: the cage does not hold")

// refused returns nil when the test's deed was refused by the cage.
func refused(test Test) error {
	err := try(test)
	switch {
	case err == nil:
		return errNotRefused
	case errors.Is(err, unix.EPERM):
		return nil
	}
	return fmt.Errorf("it was refused otherwise than by the cage: %w", err)
}

func try(test Test) error {
	name := string(test.Path)
	switch test.Kind {
	case TestRead:
		f, err := os.Open(name)
		if err == nil {
			_ = f.Close()
		}
		return err
	case TestWrite:
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			_ = f.Close()
			_ = os.Remove(name)
		}
		return err
	case TestMove:
		err := os.Rename(name, name+".moved")
		if err == nil {
			_ = os.Rename(name+".moved", name)
		}
		return err
	case TestLink:
		err := os.Link(name, name+".linked")
		if err == nil {
			_ = os.Remove(name + ".linked")
		}
		return err
	case TestConnect:
		dialer := net.Dialer{Timeout: 5 * time.Second}
		conn, err := dialer.DialContext(context.Background(), "tcp", name)
		if err == nil {
			_ = conn.Close()
		}
		return err
	case TestSignal:
		return unix.Kill(test.PID, 0)
	}
	return fmt.Errorf("an unknown test %q", test.Kind)
}

// become turns the stage into the command.
func become(setup *Setup) Result {
	if len(setup.Arguments) == 0 {
		return failed("start command", errors.New("there is none"))
	}
	if err := os.Chdir(string(setup.Dir)); err != nil {
		return failed("enter folder", err)
	}
	limits := []struct {
		resource int
		value    int64
	}{{unix.RLIMIT_CORE, 0}} // no memory of the run in a file
	if setup.MaxFileSize > 0 {
		limits = append(limits, struct {
			resource int
			value    int64
		}{unix.RLIMIT_FSIZE, setup.MaxFileSize})
	}
	for _, l := range limits {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: uint64(l.value), Max: uint64(l.value)}); err != nil {
			return failed("set limit", err)
		}
	}
	if err := closeOnExec(); err != nil {
		return failed("close descriptors", err)
	}
	err := syscall.Exec(string(setup.Program), texts(setup.Arguments), texts(setup.Environment))
	r := failed("start "+string(setup.Program), err)
	r.Command = true
	return r
}

// maxDescriptors is how far descriptors are looked for where they cannot be
// listed: well above the 10,240 that macOS lets a process have.
const maxDescriptors = 1 << 16

// closeOnExec keeps every descriptor but the first three from the command,
// those too that this program inherited itself.
func closeOnExec() error {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		for fd := setupFile; fd < maxDescriptors; fd++ {
			unix.CloseOnExec(fd)
		}
		return nil
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			return fmt.Errorf("an odd descriptor %q", entry.Name())
		}
		if fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

func texts(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}

// Bytes is the form in which a Setup takes text.
func Bytes(list []string) [][]byte {
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

// Talk gives a stage its setup and reads what it says until it has become the
// command or has failed. proven is called for each proof.
func Talk(setup Setup, to io.WriteCloser, from io.Reader, proven func(name string)) (*Result, error) {
	sent := make(chan error, 1)
	go func() {
		err := json.NewEncoder(to).Encode(setup)
		sent <- errors.Join(err, to.Close())
	}()
	decoder := json.NewDecoder(io.LimitReader(from, maxSetup))
	left := len(setup.Tests)
	for {
		var r Result
		err := decoder.Decode(&r)
		switch {
		case errors.Is(err, io.EOF):
			if err := <-sent; err != nil {
				return nil, fmt.Errorf("tell the stage: %w", err)
			}
			if left > 0 {
				return nil, errors.New("the stage ended before its tests did")
			}
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("hear the stage: %w", err)
		case r.Failed != "":
			return &r, nil
		}
		left--
		proven(r.Proof)
	}
}
