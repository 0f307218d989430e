package sandbox_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox"
)

// nestedWorld is a world whose agent may build sandboxes of its own.
func nestedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t).allow("project").deny("project/secret", "project/deep/er/hidden")
	on := true
	w.perms.Nested, w.perms.SystemCommands = &on, &on // unshare and mount are system commands
	return w
}

func requireTool(t *testing.T, name string) string {
	t.Helper()
	found, err := exec.LookPath(name)
	require(t, err == nil, name+" is not installed")
	return found
}

// Debian's bubblewrap works inside, and the cage's walls are the walls of what
// it runs: what is denied stays denied and is reported, the network as well.
func TestNested(t *testing.T) {
	requireTool(t, "bwrap")
	w := nestedWorld(t)
	if os.Getuid() == 0 {
		_, _, err := tryStart(t, w.spec("true"))
		var typed *sandbox.Error
		if !errors.As(err, &typed) || typed.Kind != sandbox.KindPolicy || typed.Hint == "" {
			t.Errorf("root got %v", err)
		}
		return
	}
	res := w.sh(`set -x
bwrap --unshare-all --ro-bind / / true && echo plain
bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp sh -c 'test -c /dev/null && echo y > /tmp/y && echo devices'
bwrap --unshare-user --unshare-pid --dev-bind / / sh -c 'echo made > ~/project/made && cat ~/project/made'
bwrap --unshare-user --bind / / sh -c 'echo x > ~/project/made2; cat ~/.ssh/id_ed25519; cat ~/project/secret/key; echo x > ~/project/secret/new; echo x > /etc/new; ls ~/.ssh; true'
bwrap --unshare-user --bind / / --tmpfs /etc sh -c 'echo fine > /etc/new && cat /etc/new'
bwrap --unshare-user --bind / / sh -c 'exec 3<>/dev/tcp/192.0.2.1/80'
bwrap --unshare-user --bind / / bash -c 'exec 3<>/dev/tcp/192.0.2.7/80'
bwrap --unshare-all --ro-bind / / bash -c 'exec 3<>/dev/tcp/198.51.100.9/80'; true`)
	for _, want := range []string{"plain\n", "devices\n", "made\n", "fine\n"} {
		if !strings.Contains(res.out, want) {
			t.Errorf("%q is missing in %q", want, res.out)
		}
	}
	if strings.Contains(res.out, "private key") || strings.Contains(res.out, "project's key") || strings.Contains(res.out, "id_ed25519") {
		t.Errorf("a denied file was read: %q", res.out)
	}
	if w.exists("project/secret/new") || !w.exists("project/made2") {
		t.Error("what was written is not what may be")
	}
	told := w.brief(res.denials)
	for _, want := range []string{"path.read open ~/.ssh/id_ed25519", "path.read open ~/project/secret/key", "net connect 192.0.2.7:80", "net connect 198.51.100.9:80"} {
		if !slices.Contains(told, want) {
			t.Errorf("%q was not told: %q", want, told)
		}
	}
	if !slices.ContainsFunc(res.report.Warnings, func(s string) bool { return strings.Contains(s, "nested: true") }) {
		t.Errorf("the report does not warn: %q", res.report.Warnings)
	}
	if t.Failed() {
		t.Logf("%s %s", res.out, res.err)
	}
}

// No root may have a nested cage: root does it as an ordinary user.
func TestNestedAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestNested$|^TestBarredCallsOfANestedSandbox$|^TestNestedEscapes$|^TestNotNested$|^TestNestedStandardFile$")
}

// Without the switch a sandbox fails, and the denial says which switch it is.
func TestNotNested(t *testing.T) {
	requireTool(t, "bwrap")
	w := newWorld(t)
	res := w.sh("bwrap --unshare-user --ro-bind / / true && echo ran; bwrap --unshare-all --ro-bind / / true && echo ran; true")
	if strings.Contains(res.out, "ran") {
		t.Errorf("a namespace was made: %q", res.out)
	}
	if len(res.denials) < 2 {
		t.Fatalf("told: %+v", res.denials)
	}
	for _, d := range res.denials {
		if d.Operation != "unshare" || d.Rule != "nested: false" || d.Origin.BuiltIn == "" || !strings.Contains(d.Target, "namespace") {
			t.Errorf("%+v", d)
		}
	}
}

