package sandbox_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// nestedUser runs a test of a nested sandbox, which no root may have, as an
// ordinary user.
func nestedUser(t *testing.T) (user bool) {
	t.Helper()
	if os.Getuid() != 0 {
		return true
	}
	ordinary(t, "^"+t.Name()+"$")
	return false
}

// refusedNesting reports whether a run without the switch was told which it is.
func refusedNesting(list []sandbox.Denial) bool {
	return slices.ContainsFunc(list, func(d sandbox.Denial) bool { return d.Operation == "unshare" && d.Rule == "nested: false" })
}

// codex is the program of @openai/codex, as .ci/model-clients installs it.
func codex(t *testing.T) (folder, program string) {
	t.Helper()
	folder = "/var/tmp/openclaw-ci/model-clients"
	if dir := os.Getenv("OPENCLAW_TEST_MODEL_CLIENTS"); dir != "" {
		folder = dir
	}
	folder = filepath.Join(folder, "codex")
	found, _ := filepath.Glob(filepath.Join(folder, "node_modules/@openai/codex-linux-*/vendor/*/bin/codex"))
	require(t, len(found) == 1, "codex is not installed (.ci/model-clients)")
	return folder, found[0]
}

// Codex's own sandbox works inside, holds what it says, and the cage's walls
// stand around it.
func TestNestedCodexAsOrdinaryUser(t *testing.T) {
	if !nestedUser(t) {
		return
	}
	folder, program := codex(t)
	requireTool(t, "bwrap")
	w := nestedWorld(t)
	w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: folder, Access: policy.AccessRead})
	script := `mkdir -p ~/project/home && cd ~/project && export CODEX_HOME=$HOME/project/home CODEX=` + program + `
"$CODEX" sandbox -- sh -c 'echo in a sandbox; echo x > made; echo x > /etc/made; cat secret/key ~/.ssh/id_ed25519; exit 7'; echo ended $?
"$CODEX" sandbox -c 'sandbox_mode="workspace-write"' -- sh -c 'echo x > written; cat secret/key; exit 8'; echo ended $?`
	res := w.sh(script)
	if !strings.Contains(res.out, "in a sandbox\n") || !strings.Contains(res.out, "ended 7\n") || !strings.Contains(res.out, "ended 8\n") {
		t.Errorf("it did not run: %s\n%s", res.out, res.err)
	}
	if strings.Contains(res.out, "key\n") || w.exists("project/made") || !w.exists("project/written") {
		t.Errorf("not what each sandbox allows: %v %s\n%s", w.names("project"), res.out, res.err)
	}
	told := w.brief(res.denials)
	for _, want := range []string{"path.read open ~/.ssh/id_ed25519", "path.read open ~/project/secret/key"} {
		if !slices.Contains(told, want) {
			t.Errorf("%q was not told: %q", want, told)
		}
	}
	w.perms.Nested = nil
	if res := w.sh(script); strings.Contains(res.out, "in a sandbox") || !refusedNesting(res.denials) {
		t.Errorf("without the switch: %s\n%q", res.out, w.brief(res.denials))
	}
}

// A container's own root folder works inside, with root in it who is none.
func TestNestedContainerAsOrdinaryUser(t *testing.T) {
	if !nestedUser(t) {
		return
	}
	w := nestedWorld(t)
	script := `cd ~/project && mkdir -p root/bin root/proc root/old && cp -L /bin/sh /bin/cat /usr/bin/id root/bin/ &&
for each in $(ldd /bin/sh /bin/cat /usr/bin/id | grep -o '/[^ :]*' | sort -u); do mkdir -p "root${each%/*}"; cp -L "$each" "root$each"; done
PATH=$PATH:/usr/sbin unshare -Urmpf --mount-proc=$PWD/root/proc chroot root /bin/sh -c 'echo container of $(id -u), process $$; echo made > /made; cat /etc/passwd'`
	res := w.sh(script)
	if !strings.Contains(res.out, "container of 0, process 1\n") || strings.Contains(res.out, "root:") || w.read("project/root/made") != "made\n" {
		t.Errorf("%s\n%s", res.out, res.err)
	}
	w.perms.Nested = nil
	if res := w.sh(script); strings.Contains(res.out, "container") || !refusedNesting(res.denials) {
		t.Errorf("without the switch: %s\n%q", res.out, w.brief(res.denials))
	}
}

// chromiumVariable names the browser to test with, as "/usr/bin/chromium": it is
// too large to install for every change (Debian: chromium).
const chromiumVariable = "OPENCLAW_NESTED_CHROMIUM"

// Chromium runs a page's script with its own sandbox on.
func TestNestedChromiumAsOrdinaryUser(t *testing.T) {
	program := os.Getenv(chromiumVariable)
	if program == "" {
		t.Skipf("%s does not name a browser", chromiumVariable)
	}
	if !nestedUser(t) {
		return
	}
	w := nestedWorld(t)
	w.write("project/page.html", "<p><script>document.write(6*7)</script></p>")
	script := "HOME=/tmp " + program + " --headless --disable-gpu --user-data-dir=/tmp/profile --dump-dom file://" + w.path("project/page.html")
	if res := w.sh(script); !strings.Contains(res.out, "</script>42</p>") {
		t.Errorf("%s\n%s", res.out, res.err)
	}
	w.perms.Nested = nil
	if res := w.sh(script); strings.Contains(res.out, "42") || !refusedNesting(res.denials) {
		t.Errorf("without the switch: %s\n%q", res.out, w.brief(res.denials))
	}
}

// What is known of programs is said, with a cure for each that does not work.
func TestNestedPrograms(t *testing.T) {
	text := strings.Join(sandbox.NestedPrograms(), "\n")
	for _, word := range []string{"bubblewrap", "Codex", "Chromium", "--user-data-dir", "unshare", "podman", "crun", "Claude Code", "instead"} {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not said", word)
		}
	}
}
