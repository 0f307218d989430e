package escape_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// answers is a person who says yes to what ends in a name, as often as told.
type answers struct {
	to    string
	times atomic.Int64
}

func (a *answers) Ask(_ context.Context, asked sandbox.Denial) (bool, error) {
	return strings.HasSuffix(asked.Target, a.to) && a.times.Add(-1) >= 0, nil
}

// asking makes what lies outside a question, and says yes to one thing.
func asking(to string, times int64) func(*world) {
	return func(w *world) {
		w.perms.Ask = []policy.Class{policy.ClassPathRead, policy.ClassPathWrite}
		w.write("other/public.txt", "public")
		person := &answers{to: to}
		person.times.Store(times)
		w.spec = func(s *sandbox.Spec) { s.Asker = person }
	}
}

// askAttempts make more of a yes than was said.
func askAttempts() []try {
	public := asking("other/public.txt", 100)
	return []try{
		{name: "ask: another file after a yes", prepare: public, run: func(p place) error {
			_, _ = os.ReadFile(p.path("other/public.txt"))
			return reads(p.path("other/notes.txt"))
		}},
		{name: "ask: names beside a file with a yes", prepare: public, run: func(p place) error {
			_, _ = os.ReadFile(p.path("other/public.txt"))
			_, err := os.ReadDir(p.path("other"))
			return err
		}},
		{name: "ask: write after a yes to read", prepare: func(w *world) {
			public(w)
			w.perms.Ask = []policy.Class{policy.ClassPathRead}
		}, check: func(w *world) error {
			text, err := os.ReadFile(w.path("other/public.txt"))
			if err == nil && string(text) == "public" {
				err = errors.New("unchanged")
			}
			return err
		}, run: func(p place) error {
			fd, err := open(p.path("other/public.txt"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			again, err := open(fdPath(fd), unix.O_WRONLY|unix.O_TRUNC)
			if err != nil {
				return err
			}
			_, err = unix.Write(again, []byte("x"))
			return err
		}},
		{name: "ask: a file put in the place of one with a yes", prepare: public, run: func(p place) error {
			_, _ = os.ReadFile(p.path("other/public.txt"))
			return first(func() error { return os.Rename(p.path("other/notes.txt"), p.path("other/public.txt")) },
				func() error { return reads(p.path("other/public.txt")) })
		}},
		{name: "ask: once more after the yes is over", prepare: asking("other/notes.txt", 1), run: func(p place) error {
			_, _ = os.ReadFile(p.path("other/notes.txt"))
			time.Sleep(2500 * time.Millisecond)
			return reads(p.path("other/notes.txt"))
		}},
		{name: "ask: another process after a yes", prepare: asking("other/notes.txt", 1), run: func(p place) error {
			if err := reads(p.path("other/notes.txt")); err != nil {
				return err
			}
			return exec.Command("cat", p.path("other/notes.txt")).Run()
		}},
		{name: "ask: another process looks while it is open", reduced: "attributes of what is closed may be looked at", prepare: asking("other/notes.txt", 1), run: func(p place) error {
			fd, err := open(p.path("other/notes.txt"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			defer func() { _ = unix.Close(fd) }()
			return exec.Command("stat", p.path("other/notes.txt")).Run()
		}},
		{name: "ask: keys when everything is answered with yes", prepare: asking("", 1000), run: func(p place) error { return reads(p.path(".ssh/id_ed25519")) }},
		{name: "ask: denied when everything is answered with yes", denied: true, prepare: asking("", 1000), run: func(p place) error { return reads(p.path("project/secret/key")) }},
		{name: "ask: nobody answers", prepare: func(w *world) {
			w.perms.Ask = []policy.Class{policy.ClassPathRead}
			limit := policy.Duration(200 * time.Millisecond)
			w.perms.AskTimeout = &limit
			w.spec = func(s *sandbox.Spec) { s.Asker = silent{} }
		}, run: func(p place) error { return reads(p.path("other/notes.txt")) }},
		{name: "ask: many at once, and nobody answers", prepare: func(w *world) {
			w.perms.Ask = []policy.Class{policy.ClassPathRead}
			limit := policy.Duration(500 * time.Millisecond)
			w.perms.AskTimeout = &limit
			w.spec = func(s *sandbox.Spec) { s.Asker = silent{} }
		}, run: func(p place) error {
			results := make(chan error)
			for range 64 {
				go func() { results <- reads(p.path("other/notes.txt")) }()
			}
			var last error
			for range 64 {
				if last = <-results; last == nil {
					return nil
				}
			}
			return last
		}},
	}
}

// silent is a person who is away.
type silent struct{}

func (silent) Ask(ctx context.Context, _ sandbox.Denial) (bool, error) {
	<-ctx.Done()
	return true, nil // even what is said too late
}
