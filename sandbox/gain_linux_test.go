package sandbox_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/mounttest"
	"openclaw/sandbox/policy"
)

// gainProbe is loaded into a program before its own code: it says what rights
// the program has, and ends it. The loader leaves it out of a program that the
// kernel gave rights to.
const gainProbe = `#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
__attribute__((constructor)) static void tell(void) {
	if (!getenv("GAIN_PROBE")) return;
	uid_t r, e, s; gid_t rg, eg, sg; char line[256], caps[64] = "?";
	getresuid(&r, &e, &s); getresgid(&rg, &eg, &sg);
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f)) if (!strncmp(line, "CapEff:", 7)) sscanf(line + 7, "%60s", caps);
	printf("%s %u %u %u %u %u %u %s\n", getenv("GAIN_PROBE"), r, e, s, rg, eg, sg, caps);
	fflush(stdout);
	_exit(0);
}
`

// privileged are the programs of this machine that give rights to whoever runs
// them: by set-uid, set-gid, or file capabilities.
func privileged(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, top := range []string{"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec"} {
		_ = filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return nil //nolint:nilerr // what cannot be looked at cannot be run either
			}
			info, err := entry.Info()
			if err != nil || info.Mode().Perm()&0o001 == 0 {
				return nil //nolint:nilerr // it has gone, or is not for everybody
			}
			n, _ := unix.Getxattr(name, "security.capability", nil)
			if n > 0 || info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
				list = append(list, name)
			}
			return nil
		})
	}
	return list
}

// What the name list cannot promise, the kernel does: no program that is made
// to give rights gives any, whoever runs the agent and whatever its name.
func TestNoProgramGainsRights(t *testing.T) {
	compiler, err := exec.LookPath("gcc")
	require(t, err == nil, "gcc is not installed")
	programs := privileged(t)
	require(t, len(programs) > 5, fmt.Sprintf("hardly a program here that gives rights: %q", programs))
	w := newWorld(t).allow("project")
	on := true
	w.perms.SystemCommands = &on
	w.write("project/probe.c", gainProbe)
	probe := w.path("project/probe.so")
	if out, err := exec.CommandContext(t.Context(), compiler, "-shared", "-fPIC", "-o", probe, w.path("project/probe.c")).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if os.Getuid() != 0 { // without the cage they do gain: the probe is left out
		out, _ := probed(t, programs[0], probe)
		if strings.Contains(out, " ") {
			t.Errorf("%s gives no rights outside either: %q", programs[0], out)
		}
	}
	res := w.sh("for p in " + strings.Join(programs, " ") + "; do GAIN_PROBE=$p LD_PRELOAD=" + probe + " $p </dev/null 2>/dev/null; done; true")
	want := fmt.Sprintf(" %d %d %d %d %d %d 0000000000000000", os.Getuid(), os.Getuid(), os.Getuid(), os.Getgid(), os.Getgid(), os.Getgid())
	told := map[string]bool{}
	for line := range strings.Lines(res.out) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(name, "/usr/") {
			continue // one that the probe is not loaded into, such as a static one
		}
		told[name] = true
		if " "+rest != want {
			t.Errorf("%s has %s, not%s", name, rest, want)
		}
	}
	if len(told) < len(programs)/2 {
		t.Errorf("only %d of %d programs told: %s %s", len(told), len(programs), res.out, res.err)
	}
}

func TestNoProgramGainsRightsAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestNoProgramGainsRights$|^TestSystemCommandsChangeNothing$|^TestRenamedSystemCommands$")
}

func probed(t *testing.T, program, probe string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program)
	command.Env = []string{"GAIN_PROBE=outside", "LD_PRELOAD=" + probe}
	out, err := command.Output()
	if !strings.HasPrefix(string(out), "outside ") {
		return "", err
	}
	return string(out), err
}

