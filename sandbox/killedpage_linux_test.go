package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// pageVariable has a supervisor of the tests do what meetAtPage says.
const pageVariable = "OPENCLAW_TEST_MEET_AT_PAGE"

// A supervisor that is killed while the cage's kernel is about to forget what it has of a file
// leaves nobody waiting, also if the kernel has to write some of that first, and nobody has
// read yet what.
func TestSupervisorKilledWhileAPageIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.write("other/page", strings.Repeat("x", 4096))
	w.write(asksName+"/allowed", "")
	// A file whose size is about to change has no page written meanwhile: the kernel waits,
	// with what it is to forget, for the answer to a question.
	const script = `echo ready; cd ~/project; exec python3 -c '
import mmap, os, time
def until(name):
    while not os.path.exists(name): time.sleep(0.01)
until("go1")
file = os.open("../other/page", os.O_RDWR)
page = mmap.mmap(file, 4096)
page[0] = 1
if os.fork() == 0:
    until("go2")
    os.ftruncate(file, 100)
    os._exit(0)
open("mapped", "w").close()
while True:
    page[0] = (page[0] + 1) % 100
    time.sleep(0.01)'`
	command, out := supervised(t, w, pageVariable+"=1", scriptVariable+"=export HOME="+w.home+"; "+script)
	if line, err := out.ReadString('\n'); err != nil || line != "met\n" {
		t.Errorf("%q %v", line, err)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	endsAfterKill(t, command, out)
}

// meetAtPage has a program of the cage hold what another one has written, and then the policy
// deny that file.
func meetAtPage(process *sandbox.Process, home string) {
	project, asks := filepath.Join(home, "project"), filepath.Join(home, asksName)
	perms := policy.Permissions{
		AllowedPaths: []policy.PathEntry{{Path: project}}, Ask: []policy.Class{policy.ClassPathRead, policy.ClassPathWrite},
	}
	update := func() {
		next, err := compile(home, perms)
		if err == nil {
			_, err = process.Update(next)
		}
		sayError(err)
	}
	update()
	sayError(os.WriteFile(filepath.Join(project, "go1"), nil, 0o600))
	until(func() bool {
		_, err := os.Stat(filepath.Join(project, "mapped"))
		return err == nil
	})
	sayError(os.Remove(filepath.Join(asks, "allowed")))
	sayError(os.WriteFile(filepath.Join(project, "go2"), nil, 0o600))
	until(func() bool {
		asked, err := os.ReadFile(filepath.Join(asks, "asked"))
		return err == nil && strings.HasSuffix(string(asked), "held gate truncate page\n")
	})
	perms.DeniedPaths = []string{filepath.Join(home, "other")}
	go update()
	seen := 0
	until(func() bool { // any thread may wait for a moment
		if seen++; waitingHere() == 0 {
			seen = 0
		}
		return seen == 5
	})
	_, _ = os.Stdout.WriteString("met\n")
}
