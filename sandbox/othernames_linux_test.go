package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

const otherNamesVariable = "OPENCLAW_TEST_OTHER_NAMES"

// What is denied by its name is not denied where a file is found by other names
// too: on a disk of Windows, .ENV opens .env. Such a policy is refused.
func TestOtherNames(t *testing.T) {
	newWorld(t) // skips where no cage can be built
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "unshare", "-rm", self, "-test.run", "^TestOtherNames(Update|Hidden)?Here$", "-test.v")
	command.Env = append(os.Environ(), otherNamesVariable+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := command.CombinedOutput()
	if err != nil || strings.Count(string(out), "\n--- PASS: TestOtherNames") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestOtherNamesAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestOtherNames$") }

func TestOtherNamesHere(t *testing.T) {
	if os.Getenv(otherNamesVariable) == "" {
		t.Skip("TestOtherNames runs this in a mount namespace")
	}
	type rules struct {
		allowed, read, denied []string
		asks                  bool
	}
	for _, c := range []struct {
		name    string
		rules   rules
		try     string // what a cage would let out, or what it has to do
		refused bool
		full    bool // the reduced mode refuses it for a reason of its own
	}{
		{"nothing is denied", rules{allowed: []string{"disk/project"}}, "cat disk/project/main.go", false, false},
		{"what is denied lies beside", rules{allowed: []string{"disk/project"}, denied: []string{"disk/other"}}, "cat disk/project/main.go", false, false},
		{"what is denied lies on another disk", rules{allowed: []string{"project", "disk/project"}, denied: []string{"project/secret"}}, "cat disk/project/main.go", false, true},
		{"a folder", rules{allowed: []string{"disk/project"}, denied: []string{"disk/project/secret"}}, "cat disk/project/SECRET/key", true, true},
		{"a file in a folder", rules{allowed: []string{"disk/project"}, denied: []string{"disk/project/secret/key"}}, "cat disk/project/Secret/key", true, true},
		{"a file that is not there", rules{allowed: []string{"disk/project"}, denied: []string{"disk/project/.npmrc"}}, "cat disk/project/MAIN.go", true, true},
		{"in an empty folder", rules{allowed: []string{"disk/project"}, denied: []string{"disk/project/empty/token"}}, "ls disk/project/EMPTY", true, true},
		{"a pattern", rules{allowed: []string{"disk/project"}, denied: []string{"**/.env"}}, "cat disk/project/.Env", true, true},
		{"a pattern of one depth", rules{allowed: []string{"disk/project"}, denied: []string{"disk/project/*/key"}}, "cat disk/project/secret/KEY", true, true},
		{"a pattern below the folder of an allowed one", rules{allowed: []string{"."}, denied: []string{"disk/project/*/key"}}, "cat disk/project/secret/KEY", true, true},
		{"a pattern in a folder above the disk", rules{allowed: []string{"."}, denied: []string{"**/.env"}}, "cat disk/project/.Env", true, true},
		{"what may only be read", rules{allowed: []string{"disk/project"}, read: []string{"disk/project/hooks"}}, "echo x > disk/project/HOOKS/pre-commit", true, true},
		{"a folder that is written otherwise", rules{allowed: []string{"disk/project"}, denied: []string{"disk/PROJECT/secret"}}, "cat disk/project/secret/key", true, false},
		{"a pattern that is written otherwise", rules{allowed: []string{"disk/project"}, denied: []string{"disk/PROJECT/s*"}}, "cat disk/project/secret/key", true, false},
		{"a folder above, written otherwise", rules{allowed: []string{"disk/project"}, denied: []string{"DISK/Project", "disk/Project"}}, "cat disk/project/secret/key", true, false},
		{"a folder around it, written otherwise", rules{allowed: []string{"disk/project/secret"}, denied: []string{"disk/PROJECT"}}, "cat disk/project/secret/key", true, false},
		{"what a person would be asked for", rules{allowed: []string{"other"}, denied: []string{"disk/project/secret"}, asks: true}, "cat disk/project/SECRET/key", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
				t.Helper()
				w := newWorld(t)
				if c.full && w.perms.Enforce == policy.EnforceReduced {
					t.Skip("it denies inside what it allows, which the reduced mode refuses wherever it lies")
				}
				for name, content := range map[string]string{
					"project/main.go": "package main", "project/secret/key": "the key", "project/.env": "PASSWORD", "project/hooks/pre-commit": "#!/bin/sh", "other/file": "other",
				} {
					w.write("blocks/"+name, content)
				}
				if err := os.Mkdir(w.path("blocks/project/empty"), 0o700); err != nil {
					t.Fatal(err)
				}
				w.mount(&oddNode{path: w.path("blocks")}, w.path("disk"))
				if content := w.read("disk/PROJECT/Secret/KEY"); content != "the key" {
					t.Fatalf("the file system is not as it should be: %q", content)
				}
				w.allow(c.rules.allowed...)
				for _, name := range c.rules.read {
					w.allowRead(name)
				}
				for _, name := range c.rules.denied {
					if !strings.HasPrefix(name, "**") {
						name = w.path(name)
					}
					w.perms.DeniedPaths = append(w.perms.DeniedPaths, name)
				}
				spec := w.spec("sh", "-c", "cd "+w.home+"; "+c.try)
				if c.rules.asks {
					spec.Policy.Asks = []policy.Class{policy.ClassPathRead}
					spec.Asker = asker(func(sandbox.Denial) bool { return true })
				}
				_, wait, err := tryStart(t, spec)
				if c.refused {
					if err == nil {
						res := wait()
						t.Fatalf("it was started: out %q, err %q", res.out, res.err)
					}
					refused, ok := errors.AsType[*sandbox.Error](err)
					if !ok || refused.Kind != sandbox.KindPolicy || !strings.Contains(err.Error(), "by more names") || refused.Hint == "" {
						t.Errorf("refused with %v (%s)", err, hintOf(err))
					}
					return
				}
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				if res := wait(); res.out != "package main" {
					t.Errorf("out %q, err %q", res.out, res.err)
				}
			})
		})
	}
}

