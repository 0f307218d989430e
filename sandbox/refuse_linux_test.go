package sandbox_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox"
)

// What the policy does not open fails with the right error, at once, and is
// seen exactly once, with who did it.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, script, says string
		denials            []string
	}{
		{"read a key", `cat ~/.ssh/id_ed25519`, "Permission denied", []string{"path.read open ~/.ssh/id_ed25519"}},
		{"read what is not there", `cat ~/.nothing ~/other/nothing`, "No such file", nil},
		{"create", `echo hi > ~/notes.txt`, "Permission denied", []string{"path.write create ~/notes.txt"}},
		{"create below a refused folder", `echo hi > ~/other/new`, "Permission denied", []string{"path.write create ~/other/new"}},
		{"overwrite", `echo hi > ~/.bashrc`, "Permission denied", []string{"path.write open ~/.bashrc"}},
		{"append", `echo hi >> ~/.bashrc`, "Permission denied", []string{"path.write open ~/.bashrc"}},
		{"list a refused folder", `ls ~/other`, "Permission denied", []string{"path.read stat ~/other"}},
		{"enter a refused folder", `cd ~/other`, "", []string{"path.read access ~/other"}},
		{"make a folder", `mkdir ~/new`, "Permission denied", []string{"path.write mkdir ~/new"}},
		// What is there and may not be looked at is no reason for a program to go on.
		{"make a folder that is there", `mkdir -p ~/other/new`, "Permission denied", []string{"path.write mkdir ~/other", "path.read access ~/other"}},
		{"make a folder that is closed", `mkdir ~/other`, "Permission denied", []string{"path.write mkdir ~/other"}},
		{"make a link that is there", `perl -e 'symlink("x", "$ENV{HOME}/.bashrc") or die "$!\n"'`, "Permission denied", []string{"path.write symlink ~/.bashrc"}},
		{"link to a name that is there", `: > x; perl -e 'link("x", "$ENV{HOME}/.bashrc") or die "$!\n"'`, "Permission denied", []string{"path.write link ~/.bashrc"}},
		{"take a lock that is there", `perl -MFcntl -e 'sysopen(F, "$ENV{HOME}/.bashrc", O_CREAT|O_EXCL|O_WRONLY) or die "$!\n"'`, "Permission denied", []string{"path.write create ~/.bashrc"}},
		{"make a folder on the way", `mkdir ~`, "File exists", nil},
		{"remove", `rm -f ~/.bashrc`, "Permission denied", []string{"path.write unlink ~/.bashrc"}},
		{"system folder", `touch /usr/lib/new`, "Permission denied", []string{"path.write create /usr/lib/new"}},
		{"system file", `echo x >> /etc/hosts`, "Permission denied", []string{"path.write open /etc/hosts"}},
		{"remove a system file", `rm -f /etc/hosts`, "", []string{"path.write unlink /etc/hosts"}},
		{"system program", `mount`, "ermission denied", []string{"exec execve /usr/bin/mount"}},
		{"system program by another name", `ln -s /usr/bin/mount x; ./x`, "ermission denied", []string{"exec execve /usr/bin/mount"}},
		{"account database", `cat /etc/shadow`, "Permission denied", []string{"path.read open /etc/shadow"}},
		{"run a refused program", `~/other/tool`, "ermission denied", []string{"exec execve ~/other/tool"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("other/tool", "#!/bin/sh\necho ran\n")
			if err := os.Chmod(w.path("other/tool"), 0o700); err != nil {
				t.Fatal(err)
			}
			res := w.sh(c.script)
			if !strings.Contains(res.err, c.says) || res.out != "" || res.status.Code == 0 {
				t.Errorf("out %q, err %q, status %+v; want %q", res.out, res.err, res.status, c.says)
			}
			got := w.brief(res.denials)
			if !slices.Equal(got, c.denials) {
				t.Errorf("denials %q, want %q", got, c.denials)
			}
			for _, d := range res.denials {
				if d.PID <= 1 || d.Program == "" || d.Agent != "coder" || d.Run != "run-1" || d.Rule == "" || d.Count != 1 || d.Time.IsZero() {
					t.Errorf("incomplete denial %+v", d)
				}
			}
			if w.read(".bashrc") != "alias ll='ls -l'" || w.exists("notes.txt") || w.exists("new") || w.exists("other/new") {
				t.Error("the home changed")
			}
		})
	}
}

