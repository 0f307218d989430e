package sandbox_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// standing is a program that is in a folder, and has it open in two ways, before what
// a pattern denies comes into it. It tries what it is told by names that are relative
// to each of the three.
type standing struct {
	*talk
}

// What it tries with a name: an answer is what it read, "done", or an errno.
const standingProgram = `$| = 1; my ($dir, %n) = @ARGV; $_ += 0 for values %n; my $buffer = "\0" x 4096;
my $read = syscall($n{openat}, -100, $dir, $n{O_DIRECTORY}); my $path = syscall($n{openat}, -100, $dir, $n{O_DIRECTORY} | $n{O_PATH});
chdir($dir) && $read >= 0 && $path >= 0 or die "$dir: $!"; print "ready\n"; my @at = my @first = (-100, $read, $path);
while (my $line = <STDIN>) { chomp $line; my ($do, $name, $other) = split / /, $line; my @said; $other = $name unless defined $other;
	if ($do eq "sh") { system("sh", "-c", substr($line, 3)); print "$?\n"; next }
	if ($do eq "all") { @at = @first; print "done\n"; next }
	if ($do eq "only") { # a folder that the cage comes upon is bound a moment later
		for (1 .. 10000) { last if (stat $name)[0] != (stat "$name/..")[0]; if (opendir(my $dir, $name)) { readdir $dir } select undef, undef, undef, 0.001 }
		my $fd = syscall($n{openat}, -100, $name, $n{O_DIRECTORY} | $n{O_PATH}); @at = ($fd);
		print $fd < 0 || (stat $name)[0] == (stat "$name/..")[0] ? "not bound" : "done", "\n"; next }
	for my $at (@at) { my $result = -1;
		if ($do eq "read" || $do eq "write") { my $fd = syscall($n{openat}, $at, $name, $do eq "read" ? 0 : 1);
			if ($fd >= 0) { my $got = syscall($n{read}, $fd, $buffer, 4096); push @said, $do eq "write" ? "opened" : "[" . substr($buffer, 0, $got < 0 ? 0 : $got) . "]"; syscall($n{close}, $fd); next } }
		$result = syscall($n{openat}, $at, $name, $n{O_CREAT} | 1, 0600) if $do eq "make";
		$result = syscall($n{openat}, -100, "/proc/self/" . ($at < 0 ? "cwd" : "fd/$at") . "/$name", $n{O_CREAT} | 1, 0600) if $do eq "makeby";
		$result = syscall($n{newfstatat}, $at, $name, $buffer, 0) if $do eq "stat";
		$result = syscall($n{linkat}, $at, $name, $at, $other, 0) if $do eq "link";
		$result = syscall($n{renameat}, $at, $name, $at, $other) if $do eq "rename";
		$result = syscall($n{unlinkat}, $at, $name, 0) if $do eq "unlink";
		$result = syscall($n{fchmodat}, $at, $name, 0700) if $do eq "open";
		push @said, $result < 0 ? $!+0 : "done" }
	print "@said\n" }`

func stand(t *testing.T, w *world, dir string) *standing {
	t.Helper()
	command := []string{"perl", "-e", standingProgram, w.path(dir)}
	for name, number := range map[string]int{
		"openat": unix.SYS_OPENAT, "read": unix.SYS_READ, "close": unix.SYS_CLOSE, "newfstatat": unix.SYS_NEWFSTATAT, "linkat": unix.SYS_LINKAT,
		"renameat": unix.SYS_RENAMEAT, "unlinkat": unix.SYS_UNLINKAT, "fchmodat": unix.SYS_FCHMODAT, "O_PATH": unix.O_PATH, "O_CREAT": unix.O_CREAT, "O_DIRECTORY": unix.O_DIRECTORY,
	} {
		command = append(command, name, fmt.Sprint(number))
	}
	s := &standing{talkTo(t, w.spec(command...), start)}
	if line := s.answer(); line != "ready" {
		t.Fatal(line)
	}
	return s
}

func (s *standing) try(format string, arguments ...any) string {
	s.t.Helper()
	return s.say(fmt.Sprintf(format, arguments...))
}

