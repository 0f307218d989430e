package configs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func openTest(t *testing.T, text string) (*Store, string) {
	t.Helper()
	options := testOptions(t)
	if text != "" {
		writeConfig(t, options, text)
	}
	store, err := OpenStore(options.Layout, options)
	if err != nil {
		t.Fatal(err)
	}
	return store, options.Layout.Config()
}

// run starts the watch and gives the channel of statuses.
func run(t *testing.T, store *Store) <-chan Status {
	t.Helper()
	statuses := make(chan Status, 100)
	store.Subscribe(Subscriber{Name: "test", Changed: func(s Status) { statuses <- s }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return statuses
}

// next waits for the status that is wanted. The limit is generous because other
// tests share the machine; the promise of a second is measured elsewhere.
func next(t *testing.T, statuses <-chan Status, want func(Status) bool) Status {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case s := <-statuses:
			if want(s) {
				return s
			}
		case <-limit:
			t.Fatal("the status never came")
		}
	}
}

// TestFirstRun: the first start writes a config that nobody else can read, and
// the second leaves it alone.
func TestFirstRun(t *testing.T) {
	store, path := openTest(t, "")
	info, err := os.Stat(path)
	if err != nil || modesMatter && info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	if root, _ := os.Stat(filepath.Dir(path)); modesMatter && root.Mode().Perm() != 0o700 {
		t.Errorf("state folder has mode %v", root.Mode())
	}
	if s := store.Status(); s.Version != 1 || s.Rejected || len(s.Problems) > 0 || s.History[0].By != "start" {
		t.Errorf("%+v", s)
	}
	const mine = "# mine\n"
	must(t, os.WriteFile(path, []byte(mine), 0o600))
	options := testOptions(t)
	if _, err := OpenStore(Layout{Root: filepath.Dir(path)}, options); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != mine {
		t.Errorf("the file was overwritten:\n%s", got)
	}
}

// TestFirstRunsAtOnce: two first starts at the same moment write one whole file.
func TestFirstRunsAtOnce(t *testing.T) {
	options := testOptions(t)
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		group.Go(func() { _, errs[i] = OpenStore(options.Layout, options) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(options.Layout.Config()); string(got) != string(DefaultFile()) {
		t.Errorf("got\n%s", got)
	}
	entries, _ := filepath.Glob(filepath.Join(options.Layout.Root, ".*tmp"))
	if len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// TestStartFails: a start with a bad config says everything that is wrong and
// keeps no copy of the file.
func TestStartFails(t *testing.T) {
	options := testOptions(t)
	writeConfig(t, options, "gateway:\n  prot: 1\nloging: {}\n")
	_, err := OpenStore(options.Layout, options)
	wantProblems(t, err, "2:3: gateway.prot", "3:1: loging")
}

// TestReloadByEveryEditor: however an editor saves, the change is noticed, a
// broken one is rejected with line and column while the old config stays, and a
// mended one is taken.
func TestReloadByEveryEditor(t *testing.T) {
	editors := map[string]func(t *testing.T, path, text string){
		"writes in place": func(t *testing.T, path, text string) {
			t.Helper()
			must(t, os.WriteFile(path, []byte(text), 0o600))
		},
		"replaces by rename": func(t *testing.T, path, text string) {
			t.Helper()
			must(t, os.WriteFile(path+"~", []byte(text), 0o600))
			must(t, os.Rename(path+"~", path))
		},
		"moves away, then writes": func(t *testing.T, path, text string) {
			t.Helper()
			must(t, os.Rename(path, path+".bak"))
			must(t, os.WriteFile(path, []byte(text), 0o600))
		},
		"empties, waits, writes": func(t *testing.T, path, text string) {
			t.Helper()
			must(t, os.WriteFile(path, nil, 0o600))
			time.Sleep(2 * debounce)
			must(t, os.WriteFile(path, []byte(text), 0o600))
		},
	}
	for name, save := range editors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, path := openTest(t, "agents: {a: {}}\nlogging:\n  level: info\n")
			statuses := run(t, store)

			save(t, path, "agents: {a: {}}\nlogging:\n  level: inf\n")
			bad := next(t, statuses, func(s Status) bool { return s.Rejected && strings.Contains(fmt.Sprint(s.Problems), "did you mean") })
			if p := bad.Problems[0]; p.Line != 3 || p.Column != 10 || p.Key != "logging.level" {
				t.Errorf("problem %+v", p)
			}
			if diff := strings.Join(bad.Diff, "\n"); !strings.Contains(diff, "+  level: inf") {
				t.Errorf("diff %s", diff)
			}
			if c := store.Current(); c.Version != 1 || c.Config.Logging.Level != "info" || len(c.Config.Agents) != 1 {
				t.Errorf("the active config changed: %+v", c.Config)
			}

			save(t, path, "agents: {a: {}}\nlogging:\n  level: debug\n")
			good := next(t, statuses, func(s Status) bool { return s.Version == 2 })
			if good.Rejected || strings.Join(good.Changes, ";") != "logging.level info → debug" || good.History[0].By != "file watch" || len(good.History) != 2 {
				t.Errorf("status %+v", good)
			}
			if store.Current().Config.Logging.Level != "debug" {
				t.Error("the new config is not active")
			}
		})
	}
}

