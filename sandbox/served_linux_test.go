package sandbox_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// What is read-only inside what is writable stays so when somebody outside
// replaces it, when it does not exist yet, and when a folder above it is moved.
func TestReadOnlyInsideWritable(t *testing.T) {
	w := newWorld(t).allow("project").allowRead("project/deep/er").allowRead("project/later")
	k := newTalk(t, w)
	if got := k.run(`cat ~/project/deep/er/hidden/file; echo x > ~/project/deep/er/new; mv ~/project/deep ~/project/moved; mkdir ~/project/later`); !strings.HasPrefix(got, "hidden") || w.exists("project/moved") || w.exists("project/deep/er/new") || w.exists("project/later") {
		t.Errorf("before: %q", got)
	}
	for range 20 {
		if err := os.RemoveAll(w.path("project/deep")); err != nil {
			t.Fatal(err)
		}
		w.write("project/deep/er/file", "by the host")
		if got := k.run(`echo x > ~/project/deep/er/file; echo x > ~/project/deep/er/new; rm -rf ~/project/deep/er; chmod 777 ~/project/deep/er`); w.read("project/deep/er/file") != "by the host" || w.exists("project/deep/er/new") {
			t.Fatalf("after: %q", got)
		}
	}
	w.write("project/later/file", "by the host")
	k.shows(`cat ~/project/later/file; echo x > ~/project/later/file`, func(got string) bool { return strings.HasPrefix(got, "by the host") })
	if w.read("project/later/file") != "by the host" {
		t.Error("what came later was changed")
	}
	k.end()
}

// Two agents on one project see each other's work at once, each under its own
// rules, and neither end disturbs the other.
func TestTwoAgentsOnOneProject(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env")
	one := newTalk(t, w)
	w.perms.AllowedPaths, w.perms.DeniedPaths = []policy.PathEntry{{Path: w.path("project")}}, []string{w.path("project/secret")}
	two := newTalk(t, w)
	for _, name := range []string{"note", "deep/note"} {
		one.run(`echo from one > ~/project/` + name)
		if got := two.run(`cat ~/project/` + name + `; echo from two >> ~/project/` + name); got != "from one" {
			t.Errorf("%s: %q", name, got)
		}
		if got := one.run(`cat ~/project/` + name + `; rm ~/project/` + name); got != "from one from two" {
			t.Errorf("%s: %q", name, got)
		}
		if got := two.run(`cat ~/project/` + name); !strings.Contains(got, "No such file") {
			t.Errorf("%s: %q", name, got)
		}
	}
	one.run(`mkdir ~/project/new && echo inside > ~/project/new/file`)
	two.shows(`cat ~/project/new/file`, func(got string) bool { return got == "inside" })
	two.run(`rm -rf ~/project/new && mkdir ~/project/new && echo other > ~/project/new/file`)
	one.shows(`cat ~/project/new/file`, func(got string) bool { return got == "other" })
	one.run(`(flock 8; sleep 1000) 8>~/project/lock >/dev/null 2>&1 & true`)
	two.shows(`flock -n ~/project/lock echo taken || echo "not free"`, func(got string) bool { return got == "not free" })
	if got := one.run(`cat ~/project/.env; cat ~/project/secret/key`); !strings.HasSuffix(got, "the project's key") || strings.Contains(got, "PASSWORD") {
		t.Errorf("one: %q", got)
	}
	one.end()
	if got := two.run(`cat ~/project/secret/key; cat ~/project/.env`); !strings.HasSuffix(got, "PASSWORD=x") || strings.Contains(got, "the project's key") {
		t.Errorf("two: %q", got)
	}
	if res := two.end(); res.status.Code != 0 {
		t.Errorf("%+v", res.status)
	}
}