// A policy that comes during the run is held to the same.
func TestOtherNamesUpdateHere(t *testing.T) {
	if os.Getenv(otherNamesVariable) == "" {
		t.Skip("TestOtherNames runs this in a mount namespace")
	}
	w := newWorld(t)
	w.write("blocks/project/secret/key", "the key")
	w.mount(&oddNode{path: w.path("blocks")}, w.path("disk"))
	w.allow("disk/project/secret")
	spec := w.spec("sh", "-c", "read line; cat "+w.path("disk/project/SECRET/key"))
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	spec.Stdin = read
	process, wait := start(t, spec)
	_ = read.Close()
	before := w.perms
	w.allow("disk/project").deny("disk/project/secret")
	if _, err := process.Update(w.policy()); err == nil || !strings.Contains(err.Error(), "by more names") {
		t.Errorf("what opens a folder around a denied name was taken: %v", err)
	}
	w.perms = before
	w.deny("disk/project/secret/key")
	change, err := process.Update(w.policy())
	if err != nil || !strings.Contains(strings.Join(change.StillOpen, "\n"), "by more names") {
		t.Errorf("what only narrows: %+v %v", change, err)
	}
	_ = write.Close()
	if res := wait(); res.out != "" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}

// A file system that keeps older copies of its files in a folder that it does not
// list (ZFS in .zfs, others in .snapshot) has what is denied there too.
func TestOtherNamesHiddenHere(t *testing.T) {
	if os.Getenv(otherNamesVariable) == "" {
		t.Skip("TestOtherNames runs this in a mount namespace")
	}
	for _, c := range []struct{ name, folder, denied, copied string }{
		{"of a folder", "project/", "disk/project/secret", "project/.zfs/snapshot/1/secret/key"},
		{"of a folder above", "", "disk/project/secret", ".snapshot/1/project/secret/key"},
		{"of what a pattern denies", "project/", "**/key", "project/.zfs/snapshot/1/secret/key"},
		{"of what a pattern denies on a disk below", "../", "**/key", ".zfs/snapshot/1/project/secret/key"},
		{"of what a pattern of one depth denies", "project/", "disk/project/s*/key", "project/secret/.snap/1/key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("blocks/project/main.go", "package main")
			w.write("blocks/project/secret/key", "the key")
			w.write("blocks/"+c.copied, "the key")
			w.mount(&oddNode{path: w.path("blocks"), hides: true}, w.path("disk"))
			if content := w.read("disk/" + c.copied); content != "the key" || strings.Contains(strings.Join(w.names("disk"), " "), "/1") {
				t.Fatalf("the file system is not as it should be: %q", content)
			}
			w.allow("disk/" + c.folder)
			if !strings.HasPrefix(c.denied, "**") {
				c.denied = w.path(c.denied)
			}
			w.perms.DeniedPaths = append(w.perms.DeniedPaths, c.denied)
			reduced := *w
			if _, _, err := tryStart(t, reduced.reduced().spec("true")); !strings.Contains(fmt.Sprint(err), "cannot give less inside") {
				t.Errorf("the reduced mode: %v", err)
			}
			if res := w.sh("cd ~/disk; ls " + filepath.Dir(filepath.Dir(c.copied)) + " >/dev/null; cat project/main.go " + c.copied); res.out != "package main" {
				t.Errorf("out %q, err %q", res.out, res.err)
			}
		})
	}
}

