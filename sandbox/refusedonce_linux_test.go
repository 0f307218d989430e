package sandbox_test

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A name that came to be denied in a new folder, and was refused there by the gate, is not
// open a moment later, when the folder that was found fit for that before is bound.
func TestWhatWasRefusedStaysRefused(t *testing.T) {
	m := meetRefusal(t)
	if err := syscall.Kill(m.first, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if m.answer != "" { // before it is clear whether the folder stays
		eventually(t, "the folder is bound", func() bool { return mountedIn(m.first, m.folder) })
		if again := m.reads(); again != m.answer {
			t.Errorf("it is %s, and then %s", m.answer, again)
		}
	}
	m.goOn()
	if m.answer == "" {
		m.answer = <-m.waited
	}
	if again := m.reads(); m.answer != "refused" || again != "refused" {
		t.Errorf("it is %s, and then %s", m.answer, again)
	}
	m.works("ls ~/project/new")
	if mountedIn(m.first, m.folder) || m.process.Binds(m.folder) {
		t.Error("the folder is bound")
	}
	m.warns("project/new/.env came to match a denied pattern during the run; it is refused now")
	m.end()
}

// What a program waits for from the cage's first process does not keep the run from its end
// when that process is killed.
func TestFirstProcessKilledWhileARefusalWaits(t *testing.T) {
	m := meetRefusal(t)
	if m.answer != "" {
		t.Fatal("it does not wait:", m.answer)
	}
	m.goOn()
	if err := syscall.Kill(m.first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m.wait()
}

// refusal is a program that opens what has come to be denied in a folder which is about to
// be bound.
type refusal struct {
	*talk
	folder string
	first  int         // the cage's first process, which is stopped
	goOn   func()      // of what is bound and given back
	answer string      // "": it waits
	waited chan string // the answer that it waits for
}

func meetRefusal(t *testing.T) *refusal {
	t.Helper()
	w := newWorld(t).allow("project").deny("project/**/.env")
	m := &refusal{talk: newTalk(t, w), folder: w.path("project/new"), waited: make(chan string, 1)}
	m.first = parentOf(t, m.process.PID())
	if err := syscall.Kill(m.first, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(m.first, syscall.SIGCONT) })
	if !m.works("mkdir ~/project/new") {
		t.Fatal("no new folder")
	}
	eventually(t, "the folder is about to be bound", func() bool { return m.process.Binds(m.folder) && m.process.Asks() })
	m.goOn = sync.OnceFunc(m.process.HoldBinder())
	t.Cleanup(m.goOn)
	w.write("project/deep/.env", "") // who watches waits for the binder by that, and sees no other
	eventually(t, "the watcher waits", func() bool { return m.process.Serves(w.path("project/deep")) })
	w.write("project/new/.env", "PASSWORD=new\n")
	m.tell()
	go func() {
		line, _ := m.answers.ReadString('\n') // none if the run ends before
		m.waited <- strings.TrimSpace(line)
	}()
	eventually(t, "it is refused, or waits for that", func() bool {
		select {
		case m.answer = <-m.waited:
			return true
		default:
			return m.process.Serves(m.folder)
		}
	})
	return m
}

// reads tries.
func (m *refusal) reads() string {
	m.tell()
	return m.talk.answer()
}

// tell has the program try, by nothing that has to be found elsewhere first.
func (m *refusal) tell() {
	m.t.Helper()
	if _, err := m.in.WriteString("if { read -r line < ~/project/new/.env; } 2>/dev/null; then echo read; else echo refused; fi\n"); err != nil {
		m.t.Fatal(err)
	}
}

func mountedIn(pid int, name string) bool {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/mountinfo")
	return strings.Contains(string(text), " "+name+" ")
}
