package sandbox_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// What the supervisor does in a program's place it does with the program's rights:
// root's own agent has no capability. It connects to no socket whose mode keeps it from
// writing, makes none in a folder of somebody else's, goes through no such folder, watches
// none and opens no file in one, whatever a person answers.
func TestRootsRightsReachNothingOfOthers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root has rights to lend")
	}
	const user = 64123
	for _, mode := range []string{"full", "reduced"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t).allow("project")
			if mode == "reduced" {
				w.reduced()
			}
			w.perms.Ask = []policy.Class{policy.ClassPathRead, policy.ClassPathWrite}
			for name, owner := range map[string]int{"own": 0, "theirs": user} {
				listener, err := net.Listen("unix", w.path("project/"+name))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = listener.Close() })
				w.write("project/folder-"+name+"/open/file", "x")
				w.write("other/"+name+"/file", "x")
				inside, err := net.Listen("unix", w.path("project/folder-"+name+"/inside"))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = inside.Close() })
				if err := errors.Join(os.Chmod(w.path("project/folder-"+name+"/inside"), 0o777), os.Chmod(w.path("project/folder-"+name+"/open"), 0o777)); err != nil {
					t.Fatal(err)
				}
				for _, of := range []string{"project/" + name, "project/folder-" + name, "other/" + name, "other/" + name + "/file"} {
					if err := errors.Join(os.Chown(w.path(of), owner, owner), os.Chmod(w.path(of), 0o700)); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Chmod(w.path("other/"+name), 0o711); err != nil {
					t.Fatal(err)
				}
			}
			perl := `use Socket; sub told { print $_[0] ? "yes " : $!{EACCES} ? "refused " : "$! " } sub name { pack_sockaddr_un("$ENV{HOME}/project/$_[0]") } sub made { socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; $s }
				for $of ("own", "theirs") { told(connect(made(), name($of))); told(connect(made(), name("folder-$of/inside"))); told(bind(made(), name("folder-$of/made"))); told(bind(made(), name("folder-$of/open/made"))); $at = "$ENV{HOME}/project/folder-$of";
					told(syscall(` + strconv.Itoa(unix.SYS_INOTIFY_ADD_WATCH) + `, syscall(` + strconv.Itoa(unix.SYS_INOTIFY_INIT1) + `, 0), $at, 256) >= 0);
					told(open(F, "<", "$ENV{HOME}/other/$of/file")); told(open(F, ">", "$ENV{HOME}/other/$of/made")) }`
			spec := w.spec("perl", "-MErrno", "-e", perl)
			spec.Asker = asker(func(sandbox.Denial) bool { return true })
			_, wait := start(t, spec)
			if res := wait(); res.out != strings.Repeat("yes ", 7)+strings.Repeat("refused ", 7) {
				t.Errorf("out %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
			}
		})
	}
}

// The kernel answers a program's own requests about routes; what it tells everybody
// in a group may need a right, and no cage joins one.
func TestNoNetlinkGroup(t *testing.T) {
	perl := `for my $group (0, 1, 1 << 4) {
		socket(my $s, 16, 3, 0) or die;
		print connect($s, pack("SSLL", 16, 0, 0, $group)) ? "yes " : $!{EPERM} ? "refused " : "$! "
	}`
	_, wait := start(t, newWorld(t).spec("perl", "-MErrno", "-e", perl))
	if res := wait(); res.out != "yes refused refused " {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}

// A device node in an allowed folder is no device in a cage: in a folder that is
// bound natively, and in one that the gate serves.
func TestDeviceNodesOpenNothing(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root makes a device node")
	}
	for _, denied := range []string{"other", "project/.env"} {
		w := newWorld(t).allow("project").deny(denied)
		node := w.path("project/node")
		if err := unix.Mknod(node, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(node, []byte("x"), 0); err != nil {
			t.Fatalf("outside a cage: %v", err)
		}
		res := w.sh(`(echo x > ~/project/node) 2>&1 && echo written; cat ~/project/node 2>&1 && echo read`)
		if strings.Contains(res.out, "written") || strings.Contains(res.out, "read") || !strings.Contains(res.out, "denied") {
			t.Errorf("%s denied: out %q, err %q", denied, res.out, res.err)
		}
	}
}

// Where no program may be executed, the one that runs loads none itself: a file that
// it may write is not mapped for execution, whichever way it is loaded.
func TestNoCodeFromWritableFolders(t *testing.T) {
	loaders, _ := filepath.Glob("/lib*/ld-linux-*.so.*")
	require(t, len(loaders) > 0, "there is no dynamic loader")
	if len(loaders) == 0 {
		return
	}
	program, err := os.ReadFile("/bin/echo")
	require(t, err == nil, "there is no program to load")
	for _, commands := range []bool{true, false} {
		w := newWorld(t).allow("project")
		w.write("project/program", string(program))
		w.write(".openclaw/agents/coder/program", string(program))
		w.perms.ExecuteCommands = &commands
		for _, name := range []string{"project/program", ".openclaw/agents/coder/program"} {
			_, wait := start(t, w.spec(loaders[0], w.path(name), "ran"))
			if res := wait(); (res.out == "ran\n") != commands {
				t.Errorf("execute_commands: %v, %s: out %q, err %q", commands, name, res.out, res.err)
			}
		}
	}
}

// Each kind of namespace is the cage's own, also those whose absence no refused call
// tells of: of control groups it then saw where on the machine it runs.
func TestEveryNamespaceIsTheCagesOwn(t *testing.T) {
	kinds := []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}
	res := newWorld(t).sh("for kind in " + strings.Join(kinds, " ") + "; do readlink /proc/self/ns/$kind; done")
	inside := strings.Fields(res.out)
	if len(inside) != len(kinds) {
		t.Fatalf("out %q, err %q", res.out, res.err)
	}
	for i, kind := range kinds {
		if outside, err := os.Readlink("/proc/self/ns/" + kind); err != nil || outside == inside[i] {
			t.Errorf("%s is the machine's: %s %v", kind, outside, err)
		}
	}
}

// A folder that the agent may list does not show what is denied in it.
func TestDeniedNamesAreNotListed(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/secret", "project/.env")
	res := w.sh(`ls -A ~/project; cd ~/project; echo *`)
	if strings.Contains(res.out, "secret") || strings.Contains(res.out, ".env") || !strings.Contains(res.out, "main.go") || len(res.denials) != 0 {
		t.Errorf("listed %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
	}
}

func TestRightsAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^(TestNoNetlinkGroup|TestEveryNamespaceIsTheCagesOwn|TestNoCodeFromWritableFolders|TestDeniedNamesAreNotListed|TestAYesWithAnErrorIsANo|TestLimitOfAFileThatGrewOutside)$")
}
