package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// sandboxRuntime is the program of @anthropic-ai/sandbox-runtime, by which Claude
// Code has its own sandbox, as .ci/model-clients installs it, and the node for it.
func sandboxRuntime(t *testing.T) (folder, command string) {
	t.Helper()
	folder = "/var/tmp/openclaw-ci/model-clients"
	if dir := os.Getenv("OPENCLAW_TEST_MODEL_CLIENTS"); dir != "" {
		folder = dir
	}
	node, err := exec.LookPath("node")
	if found, _ := filepath.Glob(filepath.Join(folder, "node/node_modules/node-linux-*/bin/node")); len(found) == 1 {
		node, err = found[0], nil
	}
	require(t, err == nil, "node is not installed")
	program := filepath.Join(folder, "sandbox-runtime/node_modules/@anthropic-ai/sandbox-runtime/dist/cli.js")
	_, err = os.Stat(program)
	require(t, err == nil, "sandbox-runtime is not installed (.ci/model-clients)")
	return folder, node + " " + program
}

// Claude Code's own sandbox works inside: it holds what it says, reaches the
// network by its proxy, and the cage's walls stand around it.
func TestNestedSandboxRuntimeAsOrdinaryUser(t *testing.T) {
	if !nestedUser(t) {
		return
	}
	folder, command := sandboxRuntime(t)
	for _, name := range []string{"bwrap", "socat", "rg", "curl"} {
		requireTool(t, name)
	}
	w := nestedWorld(t)
	w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: folder, Access: policy.AccessRead})
	allowed := serve(t, "allowed")
	yes := true
	w.perms.NetworkAccess = &yes
	w.perms.Network = &policy.Network{AllowOutbound: &yes, AllowedDomains: []string{"allowed.test"}, AllowedIPs: []string{allowed.String()}}
	w.write("project/settings.json", `{"network":{"allowedDomains":["allowed.test","refused.test"],"deniedDomains":[]},
"filesystem":{"denyRead":["`+w.path("project/private")+`"],"allowWrite":["."],"denyWrite":[]}}`)
	w.write("project/private/file", "a private text")
	port := strconv.Itoa(int(allowed.Port()))
	script := `cd ~/project; ` + command + ` --settings settings.json -c 'echo in a sandbox; echo x > made; cat private/file; echo x > ~/outside; cat secret/key
for try in $(seq 200); do curl -s -o made -m 20 http://unnamed.test:` + port + `/ && break; sleep 0.1; done # its proxy may listen a moment after this begins
for host in allowed.test refused.test unnamed.test; do echo "$host: $(curl -s -m 20 http://$host:` + port + `/)"; done; curl --noproxy "*" -s -m 20 http://allowed.test:` + port + `/; exit 7'; echo ended $?`
	run := func() result {
		_, wait := startBy(t, "", w.spec("sh", "-c", script))
		return wait()
	}
	res := run()
	for _, want := range []string{"in a sandbox\n", "allowed.test: allowed\n", "ended 7\n"} {
		if strings.Count(res.out, want) != 1 {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(res.out, "private text") || strings.Contains(res.out, "key\n") || w.exists("outside") || !w.exists("project/made") {
		t.Errorf("not what the sandbox and the cage allow: %q", w.names("project"))
	}
	if strings.Contains(res.out, "refused.test: allowed") || strings.Contains(res.out, "unnamed.test: allowed") {
		t.Error("a host was reached that may not be")
	}
	told := w.brief(res.denials)
	if !slices.Contains(told, "path.read open ~/project/secret/key") || !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, "refused.test") }) {
		t.Errorf("told: %q", told)
	}
	if slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, "unnamed.test") }) {
		t.Error("its own proxy let a name through that it was not to")
	}
	if t.Failed() {
		t.Logf("%s\n%s\n%q", res.out, res.err, told)
	}
	w.perms.Nested = nil
	res = run()
	for range 4 { // it gives up by itself where the programs that it needs do not answer within a second
		if !strings.Contains(res.out, "in a sandbox") && len(res.denials) == 0 {
			res = run()
		}
	}
	if strings.Contains(res.out, "in a sandbox") || !refusedNesting(res.denials) {
		t.Errorf("without the switch: %s\n%q", res.out, w.brief(res.denials))
	}
}