// What a nested sandbox may try against the cage's walls, all of it as root of
// its own namespaces: each line that says "escaped" is one.
func TestNestedEscapes(t *testing.T) {
	if os.Getuid() == 0 {
		return // root has no nested sandboxes; see TestNested
	}
	w := nestedWorld(t)
	w.write(".openclaw/agents/coder/script.sh", nestedAttempts) // which holds the words that it looks for
	res := w.sh("unshare -Urm sh ~/.openclaw/agents/coder/script.sh 2>/tmp/err; unshare -Urmp --fork sh ~/.openclaw/agents/coder/script.sh 2>>/tmp/err; cat /tmp/err >&2")
	if strings.Contains(res.out, "escaped") || strings.Count(res.out, "tried all") != 2 || strings.Count(res.out, "another root") != 2 {
		t.Errorf("%s\n%s", res.out, res.err)
	}
	if w.read("project/secret/key") != "the project's key" || w.read("project/deep/er/hidden/file") != "hidden" || w.read(".ssh/id_ed25519") != "the private key" {
		t.Error("a denied file was changed")
	}
	if len(w.read("project/deep/er/hidden/file")) == 0 {
		t.Error("a folder above a denied path was moved away")
	}
	if found, err := filepath.Glob("/etc/openclaw-escape*"); err != nil || len(found) > 0 {
		t.Errorf("on the host: %q", found)
	}
}

const nestedAttempts = `
cd ~; PATH=$PATH:/usr/sbin:/sbin
leak() { grep -rqs -e "private key" -e "project's key" -e "hidden" "$1" && echo "escaped: $2"; }
touched() { [ -e "$1" ] && echo "escaped: $2"; }
test "$(id -u)" = 0 || echo "not root inside"
# masks
umount ~/project/secret && leak ~/project/secret "umount of a mask"
umount -l ~/project/secret && leak ~/project/secret "lazy umount of a mask"
umount -l ~/project && leak ~/project/secret "umount of what a mask stands on"
umount -R ~/project && leak ~/project/secret "umount of all of it"
umount -l /
mkdir -p /tmp/v /tmp/n /tmp/o /tmp/u /tmp/w
mount --bind ~/project /tmp/v && leak /tmp/v/secret "bind without what is below"
umount /tmp/v
mount --bind ~/project/secret/.. /tmp/v && leak /tmp/v "bind by .."
mount --bind ~ /tmp/v && leak /tmp/v/.ssh "bind of the home"
mount --rbind ~/project /tmp/v && { umount /tmp/v/secret; umount -l /tmp/v/secret; leak /tmp/v/secret "umount of a mask's copy"; mount --move /tmp/v/secret /tmp/n && leak /tmp/v/secret "moving a mask's copy"; }
mount --make-rprivate / ; mount --make-rslave /
mount --move ~/project/secret /tmp/n && leak ~/project/secret "moving a mask"
mount --move ~/project /tmp/n && leak /tmp/n/secret "moving what a mask stands on"
mount -t overlay -o lowerdir=/usr:/etc none /tmp/o && echo "overlay works"; umount /tmp/o
mount -t overlay -o lowerdir=$HOME/project,upperdir=/tmp/u,workdir=/tmp/w none /tmp/o && leak /tmp/o "overlay over a folder with masks"
mount -t overlay -o lowerdir=$HOME/project/deep:$HOME/project none /tmp/o && leak /tmp/o "overlay, read-only"
# read-only folders
mount -o remount,rw /usr && touch /usr/openclaw-escape && touched /usr/openclaw-escape "remount rw"
mount -o remount,bind,rw /etc; touch /etc/openclaw-escape && touched /etc/openclaw-escape "remount bind rw"
mount --bind /etc /tmp/n && mount -o remount,bind,rw /tmp/n; touch /tmp/n/openclaw-escape2 && touched /etc/openclaw-escape2 "bind and remount rw"
mount -o remount,exec,suid,dev /dev; mount -o remount,suid,bind /usr && echo "escaped: suid came back"
# other roots and namespaces
mount --rbind /proc/1/root /tmp/n && leak /tmp/n "the root of init"
ls /proc/1/root/ && echo "escaped: init's root can be listed"
for ns in user mnt net pid ipc uts cgroup; do nsenter --$(echo $ns | sed s/mnt/mount/)=/proc/1/ns/$ns true && echo "escaped: into init's $ns namespace"; done
mkdir /tmp/oldroot; pivot_root / /tmp/oldroot
# devices and file systems
mknod /tmp/disk b 8 0 && head -c1 /tmp/disk && echo "escaped: a disk"
mknod /tmp/mem c 1 1 && head -c1 /tmp/mem && echo "escaped: memory"
mount -t devtmpfs none /tmp/n && echo "escaped: devtmpfs"
mount -t sysfs none /tmp/n && echo "escaped: sysfs"
mount -t debugfs none /tmp/n && echo "escaped: debugfs"
mount -t fuse -o fd=0,rootmode=40000,user_id=0,group_id=0 none /tmp/n && echo "escaped: fuse without a device"
mount -t proc none /tmp/n && for f in kernel/core_pattern kernel/modprobe vm/panic_on_oom; do echo x > /tmp/n/sys/$f && echo "escaped: $f"; done
umount -l /tmp/n
umount -l /proc/sys; for f in kernel/core_pattern kernel/modprobe; do (echo x > /proc/sys/$f) && echo "escaped: $f by /proc"; done
echo b > /proc/sysrq-trigger && echo "escaped: sysrq"
mount -t cgroup2 none /tmp/n && { ls /tmp/n; for f in cgroup.kill cgroup.freeze memory.max; do echo 1 > /tmp/n/$f && echo "escaped: $f"; done; umount -l /tmp/n; }
mount -t cgroup -o memory none /tmp/n && echo "escaped: cgroup version 1"
# a tmpfs over what is above a denied path, and a second namespace in which the pins are not
mount -t tmpfs none ~/project/deep/er && mkdir -p ~/project/deep/er/hidden && umount ~/project/deep/er; leak ~/project/deep/er/hidden "under a tmpfs"
mkdir -p /tmp/n/p && mount -t tmpfs none /tmp/n && mkdir /tmp/n/p /tmp/n/old /tmp/n/usr /tmp/n/proc && mount --rbind ~/project /tmp/n/p && mount --rbind /usr /tmp/n/usr && mount --rbind /proc /tmp/n/proc && ln -s usr/bin usr/lib usr/lib64 usr/sbin /tmp/n/ &&
unshare -m sh -c 'cd /tmp/n && pivot_root . old && umount -l /old && [ -z "$(ls /old)" ] && echo "another root"; rename() { python3 -c "import os, sys; os.rename(sys.argv[1], sys.argv[2])" $1 $2 && echo "escaped: $1 was renamed"; }; rename /p/deep /p/moved; rename /p/deep/er /p/moved; rename /p/deep/er /p/deep/moved; grep -rqs -e hidden /p/deep && echo "escaped: hidden"; grep -rqs "project.s key" /p/secret && echo "escaped: key"; true'
mv ~/project/deep ~/project/moved && echo "escaped: moved in place"
# sockets and programs of the host
python3 - <<'P'
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
buf = ctypes.create_string_buffer(512)
if libc.syscall(304, 3, buf, 0) >= 0: print("escaped: open_by_handle_at")
for family, kind, proto in ((16, 3, 12), (16, 3, 16), (17, 3, 3), (2, 3, 255)):
    try:
        socket.socket(family, kind, proto); print("escaped: socket", family, kind, proto)
    except OSError: pass
for number in (321, 298, 323, 250, 425, 175, 246):  # bpf, perf, userfaultfd, keyctl, io_uring, init_module, kexec
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0) >= 0: print("escaped: call", number)
P
echo tried all
`

