package sandbox_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox/policy"
)

// A denied path inside an allowed one is closed, and the rest is not.
func TestDeniedInside(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/secret", "project/.env")
	res := w.sh(`cat ~/project/main.go; cat ~/project/secret/key; cat ~/project/.env; ls ~/project/secret; echo x > ~/project/.env; rm -rf ~/project/secret; mv ~/project/.env ~/project/env; echo new > ~/project/new`)
	if res.out != "package main" || !w.exists("project/new") || w.read("project/.env") != "PASSWORD=x" || !w.exists("project/secret/key") {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	for _, want := range []string{"path.read open ~/project/secret/key", "path.read open ~/project/.env", "path.write open ~/project/.env"} {
		if !slices.Contains(w.brief(res.denials), want) {
			t.Errorf("no %q in %q", want, w.brief(res.denials))
		}
	}
}

// A denied path that does not exist cannot be made, and nothing is made for it on
// the host, before, during or after.
func TestDeniedNotThereYet(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/later", "project/a/b/c")
	before := w.names("project")
	res := w.sh(`ls ~/project; echo x > ~/project/later; mkdir -p ~/project/a/b/c/d; cat ~/project/later; mv ~/project/a ~/project/z; rm -f ~/project/later
mkdir ~/project/l && mv ~/project/l ~/project/later; ln -s main.go ~/project/later; ln ~/project/main.go ~/project/later; mv ~/project/main.go ~/project/later`)
	if res.out != "deep\nmain.go\nsecret\n" || w.exists("project/later") || w.exists("project/a/b/c") || w.exists("project/z") {
		t.Errorf("out %q, err %q, left %q", res.out, res.err, w.names("project"))
	}
	for _, want := range []string{"path.write create ~/project/later", "path.write mkdir ~/project/a/b/c", "path.write rename ~/project/later"} {
		if !slices.Contains(w.brief(res.denials), want) {
			t.Errorf("no %q in %q", want, w.brief(res.denials))
		}
	}
	if got := w.sh("true"); got.status.Code != 0 || len(before)+3 != len(w.names("project")) { // a, a/b and l
		t.Errorf("from %q to %q", before, w.names("project"))
	}
}

// Two cages that deny the same absent path do not know of each other.
func TestTwoCagesDenyWhatIsNotThere(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/later")
	k := newTalk(t, w)
	if res := w.sh(`echo x > ~/project/later; cat ~/project/main.go`); res.out != "package main" || res.status.Code != 0 {
		t.Errorf("%+v", res)
	}
	w.write("project/later", "PASSWORD=late")
	if got := k.run(`cat ~/project/later; cat ~/project/main.go`); strings.Contains(got, "PASSWORD") || !strings.Contains(got, "package main") {
		t.Errorf("after the end of the other: %q", got)
	}
	if res := k.end(); res.status.Code != 0 || w.read("project/later") != "PASSWORD=late" {
		t.Errorf("%+v", res.status)
	}
}

// A denied pattern covers what matches now and what comes to match: made by a
// program in the cage, in the folder that the pattern begins in, beside what
// matched before, and anywhere else as soon as it is seen.
func TestDeniedPattern(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/**/.env")
	w.write("project/deep/.env", "PASSWORD=y")
	w.write("project/src/a/main.go", "package a")
	k := newTalk(t, w)
	if got := k.run(`cat ~/project/.env ~/project/deep/.env; cat ~/project/deep/er/hidden/file ~/project/src/a/main.go`); !strings.HasSuffix(got, "hiddenpackage a") || strings.Count(got, "denied") != 2 {
		t.Errorf("at the start: %q", got)
	}
	for _, script := range []string{
		`echo x > ~/project/src/.env`, `mkdir ~/project/src/.env`, `ln -s a ~/project/src/.env`, `ln ~/project/main.go ~/project/src/.env`,
		`mv ~/project/src/a/main.go ~/project/src/.env`, `mknod ~/project/src/.env p`, `mkdir ~/project/new && echo x > ~/project/new/.env`,
	} {
		if k.run(script); w.exists("project/src/.env") || w.exists("project/new/.env") {
			t.Errorf("%s: it was made", script)
			_ = os.RemoveAll(w.path("project/src/.env"))
		}
	}
	w.write("project/src/a/.env", "PASSWORD=late")
	k.shows(`cat ~/project/src/a/.env`, func(got string) bool { return strings.Contains(got, "Permission denied") })
	k.shows(`cat ~/project/src/a/main.go; echo x > ~/project/src/a/other; cat ~/project/src/a/other`, func(got string) bool { return got == "package ax" })
	k.warns("src/a/.env came to match")
	w.write("project/deep/er/.env", "PASSWORD=z")
	w.write("project/deep/.env", "PASSWORD=again")
	if got := k.run(`cat ~/project/deep/.env`); !strings.Contains(got, "Permission denied") {
		t.Errorf("beside: %q", got)
	}
	k.end()
}

// Of a pattern of a certain depth every match is refused by its name, at once.
func TestDeniedPatternOfDepth(t *testing.T) {
	w := newWorld(t).allow("work").deny("work/*/.env")
	w.write("work/one/src/file", "source")
	w.write("work/two/file", "two")
	k := newTalk(t, w)
	if got := k.run(`cat ~/work/one/src/file ~/work/two/file`); got != "sourcetwo" {
		t.Errorf("before: %q", got)
	}
	for range 100 {
		w.write("work/two/.env", "PASSWORD=x")
		w.write("work/three/.env", "PASSWORD=x")
		if got := k.run(`cat ~/work/two/.env ~/work/three/.env`); strings.Count(got, "Permission denied") != 2 {
			t.Fatalf("after: %q", got)
		}
		for _, name := range []string{"work/two/.env", "work/three"} {
			if err := os.RemoveAll(w.path(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(k.process.Report().Warnings) != 0 {
		t.Errorf("%q", k.process.Report().Warnings)
	}
	k.end()
}

// A folder above a denied one cannot be moved away and planted anew.
func TestAncestorStays(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/deep/er/hidden")
	res := w.sh(`mv ~/project/deep/er ~/project/gone; mv ~/project/deep ~/project/gone; ls ~/project/gone; cat ~/project/gone/hidden/file ~/project/gone/er/hidden/file; cat ~/project/deep/er/hidden/file
echo x > ~/project/deep/er/new && mv ~/project/deep/er/new ~/project/moved && ln ~/project/moved ~/project/deep/linked && echo still works`)
	if res.out != "still works\n" || w.exists("project/gone") || w.read("project/deep/er/hidden/file") != "hidden" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}

// No other name leads to a denied file.
func TestTricks(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/secret")
	if err := os.Symlink("secret", w.path("project/before")); err != nil {
		t.Fatal(err)
	}
	const secret = "the project's key"
	terminates := "kill -TERM 1"
	if !scoped() {
		terminates = ":" // it may so end its own run, and with it this talk
	}
	k := newTalk(t, w)
	for _, script := range []string{
		`cat ~/project/before/key`,
		`ln -s secret ~/project/after; cat ~/project/after/key`,
		`ln -s ~/.ssh ~/project/ssh; cat ~/project/ssh/id_ed25519`,
		`cat /proc/self/root$HOME/project/secret/key`,
		`cat /proc/1/root$HOME/project/secret/key`,
		`cat /proc/1/cwd/key; cat /proc/1/fd/*; ls /proc/1/fd`,
		`cat /proc/1/environ /proc/1/mem /proc/1/maps`,
		`ln ~/project/secret/key ~/project/hard; cat ~/project/hard`,
		`cd ~/project/secret && cat key`,
		`cat ~/project/./secret/../secret/key`,
		`cat ~/project/secret//key`,
		`cp -r ~/project/secret /tmp/copy; cat /tmp/copy/key`,
		`tar cf - -C ~/project secret`,
		`mkdir /tmp/m; mount --bind ~/project /tmp/m; cat /tmp/m/secret/key`,
		`unshare -Ur sh -c "umount $HOME/project/secret; cat $HOME/project/secret/key"`,
		`umount ~/project/secret; cat ~/project/secret/key`,
		`umount -l ~/project; cat ~/project/secret/key`,
		`mv ~/project/secret ~/project/x; cat ~/project/x/key`,
		`exec 9< ~/project/secret; cat /proc/self/fd/9/key`,
		`nsenter -t 1 -m cat $HOME/project/secret/key`,
		`chroot /proc/1/root cat $HOME/project/secret/key`,
		`find / -xdev -name key -path '*secret*' -exec cat {} +`,
		`find / -name key -exec cat {} + 2>/dev/null`,
		`dd if=$HOME/project/secret/key`,
		`cat < ~/project/secret/key`,
		`kill -9 1; kill -STOP 1; ` + terminates + `; sleep 0; cat ~/project/secret/key`,
		`. ~/project/secret/key`,
	} {
		if got := k.run("(" + script + ")"); strings.Contains(got, secret) || strings.Contains(got, "the private key") {
			t.Errorf("%s: it got out: %q", script, got)
		}
		_ = os.Remove(w.path("project/after"))
		_ = os.Remove(w.path("project/ssh"))
		if w.read("project/secret/key") != secret {
			t.Errorf("%s: it was changed", script)
		}
	}
	if res := k.end(); res.status.Code != 0 {
		t.Errorf("the shell ended with %+v: %s", res.status, res.err)
	}
}

// A link in a policy's path is resolved, and both names are guarded.
func TestLinksInPolicy(t *testing.T) {
	w := newWorld(t)
	for _, link := range [][2]string{{"project", "short"}, {"other", "project/elsewhere"}, {".bashrc", "project/rc"}} {
		if err := os.Symlink(w.path(link[0]), w.path(link[1])); err != nil {
			t.Fatal(err)
		}
	}
	w.allow("short").deny("short/secret", "project/rc")
	res := w.sh(`cat ~/short/main.go; cat ~/project/main.go; cat ~/short/secret/key; cat ~/project/secret/key; cat ~/project/elsewhere/notes.txt; cat ~/project/rc
rm ~/project/rc; mv ~/project/rc ~/project/rc2; ln -sf /tmp/x ~/project/rc`)
	if res.out != "package mainpackage main" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	if target, err := os.Readlink(w.path("project/rc")); err != nil || target != w.path(".bashrc") {
		t.Errorf("the denied link was replaced: %q %v", target, err)
	}
}

func TestOverlappingRules(t *testing.T) {
	w := newWorld(t).allow("project/deep").allowRead("project").deny("project/deep/er/hidden")
	w.allow("project/deep/er/hidden/file") // inside the denied one: deny wins
	res := w.sh(`cat ~/project/main.go; echo x > ~/project/main.go; echo y > ~/project/deep/new; cat ~/project/deep/new; cat ~/project/deep/er/hidden/file`)
	if res.out != "package mainy\n" || w.read("project/main.go") != "package main" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}

func TestOddNames(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"with space", "new\nline", "bytes\xff\xfe", "quote'\"", strings.Repeat("n", 255)} {
		w.write("odd/"+name+"/in", "inside")
		w.write("odd/"+name+"/no", "refused")
		spec := w.spec("sh", "-c", `cat "$1/in"; cat "$1/no"; echo w > "$1/w"`, "sh", w.path("odd/"+name))
		p := *spec.Policy // the config would not take all of these names
		p.Paths = append(slices.Clone(p.Paths),
			policy.PathRule{Path: w.path("odd/" + name), Effect: policy.Allow, Access: policy.AccessWrite},
			policy.PathRule{Path: w.path("odd/" + name + "/no"), Effect: policy.Deny})
		spec.Policy = &p
		_, wait := start(t, spec)
		res := wait()
		if res.out != "inside" || len(res.denials) != 1 || res.denials[0].Target != w.path("odd/"+name+"/no") || w.read("odd/"+name+"/w") != "w\n" {
			t.Errorf("%q: out %q, err %q, denials %q", name, res.out, res.err, w.brief(res.denials))
		}
	}
}

// A second name of a denied file, made before the run, is reported; one that is
// denied as well is not, nor are second names of what is allowed.
func TestSecondNamesAreReported(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/secret", "project/**/.env")
	w.write("project/deep/.env", "PASSWORD=y")
	w.write("project/fine", "fine")
	for _, pair := range [][2]string{
		{".ssh/id_ed25519", "project/deep/key"}, {"project/secret/key", "project/copy"}, {"project/deep/.env", "project/src.txt"},
		{"project/secret/key", "project/secret/again"}, {"project/fine", "project/fine too"},
	} {
		if err := os.Link(w.path(pair[0]), w.path(pair[1])); err != nil {
			t.Fatal(err)
		}
	}
	k := newTalk(t, w)
	warnings := ""
	for range 3000 { // a minute
		if warnings = strings.Join(k.process.Report().Warnings, "\n"); strings.Count(warnings, "another name of") >= 3 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, want := range []string{"deep/key is readable and another name of " + w.path(".ssh/id_ed25519"), "project/copy is", "project/src.txt is"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("no %q in %s", want, warnings)
		}
	}
	if strings.Contains(warnings, "fine") || strings.Contains(warnings, "secret/again is") {
		t.Errorf("warnings %s", warnings)
	}
	k.end()
}
