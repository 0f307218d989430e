package sandbox_test

import (
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// A nested sandbox reaches a socket of the cage's own in the cage's own /tmp,
// whatever it made of its tree; none of the host's, by whatever name it gives it.
func TestNestedSocketsAsOrdinaryUser(t *testing.T) {
	requireTool(t, "bwrap")
	requireTool(t, "socat")
	if !nestedUser(t) {
		return
	}
	w := nestedWorld(t)
	w.write("read/file", "x")
	w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: w.path("read"), Access: policy.AccessRead})
	memory, err := os.MkdirTemp("/dev/shm", "openclaw-nested-") //nolint:usetesting // a tmpfs, as the cage's own /tmp is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(memory) })
	answering(t, memory+"/s")
	w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: memory, Access: policy.AccessRead})
	for _, name := range []string{"read/s", "other/s"} {
		if err := os.MkdirAll(w.path(strings.TrimSuffix(name, "/s")), 0o700); err != nil {
			t.Fatal(err)
		}
		answering(t, w.path(name))
	}
	res := w.sh(`socat UNIX-LISTEN:/tmp/s,fork EXEC:cat & server=$!
socat -u OPEN:/dev/null UNIX-CONNECT:/tmp/s,retry=400,interval=0.05 2>/dev/null || echo nobody listens
in="bwrap --unshare-user --unshare-net --dev-bind / /"
cat > /tmp/reach <<'E'
echo "$1" | timeout 20 socat - "UNIX-CONNECT:$2" 2>/dev/null && echo "reached $1" || echo "not $1"
E
$in sh /tmp/reach own /tmp/s
$in --bind /tmp /mnt --bind ` + memory + ` /tmp sh /mnt/reach memory /tmp/s
$in --ro-bind /tmp /tmp sh /tmp/reach bound /tmp/s
$in sh /tmp/reach readable ~/read/s
mkdir -p /tmp/m; $in --bind ~/read /tmp/m sh /tmp/reach mounted /tmp/m/s
$in --bind /tmp /mnt --bind ~/read /tmp sh /mnt/reach covered /tmp/s
ln -s ~/read/s /tmp/link; $in sh /tmp/reach linked /tmp/link
$in sh /tmp/reach dots /tmp/../tmp/s
$in --tmpfs /tmp --ro-bind ~/read/file /tmp/file sh -c 'echo x | socat - UNIX-CONNECT:/tmp/s 2>/dev/null || echo not empty'
$in sh /tmp/reach outside ~/other/s; kill $server`)
	want := []string{"own", "reached own", "not memory", "bound", "reached bound", "not readable", "not mounted", "not covered", "not linked", "dots", "reached dots", "not empty", "not outside"}
	if got := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(res.out, "reached ", "reached_"), "not ", "not_")); !slices.Equal(got, fieldsOf(want)) {
		t.Errorf("got %q, want %q\n%s\n%q", got, want, res.err, w.brief(res.denials))
	}
	if !slices.ContainsFunc(w.brief(res.denials), func(s string) bool { return strings.Contains(s, "connect") && strings.Contains(s, "read/s") }) {
		t.Errorf("told: %q", w.brief(res.denials))
	}
}

// No program can make a socket in the cage's own /run, which is read-only: so a nested
// sandbox needs no way to one.
func TestNothingListensInRun(t *testing.T) {
	w := newWorld(t).allow("project")
	res := w.sh(`echo x > /run/x && echo made; mkdir /run/d && echo made; python3 -c 'import socket
socket.socket(socket.AF_UNIX).bind("/run/s"); print("made")'; true`)
	if res.out != "" {
		t.Errorf("%q", res.out)
	}
}

// A folder of the host's that the policy opens below /tmp is not the cage's own: a
// nested sandbox reaches no socket in it.
func TestNestedSocketsBelowTmpAsOrdinaryUser(t *testing.T) {
	requireTool(t, "bwrap")
	requireTool(t, "socat")
	if !nestedUser(t) {
		return
	}
	w := nestedWorld(t)
	folder, err := os.MkdirTemp("/tmp", "openclaw-nested-") //nolint:usetesting // it has to be below /tmp
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	answering(t, folder+"/s")
	w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: folder})
	res := w.sh("s=" + folder + `/s; reach='echo x | timeout 20 socat - UNIX-CONNECT:'$s' 2>/dev/null'
sh -c "$reach" > /dev/null && echo open; bwrap --unshare-user --dev-bind / / sh -c "$reach" && echo reached; true`)
	if res.out != "open\n" {
		t.Errorf("%q %q\n%q", res.out, res.err, w.brief(res.denials))
	}
}

// answering is a service of the host that sends back what it gets: whoever reaches it
// sees that at once.
func answering(t *testing.T, name string) {
	t.Helper()
	listener, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	serveEach(t, listener, func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
}

func fieldsOf(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.ReplaceAll(line, " ", "_")
	}
	return out
}