// The commands that administer a machine administer nothing from inside.
func TestSystemCommandsChangeNothing(t *testing.T) {
	w := newWorld(t).allow("project")
	on := true
	w.perms.SystemCommands = &on
	before := machine(t, w.home)
	script := "mkdir -p /tmp/x; PATH=$PATH:/usr/sbin:/sbin\n"
	commands := []string{
		`sudo -n id -u`, `su -c "id -u"`, `su root -c "id -u"`, `pkexec id -u`,
		`mount -t tmpfs none /tmp/x`, `mount --bind /etc /tmp/x`, `umount /usr`, `umount -l /proc`, `mount -o remount,rw /usr`,
		`passwd -d root`, `echo root:x | chpasswd`, `chsh -s /bin/true root`, `useradd openclaw-escape`, `usermod -aG sudo nobody`,
		`systemctl start sshd`, `systemctl --user start x`, `systemd-run --scope true`, `loginctl enable-linger`,
		`dpkg -i /tmp/none.deb`, `apt-get -y install sl`, `dpkg --configure -a`,
		`insmod /tmp/none.ko`, `modprobe loop`, `rmmod loop`, `sysctl -w kernel.core_pattern=x`, `dmesg -C`, `hostname openclaw-escape`,
		`newuidmap $$ 0 100000 65536`, `newgidmap $$ 0 100000 65536`, `printf x | /usr/sbin/unix_chkpwd root nullok`, `fusermount3 -u /usr`, `fusermount3 -o ro /tmp/x`,
		`reboot -f`, `swapoff -a`, `chroot / id -u`, `unshare -r id -u`, `nsenter -t 1 -m true`, `crontab -l`, `at now`, `date -s 2001-01-01`,
	}
	for i, command := range commands {
		script += fmt.Sprintf("timeout 10 sh -c '%s' </dev/null >/tmp/out 2>&1; echo \"%d $? $(head -c 200 /tmp/out | tr '\\n' ' ')\"\n", command, i)
	}
	res := w.sh(script)
	tried := 0
	for line := range strings.Lines(res.out) {
		var i, status int
		if n, _ := fmt.Sscanf(line, "%d %d", &i, &status); n != 2 {
			continue
		}
		tried++
		if status == 0 && !harmless(commands[i]) {
			t.Errorf("%s succeeded: %s", commands[i], line)
		}
	}
	if tried != len(commands) {
		t.Errorf("%d of %d were tried: %s %s", tried, len(commands), res.out, res.err)
	}
	if after := machine(t, w.home); after != before {
		t.Errorf("the machine changed:\n%s\n%s", before, after)
	}
}

// harmless are those that may say 0 because they do nothing, or nothing more
// than any program could. They are held to the state of the machine.
func harmless(command string) bool {
	for _, name := range []string{"su ", "sudo ", "dpkg --configure", "umount", "apt-get", "chroot"} {
		if strings.HasPrefix(command, name) {
			return os.Getuid() == 0 // root asks root
		}
	}
	return strings.HasPrefix(command, "crontab -l") || strings.HasPrefix(command, "swapoff -a") // where there is none
}

// machine is what the commands above would change.
func machine(t *testing.T, home string) string {
	t.Helper()
	var text strings.Builder
	for _, name := range []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/var/lib/dpkg/status", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/modules", "/proc/swaps", "/etc/hostname"} {
		info, err := os.Stat(name)
		if err != nil {
			continue
		}
		content := ""
		if strings.HasPrefix(name, "/proc/") && name != "/proc/modules" {
			data, _ := os.ReadFile(name)
			content = string(data)
		}
		if strings.HasPrefix(name, "/etc") {
			content = info.ModTime().String()
		}
		fmt.Fprintln(&text, name, info.Mode(), content)
	}
	table, err := mounttest.Table(home)
	if err != nil {
		t.Fatal(err)
	}
	return text.String() + strings.Join(table, "\n")
}

