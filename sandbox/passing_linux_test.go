package sandbox_test

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"openclaw/sandbox"
)

// What another program removes or replaces in an allowed folder while a cage is made
// keeps no command from running. It is in the cage what it is on the host, then and
// later, and opens nothing.
func TestFoldersGoWhileACageIsMade(t *testing.T) {
	w := newWorld(t).allow("project").allowRead("reference").allowRead("project/named").deny("project/.env", "reference/secret")
	for _, name := range []string{"project/a file", "project/a link", "project/another", "project/gone", "project/named", "project/stays", "reference/gone"} {
		w.write(name+"/inside", "before")
	}
	do := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	happens := func() {
		for _, name := range []string{"project/a file", "project/a link", "project/another", "project/gone", "project/named", "reference/gone"} {
			do(os.RemoveAll(w.path(name)))
		}
		w.write("project/a file", "a file now")
		do(os.Symlink(w.path(".ssh"), w.path("project/a link")))
		w.write("project/another/inside", "another")
	}
	k := talkTo(t, w.spec("sh"), func(tb testing.TB, spec sandbox.Spec) (*sandbox.Process, func() result) {
		tb.Helper()
		var res result
		spec.Denied = func(d sandbox.Denial) { res.denials = append(res.denials, d) }
		cage, err := sandbox.New(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		process, err := cage.StartBetween(tb.Context(), spec, happens)
		if err != nil {
			tb.Fatal(err)
		}
		return process, func() result {
			status, err := process.Wait()
			if err != nil {
				tb.Error(err)
			}
			res.status = status
			return res
		}
	})
	for script, want := range map[string]string{
		`cd ~/project; cat "a file" another/inside stays/inside; ls; cat gone/inside`: "a file nowanotherbeforea file a link another deep main.go secret stays cat: gone/inside: No such file or directory",
		`cd ~/reference; ls; cat gone/inside`:                                         "cat: gone/inside: No such file or directory",
		`cat ~/project/.env`:                                                          "cat: " + w.path("project/.env") + ": Permission denied",
		`cat "$HOME/project/a link/id_ed25519"`:                                       "cat: '" + w.path("project/a link/id_ed25519") + "': Permission denied",
		`touch ~/reference/new`:                                                       "touch: cannot touch '" + w.path("reference/new") + "': Permission denied",
	} {
		if got := k.run(script); got != want {
			t.Errorf("%s: %q", script, got)
		}
	}
	for _, name := range []string{"project/gone", "reference/gone"} {
		w.write(name+"/inside", "later")
	}
	if got := k.run(`cat ~/project/gone/inside ~/reference/gone/inside; echo x > ~/reference/gone/inside; mkdir ~/reference/gone/new; echo y > ~/project/gone/new; cat ~/project/gone/new`); strings.Count(got, "denied") != 2 || !strings.HasPrefix(got, "laterlater") || !strings.HasSuffix(got, " y") {
		t.Errorf("what came later: %q", got)
	}
	for _, name := range []string{"project", "reference"} { // and is bound, as whatever the cage comes upon
		if got := k.run(`cd ~/` + name + `; for i in $(seq 1000); do ls gone >/dev/null; [ "$(stat -c %d gone)" = "$(stat -c %d .)" ] || { echo bound; break; }; sleep 0.02; done`); got != "bound" {
			t.Errorf("%s: what came later is never bound", name)
		}
	}
	if res := k.end(); res.status.Code != 0 || len(res.denials) == 0 {
		t.Errorf("%+v", res)
	}
}

// The same with another program that never rests: each start succeeds.
func TestCagesBesideAProgramThatMakesFolders(t *testing.T) {
	for _, pattern := range []string{"~/project/.env", "**/.env"} {
		t.Run(pattern, func(t *testing.T) {
			w := newWorld(t).allow("project").allowRead("reference").deny("reference/secret/none")
			w.perms.DeniedPaths = append(w.perms.DeniedPaths, pattern)
			w.write("reference/stays/inside", "before")
			over := make(chan struct{})
			var others sync.WaitGroup
			for i := range 2 {
				others.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-over:
							return
						default:
							passing(w.path("project/passing-"+strconv.Itoa(i)), n)
							passing(w.path("reference/passing-"+strconv.Itoa(i)), n)
						}
					}
				})
			}
			defer others.Wait()
			defer close(over)
			for range 12 {
				if res := w.sh(`cat ~/project/main.go ~/reference/stays/inside`); res.out != "package mainbefore" {
					t.Fatalf("%+v", res)
				}
			}
		})
	}
}

// passing makes one of a few folders, with others and a denied file in it, or removes
// or renames it: whatever of that is there.
func passing(name string, n int) {
	name += "-" + strconv.Itoa(n%8)
	if os.Mkdir(name, 0o700) == nil {
		_ = os.MkdirAll(name+"/deep/er", 0o700)
		_ = os.WriteFile(name+"/.env", nil, 0o600)
		return
	}
	if n%3 == 0 {
		_ = os.Rename(name, name+"-moved")
	}
	_ = os.RemoveAll(name)
	_ = os.RemoveAll(name + "-moved")
}
