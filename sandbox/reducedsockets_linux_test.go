package sandbox_test

import (
	"strings"
	"testing"
)

// A socket says the path that its program wrote: multiprocessing hands it to the other
// processes, and Go removes the file by it.
func TestReducedSocketsHaveTheirNames(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	res := w.sh(`cd ~/project; umask 077; perl -MIO::Socket::UNIX -e 'for my $name ("relative", "$ENV{HOME}/project/absolute") {
		my $l = IO::Socket::UNIX->new(Local => $name, Listen => 1) or die "$!\n"; my $c = IO::Socket::UNIX->new(Peer => $l->hostpath) or die "$name: $!\n";
		my $d = $l->accept; printf "%s %o ", $d->hostpath, (stat $d->hostpath)[2] & 07777; unlink($d->hostpath) or die $! }'`)
	if res.out != "relative 700 "+w.path("project/absolute")+" 700 " || w.exists("project/relative") || w.exists("project/absolute") {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	res = w.sh(`python3 -c 'import multiprocessing; shared = multiprocessing.Manager().dict(); shared["one"] = 1; print(shared["one"])'`)
	if res.out != "1\n" || len(res.denials) > 0 {
		t.Errorf("out %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
	}
}

// Words that another process may lead elsewhere are not followed where the policy, as it
// is now, denies something further down: the socket is in the folder that was judged.
func TestReducedSocketsStayAboveWhatIsDeniedLater(t *testing.T) {
	w := newWorld(t).reduced().allow("project", "other")
	w.write("project/secret/file", "")
	k := newTalk(t, w)
	bind := func(folder string) string {
		return k.run(`perl -MIO::Socket::UNIX -e 'print IO::Socket::UNIX->new(Local => "'$HOME'/` + folder + `/socket", Listen => 1)->hostpath'`)
	}
	if said := bind("project"); said != w.path("project/socket") {
		t.Fatalf("before: %q", said)
	}
	k.run("rm ~/project/socket; echo removed")
	w.deny("project/secret")
	if _, err := k.process.Update(w.policy()); err != nil {
		t.Fatal(err)
	}
	if said := bind("project"); !strings.HasPrefix(said, "/proc/self/fd/") || !strings.HasSuffix(said, "/socket") || !w.exists("project/socket") {
		t.Errorf("after: %q", said)
	}
	if said := bind("other"); said != w.path("other/socket") {
		t.Errorf("elsewhere: %q", said)
	}
}
