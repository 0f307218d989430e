package sandbox_test

import (
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
	for _, name := range []string{"read/s", "other/s"} {
		if err := os.MkdirAll(w.path(strings.TrimSuffix(name, "/s")), 0o700); err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("unix", w.path(name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
	}
	res := w.sh(`socat UNIX-LISTEN:/tmp/s,fork EXEC:cat & until [ -S /tmp/s ]; do sleep 0.05; done
server=$!; in="bwrap --unshare-user --unshare-net --dev-bind / /"
cat > /tmp/reach <<'E'
echo "$1" | timeout 20 socat - "UNIX-CONNECT:$2" 2>/dev/null && echo "reached $1" || echo "not $1"
E
$in sh /tmp/reach own /tmp/s
$in --ro-bind /tmp /tmp sh /tmp/reach bound /tmp/s
$in sh /tmp/reach readable ~/read/s
mkdir -p /tmp/m; $in --bind ~/read /tmp/m sh /tmp/reach mounted /tmp/m/s
$in --bind /tmp /mnt --bind ~/read /tmp sh /mnt/reach covered /tmp/s
ln -s ~/read/s /tmp/link; $in sh /tmp/reach linked /tmp/link
$in sh /tmp/reach dots /tmp/../tmp/s
$in --tmpfs /tmp --ro-bind ~/read/file /tmp/file sh -c 'echo x | socat - UNIX-CONNECT:/tmp/s 2>/dev/null || echo not empty'
$in sh /tmp/reach outside ~/other/s; kill $server`)
	want := []string{"own", "reached own", "bound", "reached bound", "not readable", "not mounted", "not covered", "not linked", "dots", "reached dots", "not empty", "not outside"}
	if got := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(res.out, "reached ", "reached_"), "not ", "not_")); !slices.Equal(got, fieldsOf(want)) {
		t.Errorf("got %q, want %q\n%s\n%q", got, want, res.err, w.brief(res.denials))
	}
	if !slices.ContainsFunc(w.brief(res.denials), func(s string) bool { return strings.Contains(s, "connect") && strings.Contains(s, "read/s") }) {
		t.Errorf("told: %q", w.brief(res.denials))
	}
}

func fieldsOf(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.ReplaceAll(line, " ", "_")
	}
	return out
}
