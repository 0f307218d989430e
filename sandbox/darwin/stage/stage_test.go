//go:build darwin || linux

package stage

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestMain makes this program its own stage, as the real one is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Name {
		os.Exit(Run())
	}
	os.Exit(m.Run())
}

// start runs a stage without a cage around it.
func start(t *testing.T, setup Setup) (failed *Result, proofs []string, output string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	setupRead, setupWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	resultRead, resultWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer resultRead.Close()
	command := exec.Command(self, Name)
	command.Env = []string{"OUTER=1"}
	secret, err := os.Open("/etc/passwd") // a descriptor that leaks into the stage
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	command.ExtraFiles = []*os.File{setupRead, resultWrite, secret}
	var out strings.Builder
	command.Stdout = &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	setupRead.Close()
	resultWrite.Close()
	failed, err = Talk(setup, setupWrite, resultRead, func(name string) { proofs = append(proofs, name) })
	if err != nil {
		t.Error(err)
	}
	_ = command.Wait()
	return failed, proofs, out.String(), command.ProcessState.ExitCode()
}

func shell(script string) Setup {
	return Setup{
		Program: []byte("/bin/sh"), Arguments: Bytes([]string{"shell", "-c", script, "x", "a\xffb"}), Environment: Bytes([]string{"INNER=2\xfe"}),
		Dir: []byte("/"), MaxFileSize: 4096,
	}
}

func TestBecomesTheCommand(t *testing.T) {
	failed, proofs, out, code := start(t, shell(`printf '%s|%s|%s|%s|' "$0" "$1" "$INNER" "$OUTER"; pwd; ls /proc/self/fd 2>/dev/null | wc -l; exit 7`))
	if failed != nil || len(proofs) != 0 || code != 7 {
		t.Fatalf("%+v, %v, exit %d", failed, proofs, code)
	}
	if !strings.HasPrefix(out, "x|a\xffb|2\xfe||/\n") {
		t.Errorf("the command saw %q", out)
	}
	if fds := strings.TrimSpace(strings.SplitN(out, "\n", 2)[1]); fds != "4" && fds != "0" && fds != "" { // of ls itself: 0, 1, 2 and the folder
		t.Errorf("%s descriptors reached the command", fds)
	}
}

func TestFileSizeLimit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "big")
	failed, _, out, _ := start(t, shell(`ulimit -c; head -c 10000 /dev/zero > `+name))
	if failed != nil || !strings.HasPrefix(out, "0\n") {
		t.Fatalf("%+v, %q", failed, out)
	}
	if info, err := os.Stat(name); err != nil || info.Size() != 4096 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestNoCageNoCommand is the promise that matters: where nothing holds the
// stage, whatever the reason, the command does not run.
func TestNoCageNoCommand(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ran := filepath.Join(dir, "ran")
	for _, test := range []Test{
		{Kind: TestRead, Path: []byte(file)},
		{Kind: TestWrite, Path: []byte(filepath.Join(dir, "new"))},
		{Kind: TestMove, Path: []byte(file)},
		{Kind: TestLink, Path: []byte(file)},
		{Kind: TestConnect, Path: []byte(listener.Addr().String())},
		{Kind: TestSignal, PID: os.Getpid()},
		{Kind: TestRead, Path: []byte(filepath.Join(dir, "missing"))}, // refused, but not by a cage
		{Kind: "other"},
		{},
	} {
		test.Name = "the test of " + test.Kind
		setup := shell("touch " + ran)
		setup.Tests = []Test{test}
		failed, proofs, _, code := start(t, setup)
		if failed == nil || failed.Command || len(proofs) != 0 || code != 126 || !strings.Contains(failed.Failed, test.Name) {
			t.Errorf("%s: %+v, %v, exit %d", test.Kind, failed, proofs, code)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the command ran")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the tests left %v behind", entries)
	}
}

func TestRefusedByTheCage(t *testing.T) {
	if err := refused(Test{Kind: TestSignal, PID: 1}); os.Getuid() != 0 && err != nil { // another user's process: EPERM
		t.Error(err)
	}
}

func TestProgramThatIsNotThere(t *testing.T) {
	setup := shell("")
	setup.Program = []byte("/nowhere/x")
	failed, _, _, code := start(t, setup)
	if failed == nil || !failed.Command || failed.Errno != int(syscall.ENOENT) || code != 126 {
		t.Errorf("%+v, exit %d", failed, code)
	}
}

// TestSilenceIsNoProof: a stage that ends without its proofs has proven
// nothing, even though it reported no failure.
func TestSilenceIsNoProof(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	setup := Setup{Tests: []Test{{Name: "a"}, {Name: "b"}}}
	var proofs []string
	if _, err := Talk(setup, w, strings.NewReader(`{"proof":"a"}`+"\n"), func(name string) { proofs = append(proofs, name) }); err == nil || !slices.Equal(proofs, []string{"a"}) {
		t.Errorf("%v, %v", proofs, err)
	}
}

func TestStartedByHand(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self, Name)
	if err := command.Run(); err == nil || command.ProcessState.ExitCode() != 2 {
		t.Errorf("%v", err)
	}
}
