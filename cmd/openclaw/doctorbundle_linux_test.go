package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A support bundle holds what helps, for its owner alone, and no secret: not one that
// became one after it was logged, nor one of the person's own environment. It overwrites
// nothing, and says what is in it.
func TestASupportBundle(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	const late, mine = "winter-harbor-7431-lantern", "meadow-copper-2298-violin"
	p.environ = append(p.environ, "MY_OWN_TOKEN="+mine)
	port := p.configure("providers:\n  anthropic: {base_url: \"http://127.0.0.1:9\"}\nagents:\n  coder: {}\n")
	gateway := p.gateway()
	p.says("vault", "init", "--key-file")
	// Logged, audited and shown before it is a secret.
	response, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/v1/%s-%s", port, late, mine), "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	p.eventually("the log's line", func() bool {
		text, _ := os.ReadFile(filepath.Join(p.home, ".openclaw", "logs", "gateway.log"))
		return strings.Contains(string(text), late)
	})
	if r := p.command("sh", "-c", `printf %s "$1" | "$2" secrets set late -`, "sh", late, p.binary); r.code != 0 {
		t.Fatal(r)
	}

	file := filepath.Join(p.home, "support.tar.gz")
	said := p.says("doctor", "--bundle", file, "--lines", "200")
	for _, want := range []string{"mode 0600", "Look through it before you send it", "Nothing was sent anywhere", "gateway.log", "audit.log", "doctor.txt", "config.yaml", "bans.json"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said:\n%s", want, said)
		}
	}
	text := unpacked(t, file)
	for _, want := range []string{
		"openclaw-support/README.txt", "openclaw-support/versions.json", `"go": "go1`, "openclaw-support/capabilities.json", "openclaw-support/doctor.txt", "kernel ",
		"openclaw-support/overview.json", `"listeners"`, "openclaw-support/runtime.json", `"goroutines"`, "openclaw-support/bans.json", "openclaw-support/connections.json",
		"openclaw-support/config.yaml", "config.yaml:2", "openclaw-support/gateway.log", "the gateway is ready", "openclaw-support/audit.log", `"gateway_start"`,
		"openclaw-support/timings.json", "gateway_answer_ms", "[REDACTED]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the bundle", want)
		}
	}
	for _, secret := range []string{late, mine} {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("the bundle holds a secret: …%s…", text[max(0, i-200):i+len(secret)])
		}
	}
	before := contents(t, file)
	if r := p.openclaw("doctor", "--bundle", file); r.code != exitUsage || !strings.Contains(r.errors, "is there already") || contents(t, file) != before {
		t.Errorf("overwritten: %+v", r)
	}
	if err := os.Symlink("nowhere", filepath.Join(p.home, "link")); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]string{{"--bundle", filepath.Join(p.home, "link")}, {"--bundle", filepath.Join(p.home, "none", "x")}, {"--bundle", filepath.Join(p.home, "x"), "--lines", "0"}, {"--bundle", "x", "--json"}} {
		if r := p.openclaw(append([]string{"doctor"}, bad...)...); r.code == 0 || r.errors == "" {
			t.Errorf("%q: %+v", bad, r)
		}
	}

	// Without a gateway, and with a config that does not load: that is when it is needed.
	p.says("gateway", "stop")
	<-gateway.ended
	if said := p.says("doctor", "--bundle", file+".2"); !strings.Contains(said, "no gateway runs here") {
		t.Errorf("it does not say that no gateway runs:\n%s", said)
	}
	if text := unpacked(t, file+".2"); strings.Contains(text, mine) || !strings.Contains(text, "the gateway is ready") {
		t.Error("without a gateway: no log, or a secret of the environment")
	}
	write(t, p.configFile(), "gateway: {prot: 1}\n")
	p.says("doctor", "--bundle", file+".3")
	if text := unpacked(t, file+".3"); !strings.Contains(text, "openclaw-support/config-error.txt") || !strings.Contains(text, "prot") || !strings.Contains(text, "the gateway is ready") {
		t.Errorf("with a broken config:\n%.2000s", text)
	}
	if left, _ := filepath.Glob(filepath.Join(p.home, ".support*")); len(left) != 0 { // the pattern is ours
		t.Errorf("left behind: %q", left)
	}
}