// refused tries all that reaches a file by a relative name.
func (s *standing) refused(name string) {
	s.t.Helper()
	for try, want := range map[string]unix.Errno{
		"read " + name: unix.EACCES, "write " + name: unix.EACCES, "stat " + name: unix.EACCES,
		"link " + name + " stolen": 0, "rename " + name + " stolen": 0, "rename mine " + name: 0, "unlink " + name: 0,
	} {
		answers := strings.Fields(s.try("%s", try))
		if len(answers) == 0 {
			s.t.Errorf("%s: no answer", try)
		}
		for _, answer := range answers {
			if want != 0 && answer != fmt.Sprint(int(want)) || !slices.Contains([]string{fmt.Sprint(int(unix.EACCES)), fmt.Sprint(int(unix.EBUSY)), fmt.Sprint(int(unix.EXDEV))}, answer) {
				s.t.Errorf("%s: %q", try, answers)
				break
			}
		}
	}
}

// perl runs a script in a cage.
func (w *world) perl(script string) result {
	w.t.Helper()
	_, wait := start(w.t, w.spec("perl", "-e", script))
	return wait()
}

// replace puts another file in the place of one, as editors do.
func (w *world) replace(name, content string) {
	w.t.Helper()
	w.write("other/new", content)
	if err := os.Rename(w.path("other/new"), w.path(name)); err != nil {
		w.t.Fatal(err)
	}
}

// A file that comes to match a denied pattern is closed as well to a program that was
// in a folder above it before, each time that it comes, and every try is told.
func TestPatternSeenFromInside(t *testing.T) {
	for name, dir := range map[string]string{"its own folder": "project/deep/er", "one above": "project/deep"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).allow("project")
			w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
			w.write(dir+"/mine", "mine")
			env := strings.TrimPrefix(strings.TrimPrefix("project/deep/er/.env", dir), "/")
			s := stand(t, w, dir)
			if got := s.try("read mine"); got != "[mine] [mine] [mine]" {
				t.Fatalf("before: %q", got)
			}
			w.write("project/deep/er/.env", "PASSWORD")
			s.warns("project/deep/er/.env came to match a denied pattern during the run; it is refused now, and may have been readable for a moment")
			s.refused(env)
			w.replace("project/deep/er/.env", "PASSWORD=2")
			s.warns("project/deep/er/.env is denied and was replaced from outside during the run; it is refused again")
			s.refused(env)
			if warned := strings.Join(s.process.Report().Warnings, "\n"); strings.Contains(warned, "until the run ends") {
				t.Errorf("too much was told: %q", warned)
			}
			if got := s.try("sh cat %s", w.path("project/deep/er/.env")); got == "0" {
				t.Error("it stays readable by its path")
			}
			if got := s.try("read mine"); got != "[mine] [mine] [mine]" {
				t.Errorf("beside it: %q", got)
			}
			res := s.end()
			for _, want := range []string{"path.read open ~/project/deep/er/.env", "path.write open ~/project/deep/er/.env"} {
				if !slices.Contains(w.brief(res.denials), want) {
					t.Errorf("no %q in %q", want, w.brief(res.denials))
				}
			}
			if w.read("project/deep/er/.env") != "PASSWORD=2" || w.exists(dir+"/stolen") {
				t.Errorf("it is %q", w.read("project/deep/er/.env"))
			}
		})
	}
}

func TestPatternSeenFromInsideAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestPatternSeenFromInside$|^TestFolderSeenFromInside$|^TestUnlistedSeenFromInside$|^TestPatternSeenAfterRename$|^TestFolderKeepsItsNameFromInside$|^TestFoldersKeptAreBounded$|^TestFolderThatCannotBeKeptEndsTheRun$|^TestPatternSeenFromTwoInside$")
}