// No file or folder gets a set-uid or set-gid bit, and who tries is told of, with the
// reason: git init --shared and cp -a of such a folder say no more than "not permitted".
func TestSetIDBitsAreRefusedAndTold(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		res := w.sh(`: > x; mkdir d; chmod 4755 x; chmod g+s d; chmod 755 x d; stat -c %a x d`)
		if res.out != "755\n755\n" || strings.Count(res.err, "not permitted") != 2 {
			t.Errorf("%+v", res)
		}
		for _, name := range []string{"x", "d"} {
			if !slices.ContainsFunc(res.denials, func(d sandbox.Denial) bool {
				return d.Target == w.path(".openclaw/agents/coder/"+name) && d.Operation == "chmod" && strings.Contains(d.Rule, "set-user-ID")
			}) {
				t.Errorf("nothing is told of %s: %+v", name, res.denials)
			}
		}
	})
}

func TestRefusedAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^(TestRefused|TestSetIDBitsAreRefusedAndTold|TestBarredCallsAreTold|TestAskedInPassingIsNotTold|TestBarredCallsAreCounted|TestReducedSocketsAreTold|TestAllowed|TestDeniedInside|TestDeniedNotThereYet|TestDeniedPattern|TestAncestorStays|TestTricks|TestEnvironment|TestStatus|TestSignal|TestSelfTest|TestProbe|TestUpdate|TestOddNames|TestSupervisorKilled|TestNetworkClosed|TestLimit|TestAsk|TestDeniedReplacedOutside|TestDeniedAncestorReplacedOutside)$")
}

// A home lists only what leads somewhere allowed, without a word.
func TestListing(t *testing.T) {
	w := newWorld(t).allow("project/deep")
	res := w.sh(`ls -A ~; ls -A ~/project; ls / > /dev/null; ls -la / > /dev/null`)
	if got := strings.Fields(res.out); !slices.Equal(got, []string{".openclaw", "project", "deep"}) {
		t.Errorf("listed %q", got)
	}
	if len(res.denials) != 0 || res.err != "" {
		t.Errorf("denials %q, err %q", w.brief(res.denials), res.err)
	}
}

// Allowed paths are the host's own, and as far as the policy says.
func TestAllowed(t *testing.T) {
	w := newWorld(t).allow("project").allowRead("other")
	res := w.sh(`set -e
cat ~/project/main.go ~/other/notes.txt
echo new > ~/project/new; mkdir ~/project/dir; mv ~/project/new ~/project/dir/moved; ln ~/project/dir/moved ~/project/linked
echo in the workspace > made; pwd
! echo no > ~/other/no
echo tmp > /tmp/mine; cat /tmp/mine`)
	want := "package mainnotes" + w.path(".openclaw/agents/coder") + "\ntmp\n"
	if res.out != want || res.status.Code != 0 {
		t.Errorf("out %q, err %q, status %+v; want %q", res.out, res.err, res.status, want)
	}
	if w.read("project/linked") != "new\n" || w.read(".openclaw/agents/coder/made") != "in the workspace\n" || w.exists("other/no") {
		t.Error("the host's files are not what they should be")
	}
	if _, err := os.Stat("/tmp/mine"); err == nil {
		t.Error("the cage wrote to the host's /tmp")
	}
	info, err := os.Stat(w.path(".openclaw/agents/coder"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("workspace %v %v", info, err)
	}
}

func TestSystemFoldersAreReadOnly(t *testing.T) {
	w := newWorld(t)
	res := w.sh(`touch /usr/x /etc/x /x /run/x /dev/x /proc/sys/kernel/x; echo x > /proc/sys/kernel/core_pattern; echo x > /etc/hosts; test -e /sys/kernel && echo sys`)
	if strings.Contains(res.out, "sys") || strings.Count(res.err, "\n") < 8 {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}

// read_only makes everything but the cage's own /tmp unwritable.
func TestReadOnly(t *testing.T) {
	w := newWorld(t).allow("project")
	yes := true
	w.perms.ReadOnly = &yes
	res := w.sh(`cat ~/project/main.go; echo x > ~/project/main.go; echo x > made; echo ok > /tmp/x && cat /tmp/x`)
	if !strings.HasPrefix(res.out, "package main") || !strings.HasSuffix(res.out, "ok\n") || w.read("project/main.go") != "package main" || w.exists(".openclaw/agents/coder/made") {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}