// Names as long as Linux takes them, in a rule and below one: 4,095 bytes are a
// path, and one more is none.
func TestLongestPaths(t *testing.T) {
	w := newWorld(t)
	long := w.path("project")
	for len(long) < unix.PathMax-260 {
		long += "/" + strings.Repeat("d", 200)
	}
	long += "/" + strings.Repeat("e", unix.PathMax-len("/")-1-len(long)-len("/x/y"))
	if err := os.MkdirAll(long+"/x", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(long+"/x/y", []byte("deepest"), 0o600); err != nil || len(long+"/x/y") != unix.PathMax-1 {
		t.Fatal(err, len(long+"/x/y"))
	}
	if err := os.WriteFile(long+"/z", []byte("beside"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.allow("project")
	spec := w.spec("sh", "-c", `cat "$1/z" "$1/x/y"; cat "$1/x/yy"; echo made > "$1/w"; cd "$1" && cat z x/y`, "sh", long)
	p := *spec.Policy
	p.Paths = append(slices.Clone(p.Paths), policy.PathRule{Path: long + "/x/y", Effect: policy.Deny})
	spec.Policy = &p
	_, wait := start(t, spec)
	res := wait()
	if res.out != "besidebeside" || !strings.Contains(res.err, "too long") || strings.Count(res.err, "Permission denied") != 2 {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	if text, err := os.ReadFile(long + "/w"); err != nil || string(text) != "made\n" {
		t.Errorf("%q %v", text, err)
	}
	if len(res.denials) == 0 || res.denials[0].Target != long+"/x/y" {
		t.Errorf("%d denials", len(res.denials))
	}
}

// Odd bytes in names go through a served folder as they are, also where a rule
// names them.
func TestOddNamesInServedFolder(t *testing.T) {
	w := newWorld(t).allow("project")
	names := []string{"with space", "new\nline", "bytes\xff\xfe", "quote'\"", `back\slash`, "*?[glob]", strings.Repeat("n", 255)}
	spec := w.spec("sh", "-c", `for n in "$@"; do cat "$n/no" 2>/dev/null; cat "$n/yes"; echo w > "$n/w"; mv "$n/w" "$n/v"; done; ls -A`, "sh")
	spec.Dir = w.path("project")
	p := *spec.Policy // the config would not take all of these names
	p.Paths = slices.Clone(p.Paths)
	for _, name := range names {
		w.write("project/"+name+"/no", "refused")
		w.write("project/"+name+"/yes", "read ")
		p.Paths = append(p.Paths, policy.PathRule{Path: w.path("project/" + name + "/no"), Effect: policy.Deny})
		spec.Command = append(spec.Command, name)
	}
	spec.Policy = &p
	_, wait := start(t, spec)
	res := wait()
	if !strings.HasPrefix(res.out, strings.Repeat("read ", len(names))) || strings.Contains(res.out, "refused") {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	for _, name := range names {
		if w.read("project/"+name+"/v") != "w\n" || !strings.Contains(res.out, name) {
			t.Errorf("%q was not written or not listed", name)
		}
	}
}

// What the config says of names with odd bytes holds in every kind of cage: a line break
// as it is written, and a ? for one, for one byte that is no UTF-8 and for one character.
func TestOddNamesInConfig(t *testing.T) {
	for kind, reduced := range map[string]bool{"full": false, "reduced": true} {
		t.Run(kind, func(t *testing.T) {
			w, names := newWorld(t).allow("a\nb").allowRead("c\nd"), []string{"a"}
			if reduced { // which opens nothing with a denied path in it
				w = w.reduced()
			} else {
				w.deny("a\nb/e\nf", "a\nb/x?y")
				names = append(names, "a\nb/x\xffy", "a\nb/x\ny", "a\nb/xéy", "a\nb/e\nf")
			}
			spec := w.spec("sh", "-c", `cd; for n in "$@"; do cat "$n"; done; cat "$OK" "$OK2"; echo x > "$OK2"; echo made > "$MADE"`, "sh")
			for _, name := range append(names, "a\nb/xzzy", "c\nd/read") {
				w.write(name, "["+strings.ToValidUTF8(name, "?")+"]")
			}
			spec.Command = append(spec.Command, names...)
			spec.Env = append(spec.Env, "OK=a\nb/xzzy", "OK2=c\nd/read", "MADE=a\nb/made")
			_, wait := start(t, spec)
			res := wait()
			if res.out != "[a\nb/xzzy][c\nd/read]" || !w.exists("a\nb/made") || w.read("c\nd/read") != "[c\nd/read]" {
				t.Errorf("out %q, err %q", res.out, res.err)
			}
			for _, d := range res.denials {
				if strings.Contains(d.Rule, "\n") {
					t.Errorf("a rule of two lines: %+v", d)
				}
			}
		})
	}
}

// Served by root, the gate opens nothing that a file's mode keeps from root's own
// agent, which has no capabilities, and keeps no set-uid bit that a write takes.
func TestServedByRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root has capabilities to misuse")
	}
	const user = 64123
	w := newWorld(t).allow("project").deny("project/.env")
	w.write("project/theirs", "another user's")
	w.write("project/folder/theirs", "another user's")
	w.write("project/program", "set-uid")
	for _, name := range []string{"project/theirs", "project/folder"} {
		if err := os.Chown(w.path(name), user, user); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Chmod(w.path("project/program"), 0o4755); err != nil {
		t.Fatal(err)
	}
	res := w.sh(`cd ~/project; cat theirs; echo x > theirs; chmod 777 theirs; chown 0 theirs; ls folder; cat folder/theirs; touch folder/new; echo more >> program; stat -c %a program`)
	if res.out != "755\n" || w.read("project/theirs") != "another user's" || w.exists("project/folder/new") {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	info, err := os.Stat(w.path("project/theirs"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// A folder that many rules name holds many: none of them is opened by another.
func TestManyDenied(t *testing.T) {
	w := newWorld(t).allow("project")
	var denied []string
	for i := range 300 {
		name := filepath.Join("project", "many", strings.Repeat("a", i%7+1), "n"+string(rune('a'+i%26)), strings.Repeat("f", i+1)[:min(i+1, 200)])
		if !slices.Contains(denied, name) {
			denied = append(denied, name)
		}
	}
	for i, name := range denied {
		if i%2 == 0 { // every other one does not exist
			w.write(name, "refused")
		}
		w.write(filepath.Dir(name)+"/beside", "beside ")
	}
	w.deny(denied...)
	res := w.sh(`cd ~/project/many; find . -type f | wc -l; find . -name beside -exec cat {} + | wc -c; cat */*/f* 2>/dev/null; for f in */*/; do echo x > "${f}f" || true; done 2>/dev/null; true`)
	lines := strings.Fields(res.out)
	if len(lines) != 2 || lines[0] == "0" || strings.Contains(res.out, "refused") {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	for i, name := range denied {
		if w.exists(name) != (i%2 == 0) {
			t.Errorf("%s: %v", name, w.exists(name))
		}
	}
}

// A folder in whose place there is a file is a file to the cage, too, whoever put it there.
func TestFolderBecomesFile(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env")
	for _, name := range []string{"replaced/file", "moved/file", "into/file"} {
		w.write("project/"+name, "in a folder")
	}
	k := newTalk(t, w)
	if got := k.run(`cd ~/project; cat replaced/file moved/file into/file`); got != "in a folderin a folderin a folder" {
		t.Fatalf("before: %q", got)
	}
	if got := k.run(`cd ~/project; mv moved into/moved && echo made > moved; cat moved into/moved/file`); got != "made in a folder" {
		t.Errorf("by the cage: %q", got)
	}
	if err := os.RemoveAll(w.path("project/replaced")); err != nil {
		t.Fatal(err)
	}
	w.write("project/replaced", "a file")
	k.shows(`cat ~/project/replaced`, func(got string) bool { return got == "a file" })
	k.end()
}
