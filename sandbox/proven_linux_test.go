package sandbox_test

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/linux/stage"
)

// The self-test counts a refusal as proof only when it came from here: something else
// that refuses inside, such as a sandbox around this one, proves no wall of ours.
func TestSelfTestTakesNoOthersRefusal(t *testing.T) {
	for want, word := range map[string]stage.Tested{
		"did not come from here":     {Calls: true},
		"did not come from the gate": {Gate: true},
	} {
		if err := sandbox.TestedUnseen(word); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", word, err)
		}
	}
	if err := sandbox.TestedUnseen(stage.Tested{}); err != nil {
		t.Errorf("where nothing was to be refused: %v", err)
	}
}

// A limit of a process that was set and is not there is an error: a filter around this
// program may say yes to what it does not do.
func TestLimitThatIsNotSetIsAnError(t *testing.T) {
	child := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	pid := child.Process.Pid
	const bytes = 1 << 30
	onThreadOfItsOwn(func() {
		if err := pretend(); err != nil {
			t.Error(err)
		} else if err = sandbox.SetLimit(pid, unix.RLIMIT_DATA, bytes); err == nil || !strings.Contains(err.Error(), "was set") {
			t.Errorf("a limit that was not set: %v", err)
		}
	})
	if err := sandbox.SetLimit(pid, unix.RLIMIT_DATA, bytes); err != nil {
		t.Errorf("one that was: %v", err)
	}
	if err := sandbox.SetLimit(pid, unix.RLIMIT_DATA, 2*bytes); err != nil {
		t.Errorf("a lower one that is there already: %v", err)
	}
	var is unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, nil, &is); err != nil || is.Cur != bytes || is.Max != bytes {
		t.Errorf("it is %+v, %v", is, err)
	}
}

// onThreadOfItsOwn runs f on a thread that ends with it.
func onThreadOfItsOwn(f func()) {
	done := make(chan struct{})
	var start func()
	start = func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() { // the main thread never ends: take another
			defer runtime.UnlockOSThread()
			go start()
			<-done
			return
		}
		defer close(done) // and never unlocked
		f()
	}
	go start()
	<-done
}

// pretend has the kernel say to this thread that every limit is set, and set none.
func pretend() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	const number, third = 0, 16 + 2*8 // in struct seccomp_data; the third argument is the new limit
	_, err := seccomp.Install([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_PRLIMIT64, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: third},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}, false)
	return err
}