// The same for a folder that comes, and for one in the allowed folder that gets a
// denied name: who is in the folder above does not get into it. Who is in that folder
// itself stays there, and the person is told.
func TestFolderSeenFromInside(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/secrets")
	w.write("project/deep/er/mine", "mine")
	w.write("other/secrets/key", "a key from elsewhere")
	s := stand(t, w, "project/deep/er")
	for i, from := range []string{"other/secrets", "project/deep/er/hidden"} {
		if i > 0 {
			if err := os.RemoveAll(w.path("project/deep/er/secrets")); err != nil {
				t.Fatal(err)
			}
			w.write("project/deep/er/hidden/key", "hidden")
			if got := s.try("read hidden/key"); got != "[hidden] [hidden] [hidden]" {
				t.Fatalf("before: %q", got)
			}
		}
		if err := os.Rename(w.path(from), w.path("project/deep/er/secrets")); err != nil {
			t.Fatal(err)
		}
		s.warns([]string{
			"project/deep/er/secrets came to match a denied pattern during the run; it is refused now, and may have been readable for a moment; a program that was in it before, or had it open, can read what is in it until the run ends",
			"project/deep/er/secrets is denied and was replaced from outside",
		}[i])
		s.refused("secrets/key")
		for _, try := range []string{"rename secrets other", "rename mine secrets/mine"} {
			if got := s.try("%s", try); strings.Contains(got, "done") {
				t.Errorf("%s: %q", try, got)
			}
		}
	}
	s.end()
}

