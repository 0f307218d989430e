package sandbox_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox"
)

// A cage's init stays as long as its run: it keeps little of what building the
// cage took.
func TestInitKeepsLittleMemory(t *testing.T) {
	w := newWorld(t)
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spec := w.spec("sleep", "60")
	process, err := cage.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = process.Signal(os.Kill)
		_, _ = process.Wait()
	}()
	init := field(t, process.PID(), "PPid")
	const most = 4 << 10 // kB; less than 2 are seen, and 8 to 14 where it keeps all
	var size int
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if size = field(t, init, "RssFile"); size <= most {
			return
		}
	}
	t.Errorf("init has %d kB of its program in memory, more than %d", size, most)
}

// field is a number of /proc/PID/status.
func field(t *testing.T, pid int, name string) (value int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("the kernel does not say %s: %s", name, text)
	return 0
}