// Under `system_commands: false` a system command is refused by name; a copy
// with another name runs, and is no more than any other program.
func TestRenamedSystemCommands(t *testing.T) {
	w := newWorld(t).allow("project")
	res := w.sh(`cd ~/project; for p in sudo su mount umount passwd; do
$p --version >/dev/null 2>&1 && echo "$p ran"
cp $(command -v $p) tool-$p 2>/dev/null && chmod 4755 tool-$p 2>/dev/null && echo "$p has its bit"
done
chmod 755 tool-*; ls -l tool-* | grep -c '^-rws'
./tool-sudo -n id -u; ./tool-su -c 'id -u' </dev/null; ./tool-mount -t tmpfs none /tmp && echo mounted; ./tool-umount /usr && echo unmounted
mount=tool-mount; ln -s /usr/bin/sudo link-tool; ./link-tool -n id -u && echo "by link"; true`)
	for _, bad := range []string{" ran", "has its bit", "mounted", "by link"} {
		if strings.Contains(res.out, bad) {
			t.Errorf("%q: %s %s", bad, res.out, res.err)
		}
	}
	if os.Getuid() != 0 && strings.Contains(res.out, "\n0\n") && !strings.HasPrefix(res.out, "0\n") {
		t.Errorf("somebody is root: %s", res.out)
	}
	refused := 0
	for _, d := range res.denials {
		if d.Class == policy.ClassExec && d.Rule == "system_commands: false" {
			refused++
		}
	}
	if refused < 5 {
		t.Errorf("told: %+v", res.denials)
	}
}

// A link that has a system command's name is that command, wherever it leads: programs
// of many names, as busybox, do by their name.
func TestLinkNamedAsASystemCommand(t *testing.T) {
	w := newWorld(t).allow("project")
	res := w.sh(`cd ~/project; for name in sudo mount tool; do ln -s /usr/bin/env $name; ./$name echo "$name ran"; done`)
	if res.out != "tool ran\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	refused := 0
	for _, d := range res.denials {
		if d.Class == policy.ClassExec && d.Operation == "execve" && d.Rule == "system_commands: false" {
			refused += max(1, d.Count)
		}
	}
	if refused != 2 {
		t.Errorf("told: %q", w.brief(res.denials))
	}
}

// What a role forbids, the agent's own permissions do not give back, and the
// other way round: seen in what runs.
func TestRoleAndAgentHold(t *testing.T) {
	w := newWorld(t)
	yes, no := true, false
	for _, c := range []struct {
		role, own policy.Permissions
		script    string
		want      string
	}{
		{policy.Permissions{ExecuteCommands: &no}, policy.Permissions{ExecuteCommands: &yes}, "ls / >/dev/null 2>&1 && echo ran; echo end", "end\n"},
		{policy.Permissions{ExecuteCommands: &yes}, policy.Permissions{ExecuteCommands: &no}, "ls / >/dev/null 2>&1 && echo ran; echo end", "end\n"},
		{policy.Permissions{SystemCommands: &no}, policy.Permissions{SystemCommands: &yes}, "mount --version >/dev/null 2>&1 && echo ran; echo end", "end\n"},
		{policy.Permissions{SystemCommands: &yes}, policy.Permissions{SystemCommands: &no}, "mount --version >/dev/null 2>&1 && echo ran; echo end", "end\n"},
		{policy.Permissions{SystemCommands: &yes}, policy.Permissions{SystemCommands: &yes}, "mount --version >/dev/null 2>&1 && echo ran; echo end", "ran\nend\n"},
		{policy.Permissions{FileWrite: &no}, policy.Permissions{AllowedPaths: []policy.PathEntry{{Path: w.path("project")}}}, "echo x > " + w.path("project/new") + " && echo wrote; echo end", "end\n"},
	} {
		p, problems := policy.Compile(policy.Input{
			Agent: "coder", Home: w.home, StateDir: w.path(".openclaw"), Role: c.role, RoleKey: "roles.r", Own: c.own, OwnKey: "agents.coder",
		})
		if p == nil {
			t.Fatal(problems)
		}
		spec := w.spec("sh", "-c", c.script)
		spec.Policy = p
		_, wait := start(t, spec)
		if res := wait(); res.out != c.want {
			t.Errorf("%s with role %+v and own %+v: %q %q", c.script, c.role, c.own, res.out, res.err)
		}
	}
}
