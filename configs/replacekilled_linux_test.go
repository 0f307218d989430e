package configs_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"openclaw/configs"
)

// replacesVariable names the file that a process replaces, which the kernel kills before
// all of it is written.
const replacesVariable = "OPENCLAW_TEST_REPLACES"

// Who is killed while they replace a file leave it as it was, and nothing beside it.
func TestKilledWhileAFileIsReplaced(t *testing.T) {
	if path := os.Getenv(replacesVariable); path != "" {
		var byDefault [32]byte // a sigaction is all zero then: Go's own handler does nothing
		if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGXFSZ), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0); errno != 0 {
			t.Fatal(errno)
		}
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 100, Max: 100}); err != nil {
			t.Fatal(err)
		}
		_ = configs.ReplaceFile(path, bytes.Repeat([]byte("new\n"), 100)) // SIGXFSZ ends this process
		t.Fatal("it lives")
	}
	path := filepath.Join(t.TempDir(), "tokens.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^TestKilledWhileAFileIsReplaced$")
	child.Env = append(os.Environ(), replacesVariable+"="+path)
	if said, err := child.CombinedOutput(); err == nil || bytes.Contains(said, []byte("it lives")) {
		t.Fatalf("%v: %s", err, said)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left are %v, %v", entries, err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "old" {
		t.Errorf("%q %v", text, err)
	}
	if err := configs.ReplaceFile(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 || info.Size() != 3 {
		t.Errorf("%+v %v", info, err)
	}
}