// A folder that the cage's own programs have renamed while one was in it is closed
// like any other.
func TestPatternSeenAfterRename(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env") // the project is served, and deep is bound
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/*.key")
	if err := os.RemoveAll(w.path("project/deep/er/hidden")); err != nil {
		t.Fatal(err)
	}
	w.write("project/deep/er/mine", "mine")
	s := stand(t, w, "project/deep/er")
	if got := s.try("sh mv %s %s", w.path("project/deep"), w.path("project/moved")); got != "0" || !w.exists("project/moved/er/mine") {
		t.Fatalf("the folder was not renamed: %q", got)
	}
	w.write("project/moved/er/a.key", "PASSWORD")
	s.warns("project/moved/er/a.key came to match")
	s.refused("a.key")
	if got := s.try("open ../.."); strings.Contains(got, "done") {
		t.Errorf("it opens that: %q", got)
	}
	for _, name := range []string{"../..", "../../1", "../../..", "../../../" + strings.TrimPrefix(w.path("project"), "/")} {
		if got := s.try("read %s", name); got != "13 13 13" { // above it lies what else is kept
			t.Errorf("it gets to %s: %q", name, got)
		}
	}
	for _, try := range []string{"make", "makeby"} {
		if got := s.try("%s new.key", try); got != "13 13 13" || w.exists("project/moved/er/new.key") {
			t.Errorf("%s: a denied name was made: %q", try, got)
		}
	}
	if got := s.try("make new"); strings.Contains(got, "13") || !w.exists("project/moved/er/new") {
		t.Errorf("another was not: %q", got)
	}
	if got := s.try("read mine"); got != "[mine] [mine] [mine]" {
		t.Errorf("beside it: %q", got)
	}
	s.end()
}

// A file is covered in every folder that is kept and lies above it, whichever was
// kept first.
func TestPatternSeenFromTwoInside(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	s := stand(t, w, "project/deep")
	w.write("project/deep/.env", "PASSWORD")
	s.warns("project/deep/.env came to match")
	s.refused(".env")
	if got := s.try("only %s", w.path("project/deep/er")); got != "done" {
		t.Fatal(got)
	}
	w.write("project/deep/er/.env", "PASSWORD")
	s.warns("project/deep/er/.env came to match")
	s.refused(".env")
	s.try("all")
	s.refused("er/.env")
	s.refused(".env")
	s.end()
}

// What a pattern denies by the name of its folder stays denied: who was above that
// folder before does not give it another name.
func TestFolderKeepsItsNameFromInside(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/er/*.key")
	w.write("project/deep/beside/file", "file")
	s := stand(t, w, "project/deep")
	w.write("project/deep/er/a.key", "PASSWORD")
	s.warns("project/deep/er/a.key came to match")
	if got := s.try("rename er other"); got != "16 16 16" || w.exists("project/deep/other") {
		t.Errorf("the folder got another name: %q", got)
	}
	if got := s.try("rename beside other"); !strings.HasPrefix(got, "done ") || w.read("project/deep/other/file") != "file" {
		t.Errorf("one beside it got none: %q", got)
	}
	s.end()
}

// A folder that nobody can list is the gate's to who is in the one above, too: what it
// holds is refused by its name. One that can be listed no more is watched all the same.
func TestUnlistedSeenFromInside(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	w.write("other/closed/file", "file")
	w.write("other/closed/.env", "PASSWORD")
	w.write("project/deep/er/mine", "mine")
	s := stand(t, w, "project/deep/er")
	if err := os.Chmod(w.path("other/closed"), 0o300); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.path("other/closed"), w.path("project/deep/er/closed")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(w.path("project/deep/er/closed"), 0o700) })
	if os.Getuid() == 0 { // who lists it, and sees
		s.warns("project/deep/er/closed/.env came to match")
	} else {
		s.warns("project/deep/er/closed can be neither listed nor watched")
	}
	s.refused("closed/.env")
	w.replace("project/deep/er/closed/.env", "PASSWORD=2")
	if os.Getuid() == 0 {
		s.warns("project/deep/er/closed/.env is denied and was replaced from outside")
	}
	s.refused("closed/.env")
	if got := s.try("read closed/file"); got != "[file] [file] [file]" {
		t.Errorf("beside it: %q", got)
	}
	if err := os.Chmod(w.path("project/deep/er"), 0o300); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(w.path("project/deep/er"), 0o700) })
	w.write("project/deep/er/.env", "PASSWORD=3")
	s.warns("project/deep/er/.env came to match")
	s.refused(".env")
	s.end()
}

// What a program holds open is no way to have folders let go of that can be covered no
// more: past a bound they are not given back, and their names stay. It is no bound for
// who leaves them again.
func TestFoldersKeptAreBounded(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env")
	res := w.perl(`chdir "$ENV{HOME}/project"; my @open; my $list = sub { opendir(my $dir, shift) or die $!; my @names = readdir $dir; $dir };
		my $gate = (stat ".")[0]; my $native = sub { for (1 .. 10000) { return if (stat $_[0])[0] != $gate; $list->($_[0]); select undef, undef, undef, 0.001 } die "not native" };
		for my $keep (1, 0) { my ($done, $busy) = (0, 0); @open = ();
			for my $i (1 .. 300) { mkdir "d$keep-$i" or die $!; $native->("d$keep-$i"); push @open, $list->("d$keep-$i"); @open = () unless $keep;
				if (rename "d$keep-$i", "e$keep-$i") { $done++ } elsif ($!{EBUSY}) { $busy++ } else { die $! } }
			print "$done renamed, $busy busy\n" }`)
	if res.out != "256 renamed, 44 busy\n300 renamed, 0 busy\n" || res.status.Code != 0 {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}

// Nor is it a way to keep open what comes to be denied: where it cannot be closed, the
// run ends, and says why.
func TestFolderThatCannotBeKeptEndsTheRun(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	if err := os.RemoveAll(w.path("project/.env")); err != nil {
		t.Fatal(err)
	}
	k := talkTo(t, w.spec("perl", "-e", `$| = 1; chdir "$ENV{HOME}/project"; my @open; my $gate = (stat ".")[0];
		my $list = sub { opendir(my $dir, shift) or die $!; my @names = readdir $dir; $dir };
		my $native = sub { for (1 .. 10000) { return if (stat $_[0])[0] != $gate; $list->($_[0]); select undef, undef, undef, 0.001 } die "not native" };
		my $hold = sub { mkdir $_[0] or die $!; $native->($_[0]); push @open, $list->($_[0]) };
		for my $i (1 .. 300) { $hold->("d$i"); next if rename "d$i", "e$i"; print $i, "\n"; last } # the last is open, and not kept
		while (<STDIN>) { print "still here\n" }`), start)
	if got := k.answer(); got != "257" {
		t.Fatalf("the first that was not given back: %q", got)
	}
	if got := k.say("go on"); got != "still here" {
		t.Fatal(got)
	}
	w.write("project/d257/.env", "PASSWORD")
	k.isEnded("close " + w.path("project/d257") + "/.env: too many folders are closed with programs inside them")
}