// TestFileGone: a config that is deleted, or whose mode opens a secret to
// others, is reported, and the active one stays until the file is good again.
func TestFileGone(t *testing.T) {
	const text = "providers:\n  openai:\n    api_key: sk-proj-0123456789\n"
	store, path := openTest(t, text)
	statuses := run(t, store)
	must(t, os.Remove(path))
	next(t, statuses, func(s Status) bool { return s.Rejected && strings.Contains(s.Problems[0].Message, "is gone") })
	must(t, os.WriteFile(path, []byte(text), 0o600))
	next(t, statuses, func(s Status) bool { return !s.Rejected && s.Version == 1 })
	if !modesMatter {
		return
	}
	must(t, os.Chmod(path, 0o644))
	next(t, statuses, func(s Status) bool { return s.Rejected && strings.Contains(s.Problems[0].Message, "open to others") })
	must(t, os.Chmod(path, 0o600))
	s := next(t, statuses, func(s Status) bool { return !s.Rejected })
	if s.Version != 1 || strings.Contains(fmt.Sprintf("%+v", s), "sk-proj") {
		t.Errorf("status %+v", s)
	}
}

// TestSubscribers: every Check is asked before the swap, one veto keeps the old
// config for all, and Apply sees the swap done, in order.
func TestSubscribers(t *testing.T) {
	store, path := openTest(t, "logging: {level: info}\n")
	var calls []string
	veto := errors.New("port 1 is taken")
	for _, name := range []string{"one", "two"} {
		store.Subscribe(Subscriber{
			Name: name,
			Check: func(before, after *Snapshot) error {
				calls = append(calls, fmt.Sprintf("check %s %d active %d", name, before.Version, store.Current().Version))
				if name == "two" && after.Config.Gateway.Port == 1 {
					return veto
				}
				return nil
			},
			Apply: func(before, after *Snapshot) {
				calls = append(calls, fmt.Sprintf("apply %s %d→%d active %d", name, before.Version, after.Version, store.Current().Version))
			},
			Changed: func(s Status) { calls = append(calls, fmt.Sprintf("changed %s rejected %v", name, s.Rejected)) },
		})
	}
	cancel := store.Subscribe(Subscriber{Name: "gone", Check: func(_, _ *Snapshot) error { return veto }})
	cancel()

	must(t, os.WriteFile(path, []byte("gateway: {port: 1}\n"), 0o600))
	err := store.Reload("reload")
	wantProblemsOf(t, err, "two refuses it: port 1 is taken")
	must(t, os.WriteFile(path, []byte("gateway: {port: 2}\n"), 0o600))
	must(t, store.Reload("reload"))
	must(t, store.Reload("reload")) // the same file: nobody is called
	must(t, store.Edit(func(d *Document) error { return d.Set("gateway.port", 3) }))
	want := []string{
		"check one 1 active 1", "check two 1 active 1", "changed one rejected true", "changed two rejected true",
		"check one 1 active 1", "check two 1 active 1", "apply one 1→2 active 2", "apply two 1→2 active 2", "changed one rejected false", "changed two rejected false",
		"check one 2 active 2", "check two 2 active 2", "apply one 2→3 active 3", "apply two 2→3 active 3", "changed one rejected false", "changed two rejected false",
	}
	if got := strings.Join(calls, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("calls\n%s", got)
	}
	if h := store.Status().History; len(h) != 3 || h[0].By != "edit" || h[1].By != "reload" {
		t.Errorf("history %+v", h)
	}
}

func wantProblemsOf(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error %v", err)
	}
}

// TestConcurrentUse: readers, reloads and edits at once lose no edit and never
// show a config that was not on disk.
func TestConcurrentUse(t *testing.T) {
	store, _ := openTest(t, "agents:\n  a:\n    env: []\n")
	run(t, store)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 5 {
				name := fmt.Sprintf("V%d_%d", i, j)
				for {
					err := store.Edit(func(d *Document) error { return d.Append("agents.a.env", name) })
					if !errors.Is(err, ErrChanged) {
						if err != nil {
							t.Error(err)
						}
						break
					}
				}
			}
		})
		group.Go(func() {
			for range 50 {
				if s := store.Current(); s.Version < 1 || len(store.Status().History) == 0 {
					t.Error("half a status")
				}
				_ = store.Reload("reload")
			}
		})
	}
	group.Wait()
	if got := len(store.Current().Config.Agents["a"].Env); got != 20 {
		t.Errorf("%d of 20 edits are there", got)
	}
}

// Who subscribes after having worked by a snapshot misses no change that came since, and
// may refuse it as any other.
func TestASubscriberMissesNoChange(t *testing.T) {
	store, _ := openTest(t, "gateway: {port: 18790}\n")
	known := store.Current()
	var applied []int
	subscriber := func(veto error) Subscriber {
		return Subscriber{
			Name:  "late",
			Check: func(_, _ *Snapshot) error { return veto },
			Apply: func(before, after *Snapshot) {
				applied = append(applied, before.Config.Gateway.Port, after.Config.Gateway.Port)
			},
		}
	}
	if _, err := store.SubscribeSince(known, subscriber(errors.New("never asked"))); err != nil || len(applied) != 0 {
		t.Fatal("nothing has changed:", err, applied)
	}
	store, path := openTest(t, "gateway: {port: 18790}\n")
	known = store.Current()
	if err := os.WriteFile(path, []byte("gateway: {port: 18791}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Reload("reload"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.SubscribeSince(known, subscriber(errors.New("no such port"))); err == nil || !strings.Contains(err.Error(), "no such port") || len(applied) != 0 {
		t.Fatal(err, applied)
	}
	if _, err := store.SubscribeSince(known, subscriber(nil)); err != nil || fmt.Sprint(applied) != "[18790 18791]" {
		t.Fatal(err, applied)
	}
	if err := os.WriteFile(path, []byte("gateway: {port: 18792}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Reload("reload"); err != nil || fmt.Sprint(applied) != "[18790 18791 18791 18792]" {
		t.Fatal(err, applied)
	}
}
