package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Extended attributes cannot be set in the reduced mode, by whatever call: each is told
// with its file and a rule, that of the policy where it is one.
func TestReducedTellsOfExtendedAttributes(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	const setxattrat, removexattrat, fileSetattr = 463, 466, 469
	res := w.sh(fmt.Sprintf(`cd ~/project; for l in link linked taken2; do ln -s ../other/notes.txt $l; done; touch named opened at taken taken3 changed; perl -e '
		$n = "user.x"; $v = "value"; $b = "\0" x 32; sub try { my $r = syscall(shift, @_); print $r < 0 && $!{EOPNOTSUPP} ? "." : " $r $! " }
		open F, "+<", "opened"; open G, "+<", "taken3"; pipe R, W;
		try(%d, $p = "named", $n, $v, 5, 0); try(%d, $p = "link", $n, $v, 5, 0); try(%d, $p = "linked", $n, $v, 5, 0); try(%d, fileno(F), $n, $v, 5, 0);
		try(%d, -100, $p = "at", 0, $n, $b, 16); try(%d, $p = "taken", $n); try(%d, $p = "taken2", $n); try(%d, fileno(G), $n);
		try(%d, -100, $p = "changed", $b, 24, 0); try(%d, -100, $p = "at", 0, $n); try(%d, fileno(R), $n, $v, 5, 0);
		try(%d, $p = "../other/notes.txt", $n, $v, 5, 0); $r = syscall(%d, $p = "missing", $n, $v, 5, 0); print $!{ENOENT} ? "none" : "$r $!"'`,
		unix.SYS_SETXATTR, unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, setxattrat, unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR,
		unix.SYS_FREMOVEXATTR, fileSetattr, removexattrat, unix.SYS_FSETXATTR, unix.SYS_SETXATTR, unix.SYS_SETXATTR))
	want := []string{
		"path.write removexattr ~/project/at", "path.write removexattr ~/project/taken", "path.write removexattr ~/project/taken2",
		"path.write removexattr ~/project/taken3", "path.write setattr ~/project/changed", "path.write setxattr ~/other/notes.txt",
		"path.write setxattr ~/other/notes.txt", "path.write setxattr ~/project/at", "path.write setxattr ~/project/linked",
		"path.write setxattr ~/project/named", "path.write setxattr ~/project/opened",
	}
	got := w.brief(res.denials)
	slices.Sort(got)
	if !slices.Equal(got, want) || res.out != strings.Repeat(".", 12)+"none" {
		t.Errorf("out %q, err %q, told\n%s", res.out, res.err, strings.Join(got, "\n"))
	}
	for _, d := range res.denials {
		if mode := strings.Contains(d.Rule, "reduced mode"); d.PID == 0 || d.Program == "" || mode == strings.HasSuffix(d.Target, "notes.txt") {
			t.Errorf("%+v", d)
		}
	}
}
