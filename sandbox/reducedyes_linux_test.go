package sandbox_test

import (
	"sync/atomic"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// A yes to a connection that then was not made is not one to another that is made later
// by another way: the person is asked again, and a no holds.
func TestReducedYesIsToOneConnection(t *testing.T) {
	w := newWorld(t).reduced()
	yes := true
	w.perms.NetworkAccess, w.perms.Ask = &yes, []policy.Class{policy.ClassNet}
	w.perms.Network = &policy.Network{AllowOutbound: &yes}
	spec := w.spec("perl", "-MSocket", "-MMIME::Base64", "-e", `my ($token, $host, $port) = $ENV{HTTP_PROXY} =~ m{//(.*)@(.*):(\d+)} or die;
		socket(S, PF_INET, SOCK_STREAM, 0) and connect(S, pack_sockaddr_in($port, inet_aton($host))) or die "$!";
		connect(S, pack_sockaddr_in(7000, inet_aton("0.1.2.3"))) and die "connected twice";
		syswrite(S, "CONNECT 0.1.2.3:7000 HTTP/1.1\r\nProxy-Authorization: Basic " . encode_base64($token, "") . "\r\n\r\n"); print scalar <S>`)
	spec.Policy.Network.Blocked = nil // so that it may be asked about: no packet goes to such an address
	var asked atomic.Int64
	spec.Asker = asker(func(d sandbox.Denial) bool {
		if d.Target != "0.1.2.3:7000" {
			t.Errorf("asked: %s %s", d.Operation, d.Target)
		}
		return asked.Add(1) == 1
	})
	spec.Connected = func(c sandbox.Connection) { t.Errorf("connected: %+v", c) }
	_, wait := start(t, spec)
	res := wait()
	if asked.Load() != 2 || len(res.denials) != 1 {
		t.Errorf("asked %d times, out %q, err %q, denials %q", asked.Load(), res.out, res.err, w.brief(res.denials))
	}
}
