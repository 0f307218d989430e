package main

import (
	"strings"
	"syscall"
	"testing"
)

// A path of the config that holds a value which the gateway knows is shown without it, in
// a policy, in an answer of it, in the config and in what is wrong with it, as text and as
// JSON; the answer stays what it is. The gateway knows all that is stored from its first
// moment on: nobody has used the value yet, nor ever uses the one from before a rotation.
func TestAConfigIsShownWithoutASecret(t *testing.T) {
	t.Parallel()
	const older = "gnu river 9982 candle"
	p := newPerson(t)
	p.configure("agents:\n  coder:\n    permissions: {denied_paths: ['/srv/" + knownCanary + "', '/old/" + older + "'], network: {allowed_domains: [" + keyCanary + ".example]}}\n")
	first := p.gateway()
	p.says("vault", "init", "--key-file")
	for name, value := range map[string]string{"anthropic": older, "spoken": keyCanary} {
		if r := p.given(value, "secrets", "set", name, "-"); r.code != 0 {
			t.Fatal(r)
		}
	}
	if r := p.given(knownCanary, "vault", "rotate-key", "anthropic", "--untested", "-"); r.code != 0 {
		t.Fatal(r)
	}
	config := p.config()
	write(t, p.configFile(), config+"# another version\n")
	p.says("gateway", "reload")
	p.says("gateway", "stop")
	<-first.ended
	p.gateway()

	for _, line := range []struct {
		code  int
		shows string
		args  []string
	}{
		{0, "/srv/[REDACTED]", []string{"agent", "show", "coder"}},
		{0, "/old/[REDACTED]", []string{"agent", "show", "--all", "--json", "coder"}},
		{0, "[REDACTED].example", []string{"agent", "list"}}, {0, "[REDACTED].example", []string{"agent", "list", "--json"}},
		{exitRefused, "/srv/[REDACTED]", []string{"agent", "test", "coder", "read", "/srv/" + knownCanary + "/x"}},
		{exitRefused, "/old/[REDACTED]", []string{"agent", "test", "--trace", "coder", "write", "/old/" + older}},
		{exitRefused, "/srv/[REDACTED]", []string{"agent", "test", "--json", "coder", "read", "/srv/" + knownCanary}},
		{0, "/srv/[REDACTED]", []string{"config", "show"}},
		{0, "# another version", []string{"config", "rollback", "1", "--dry-run"}},
	} {
		p.showsNone(line.code, line.shows, line.args...)
	}
	write(t, p.configFile(), strings.ReplaceAll(config, "coder:\n", "coder:\n    env: ['"+knownCanary+"']\n"))
	for _, args := range [][]string{{"config", "validate"}, {"config", "validate", "--json"}, {"config", "show"}, {"agent", "list"}, {"gateway", "reload"}} {
		p.showsNone(exitFailed, "[REDACTED]", args...)
	}
}

// showsNone runs a command whose output shows something, and none of the canaries.
func (p *person) showsNone(code int, shows string, args ...string) {
	p.t.Helper()
	r := p.openclaw(args...)
	said := r.out + r.errors
	if r.code != code || !strings.Contains(said, shows) {
		p.t.Errorf("%q: %+v, want %d and %q", args, r, code, shows)
	}
	for _, secret := range []string{knownCanary, keyCanary, "river 9982"} {
		if strings.Contains(said, secret) {
			p.t.Errorf("%q shows a secret: %s", args, said)
		}
	}
}

// What lies in a keychain is known soon after the start, though nothing has used it.
func TestAKeychainIsKnownFromTheStart(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("agents:\n  coder:\n    permissions: {denied_paths: ['/srv/" + knownCanary + "']}\n")
	p.keyring()
	gateway := p.gateway()
	if r := p.given(knownCanary, "secrets", "set", "spare", "-"); r.code != 0 {
		t.Fatal(r)
	}
	p.says("gateway", "stop")
	<-gateway.ended
	p.gateway()
	p.eventually("a redactor that knows the keychain", func() bool {
		return strings.Contains(p.says("agent", "show", "coder"), "/srv/[REDACTED]")
	})
}

// Where a gateway runs and does not answer, nothing of the config is shown: only it
// knows what must not be.
func TestNothingIsShownThatNoGatewayLookedAt(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("agents:\n  coder:\n    permissions: {denied_paths: ['/srv/" + knownCanary + "']}\n")
	gateway := p.gateway()
	if err := syscall.Kill(gateway.pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r := p.openclaw("config", "show")
	if err := syscall.Kill(gateway.pid(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if r.code != exitFailed || r.out != "" || !strings.Contains(r.errors, "did not take out the secrets that it knows") {
		t.Errorf("%+v", r)
	}
}
