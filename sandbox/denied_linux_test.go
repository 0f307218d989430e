package sandbox_test

import (
	"os"
	"slices"
	"strings"
	"testing"

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

// A denied path that does not exist cannot be made, and leaves nothing behind.
func TestDeniedNotThereYet(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/later", "project/a/b/c")
	res := w.sh(`echo x > ~/project/later; mkdir -p ~/project/a/b/c/d; cat ~/project/later; mv ~/project/a ~/project/z; rm -f ~/project/later`)
	if res.out != "" || w.exists("project/later") || w.exists("project/a") || w.exists("project/z") {
		t.Errorf("out %q, err %q, left %v %v %v", res.out, res.err, w.exists("project/later"), w.exists("project/a"), w.exists("project/z"))
	}
	if !slices.Contains(w.brief(res.denials), "path.write open ~/project/later") {
		t.Errorf("denials %q", w.brief(res.denials))
	}
}

func TestDeniedPattern(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/**/.env")
	w.write("project/deep/.env", "PASSWORD=y")
	res := w.sh(`cat ~/project/.env ~/project/deep/.env; cat ~/project/deep/er/hidden/file`)
	if res.out != "hidden" || len(res.denials) != 2 {
		t.Errorf("out %q, denials %q", res.out, w.brief(res.denials))
	}
	if len(res.report.Warnings) == 0 {
		t.Error("nothing says that later matches are not covered")
	}
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
		`kill -9 1; kill -STOP 1; kill -TERM 1; sleep 0; cat ~/project/secret/key`,
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