// A file that was handed to the command for reading cannot be opened again for
// writing by its descriptor, although Landlock does not see to it here.
func TestNestedStandardFile(t *testing.T) {
	if os.Getuid() == 0 {
		return
	}
	w := nestedWorld(t)
	w.write("input", "first\nsecond\n")
	file, err := os.Open(w.path("input"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(6, 0); err != nil {
		t.Fatal(err)
	}
	spec := w.spec("unshare", "-Urm", "sh", "-c", `cat; echo x > /proc/self/fd/0 && echo changed; echo x > /dev/stdin && echo changed; chmod 777 /proc/self/fd/0 && echo changed
python3 -c 'import os
for f in os.O_WRONLY, os.O_RDWR, os.O_RDWR|os.O_TRUNC:
  try: os.open("/proc/self/fd/0", f); print("changed")
  except OSError: pass
try: os.fchmod(0, 0o777); print("changed")
except OSError: pass'`)
	spec.Stdin = file
	_, wait := start(t, spec)
	if res := wait(); res.out != "second\n" {
		t.Errorf("%q %q", res.out, res.err)
	}
	info, err := os.Stat(w.path("input"))
	if err != nil || w.read("input") != "first\nsecond\n" || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is another now: %v %v", info, err)
	}
}

// What the switch opens is said, and no more is claimed than is so.
func TestNestedOpens(t *testing.T) {
	text := strings.Join(sandbox.NestedOpens(), "\n")
	for _, word := range []string{"mount", "unshare", "setns", "pivot_root", "Landlock", "still held", "/proc", "cgroup"} {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not said", word)
		}
	}
}