// mount mounts an odd file system.
func (w *world) mount(root *oddNode, to string) {
	w.t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		w.t.Fatal(err)
	}
	server, err := fs.Mount(to, root, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "odd", DisableXAttrs: true}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := syscall.Unmount(to, syscall.MNT_DETACH); err != nil {
			w.t.Error(err)
		}
		server.Wait()
	})
}

// oddNode is a file or folder of the host in another file system: one that takes
// upper and lower case for the same, or one that does not list older copies.
type oddNode struct {
	fs.Inode
	path  string
	hides bool
}

func (n *oddNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	entries, err := os.ReadDir(n.path)
	if err != nil {
		return nil, fs.ToErrno(err)
	}
	for _, entry := range entries {
		if entry.Name() != name && (n.hides || !strings.EqualFold(entry.Name(), name)) {
			continue
		}
		var stat syscall.Stat_t
		found := filepath.Join(n.path, entry.Name())
		if err := syscall.Lstat(found, &stat); err != nil {
			return nil, fs.ToErrno(err)
		}
		out.FromStat(&stat)
		return n.NewInode(ctx, &oddNode{path: found, hides: n.hides}, fs.StableAttr{Mode: stat.Mode & syscall.S_IFMT, Ino: stat.Ino}), 0
	}
	return nil, syscall.ENOENT
}

func (n *oddNode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	var stat syscall.Stat_t
	if err := syscall.Lstat(n.path, &stat); err != nil {
		return fs.ToErrno(err)
	}
	out.FromStat(&stat)
	return 0
}

func (n *oddNode) Setattr(ctx context.Context, file fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if err := os.Truncate(n.path, int64(size)); err != nil {
			return fs.ToErrno(err)
		}
	}
	return n.Getattr(ctx, file, out)
}

func (n *oddNode) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	entries, err := os.ReadDir(n.path)
	var list []fuse.DirEntry
	for _, entry := range entries {
		if !n.hides || !slices.Contains([]string{".zfs", ".snapshot", ".snap"}, entry.Name()) {
			list = append(list, fuse.DirEntry{Name: entry.Name()})
		}
	}
	return fs.NewListDirStream(list), fs.ToErrno(err)
}

func (n *oddNode) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	fd, err := syscall.Open(n.path, int(flags)&(syscall.O_ACCMODE|syscall.O_TRUNC), 0)
	if err != nil {
		return nil, 0, fs.ToErrno(err)
	}
	return fs.NewLoopbackFile(fd), 0, 0
}
