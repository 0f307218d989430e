package sandbox_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox"
)

// limitedWorlds runs a test in a world whose files have a limit, in a cage whose files are bound natively,
// served by the gate, or held by Landlock.
func limitedWorlds(t *testing.T, limit int64, test func(w *world)) {
	t.Helper()
	kinds := map[string]func(w *world) *world{
		"native":  func(w *world) *world { return w.allow("project") },
		"served":  func(w *world) *world { return w.allow("project").deny("project/.env") },
		"reduced": func(w *world) *world { return w.reduced().allow("project") },
	}
	for kind, make := range kinds {
		t.Run(kind, func(t *testing.T) {
			w := make(newWorld(t))
			w.perms.MaxFileSize = &limit
			test(w)
		})
	}
}

// told is the refusals for their size: class, operation and target, each of a program
// and a line of the config.
func (w *world) toldOfSize(list []sandbox.Denial) []string {
	w.t.Helper()
	for _, d := range list {
		if d.PID == 0 || d.Program == "" || d.Rule != "max_file_size" || d.Origin.Key == "" {
			w.t.Errorf("%+v", d)
		}
	}
	got := w.brief(list)
	slices.Sort(got)
	return got
}

// Each refusal for max_file_size names its file: what a call says itself, what ended a
// program by SIGXFSZ, and what was cut for a program that ignores the signal, which
// is told as a file that has reached the limit.
func TestLimitNamesTheFile(t *testing.T) {
	limitedWorlds(t, 4096, func(w *world) {
		w.write("project/log", strings.Repeat("x", 4096))
		res := w.sh(`cd ~/project
			dd if=/dev/zero of=killed bs=3000 count=3 status=none
			dd if=/dev/zero of=far bs=1 count=1 seek=1000000 conv=notrunc status=none
			perl -e 'open F, ">", "either"; open G, ">", "or"; sysseek G, 9999, 0; syswrite G, "x"'
			truncate -s 4097 sparse
			perl -e 'truncate "named", 4097' > named
			fallocate -l 4097 allocated
			(trap '' XFSZ
			dd if=/dev/zero of=ignored bs=3000 count=3 status=none
			perl -e 'open F, ">", "removed"; syswrite F, "x" x 5000; unlink "removed"'
			perl -e 'open F, ">", "emptied"; syswrite F, "x" x 5000; open F, ">", "emptied"'
			perl -e 'open F, ">", "moved"; syswrite F, "x" x 5000; rename "moved", "there"'
			mkdir many; perl -e 'open F, ">", "forgotten"; syswrite F, "x" x 5000; for (1..1100) { open G, ">", "many/$_" }'
			perl -e 'if (fork) { wait } else { open F, ">", "forked"; syswrite F, "x" x 5000 }'
			exec 3> inherited; head -c 5000 /dev/zero >&3; exec 3>&-
			echo more >> log
			head -c 5000 /dev/zero > "${TMPDIR:-/tmp}/temporary")
			head -c 4095 /dev/zero > small; truncate -s 4096 small; head -c 10 log > smaller; echo done`)
		want := []string{
			"path.write write (a file that it had open: the kernel does not say which)",
			"path.write allocate ~/project/allocated", "path.write outgrow ~/project/emptied", "path.write outgrow ~/project/forgotten", "path.write outgrow ~/project/forked", "path.write outgrow ~/project/ignored",
			"path.write outgrow ~/project/inherited", "path.write outgrow ~/project/log", "path.write outgrow ~/project/moved",
			"path.write outgrow ~/project/removed", "path.write outgrow ~/project/small", "path.write truncate ~/project/named",
			"path.write truncate ~/project/sparse", "path.write write ~/project/far", "path.write write ~/project/killed",
		}
		if !sandbox.ExitsAreRead() { // of who was ended by SIGXFSZ nobody hears, but of the file that is full
			want = slices.DeleteFunc(want, func(line string) bool { return strings.HasPrefix(line, "path.write write ") })
			want = append(want, "path.write outgrow ~/project/killed")
		}
		got := w.toldOfSize(res.denials)
		got = slices.DeleteFunc(got, func(line string) bool { // the cage's own folder, wherever it is
			return strings.HasPrefix(line, "path.write outgrow") && strings.HasSuffix(line, "/temporary")
		})
		slices.Sort(want)
		if !slices.Equal(got, want) || len(got) != len(res.denials)-1 || res.out != "done\n" {
			w.t.Errorf("told\n%s\nnot\n%s\nout %q, err %q", strings.Join(got, "\n"), strings.Join(want, "\n"), res.out, res.err)
		}
	})
}

// A file is told of while the program that writes it goes on, and what stays smaller, or
// was as large before, is never told of.
func TestLimitIsToldWhileItRuns(t *testing.T) {
	limitedWorlds(t, 4096, func(w *world) {
		w.write("project/large", strings.Repeat("x", 9000))
		spec := w.spec("perl", "-e", `$SIG{XFSZ} = "IGNORE"; chdir "$ENV{HOME}/project"; open S, ">", "small"; syswrite S, "x" x 4095;
			open L, "+<", "large"; syswrite L, "y"; open F, ">", "full"; for (1..10) { syswrite F, "x" x 1000 } <STDIN>`)
		in, tell, err := os.Pipe()
		if err != nil {
			w.t.Fatal(err)
		}
		first := make(chan sandbox.Denial, 64)
		spec.Denied = func(d sandbox.Denial) { first <- d }
		spec.Stdin = in
		_, wait := start(w.t, spec)
		_ = in.Close()
		d := <-first
		_ = tell.Close()
		wait()
		close(first)
		if got := w.toldOfSize([]sandbox.Denial{d}); got[0] != "path.write outgrow ~/project/full" || !strings.HasSuffix(d.Program, "perl") {
			w.t.Errorf("%+v", d)
		}
		for d := range first {
			w.t.Errorf("also told: %+v", d)
		}
	})
}

// What is too large already may be made smaller, and nothing of that is told. (The gate
// refuses it, and tells: it would do it itself, where the kernel's limit does not hold.)
func TestLimitLetsALargeFileShrink(t *testing.T) {
	limitedWorlds(t, 4096, func(w *world) {
		if len(w.perms.DeniedPaths) > 0 {
			return
		}
		w.write("project/large", strings.Repeat("x", 9000))
		res := w.sh(`cd ~/project; fallocate -l 8000 large && perl -e 'open F, "+<", "large"; truncate F, 6000 or die' && perl -e 'truncate "large", 5000 or die'`)
		if len(res.denials) > 0 || len(w.read("project/large")) != 5000 {
			w.t.Errorf("%d bytes, err %q, denials %+v", len(w.read("project/large")), res.err, res.denials)
		}
	})
}
