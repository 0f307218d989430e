package gateway

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/configs"
)

// tool finds a program that this test is about.
func tool(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal("required here: ", names[0])
	}
	t.Skip("not installed: " + names[0])
	return ""
}

// scanned is a gateway that takes TLS 1.2 as well: the widest that a config opens.
func scanned(t *testing.T) (*secured, string) {
	t.Helper()
	layout := configs.Layout{Root: filepath.Join(shortDir(t), "s")}
	s := &secured{port: freePort(t)}
	s.ca, s.roots = newAuthority(t, layout)
	issueServer(t, s.ca, layout, "localhost", "127.0.0.1")
	s.house = build(t, layout, s.port, tlsLines("optional", layout, "    min_tls_version: \"1.2\"\n"), nil).run()
	return s, filepath.Join(layout.Certs(), "ca.crt")
}

// runTool runs a scanner for at most this long; its own exit status counts nothing,
// because it is the number of what it dislikes.
func runTool(t *testing.T, patience time.Duration, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.WaitDelay = t.TempDir(), 5*time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s did not end within %s: %s", path, patience, out)
	}
	if len(out) == 0 {
		t.Fatal(path, err)
	}
	return string(out)
}

// testssl.sh finds no version, suite, weakness or misconfiguration that it calls
// worse than good.
func TestTestsslRunsClean(t *testing.T) {
	t.Parallel() // it waits more than it works
	program := tool(t, "testssl", "testssl.sh")
	s, _ := scanned(t)
	report := filepath.Join(t.TempDir(), "report.json")
	// A session of its own: at its end testssl.sh signals its whole process group.
	out := runTool(t, 8*time.Minute, tool(t, "setsid"), "--wait", program, "--quiet", "--color", "0", "--warnings", "off", "--assume-http", "--nodns", "none", "--ip", "127.0.0.1",
		"--connect-timeout", "30", "--openssl-timeout", "30", "--protocols", "--std", "--heartbleed", "--renegotiation", "--compression", "--tls-fallback", "--jsonfile", report, fmt.Sprintf("localhost:%d", s.port))
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err, out)
	}
	var findings []struct{ ID, Severity, Finding string }
	if err := json.Unmarshal(text, &findings); err != nil {
		t.Fatal(err, string(text))
	}
	said := map[string]string{}
	for _, f := range findings {
		said[f.ID] = f.Severity + " " + f.Finding
		if slices.Contains([]string{"LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL"}, f.Severity) || f.Severity == "WARN" && f.ID != "engine_problem" {
			t.Errorf("%s: %s: %s", f.Severity, f.ID, f.Finding)
		}
	}
	// It has seen what it was to see.
	// Its other checks are of suites that --std finds not to be there, and take
	// minutes.
	for id, want := range map[string]string{
		"SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered", "TLS1_2": "offered", "TLS1_3": "offered",
		"heartbleed": "not vulnerable", "cipherlist_STRONG": "offered", "cipherlist_AVERAGE": "not offered", "CRIME_TLS": "not vulnerable", "secure_client_renego": "not vulnerable",
	} {
		if !strings.Contains(said[id], want) {
			t.Errorf("%s: %q, want %q", id, said[id], want)
		}
	}
	if t.Failed() {
		t.Log(out, said)
	}
}

// sslscan sees TLS 1.2 and 1.3 and strong suites only.
func TestSslscanRunsClean(t *testing.T) {
	program := tool(t, "sslscan")
	s, _ := scanned(t)
	out := runTool(t, 3*time.Minute, program, "--no-colour", "--xml=-", "--show-certificate", fmt.Sprintf("127.0.0.1:%d", s.port))
	var document struct {
		Test struct {
			Protocol []struct {
				Type    string `xml:"type,attr"`
				Version string `xml:"version,attr"`
				Enabled string `xml:"enabled,attr"`
			} `xml:"protocol"`
			Renegotiation struct {
				Secure string `xml:"secure,attr"`
			} `xml:"renegotiation"`
			Compression struct {
				Supported string `xml:"supported,attr"`
			} `xml:"compression"`
			Heartbleed []struct {
				Vulnerable string `xml:"vulnerable,attr"`
			} `xml:"heartbleed"`
			Cipher []struct {
				Version  string `xml:"sslversion,attr"`
				Cipher   string `xml:"cipher,attr"`
				Strength string `xml:"strength,attr"`
			} `xml:"cipher"`
		} `xml:"ssltest"`
	}
	if err := xml.Unmarshal([]byte(out[max(0, strings.Index(out, "<?xml")):]), &document); err != nil {
		t.Fatal(err, out)
	}
	enabled := []string{}
	for _, p := range document.Test.Protocol {
		if p.Enabled == "1" {
			enabled = append(enabled, p.Type+p.Version)
		}
	}
	if slices.Sort(enabled); !slices.Equal(enabled, []string{"tls1.2", "tls1.3"}) {
		t.Errorf("versions %v", enabled)
	}
	if s := document.Test.Compression.Supported; s != "" && s != "0" || len(document.Test.Heartbleed) == 0 {
		t.Errorf("%+v", document.Test)
	}
	for _, h := range document.Test.Heartbleed {
		if h.Vulnerable != "0" {
			t.Error("heartbleed")
		}
	}
	for _, c := range document.Test.Cipher {
		if c.Strength != "strong" && c.Strength != "acceptable" || !strings.HasPrefix(c.Cipher, "TLS_") && !strings.HasPrefix(c.Cipher, "ECDHE-") || strings.Contains(c.Cipher, "CBC") {
			t.Errorf("%+v", c)
		}
	}
	if len(document.Test.Cipher) < 4 {
		t.Errorf("%d suites", len(document.Test.Cipher))
	}
}

// openssl's client is a peer that is not Go: both versions, a client certificate,
// and a suite that is not offered.
func TestOpensslAsAPeer(t *testing.T) {
	program := tool(t, "openssl")
	s, authorityFile := scanned(t)
	pair, err := s.ca.Client("laptop")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "c.crt"), pair.Certificate)
	writeFile(t, filepath.Join(dir, "c.key"), pair.Key)
	peer := func(args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, append([]string{"s_client", "-connect", fmt.Sprintf("127.0.0.1:%d", s.port), "-servername", "localhost",
			"-verify_hostname", "localhost", "-CAfile", authorityFile, "-verify_return_error", "-ign_eof"}, args...)...)
		cmd.Stdin = strings.NewReader(fmt.Sprintf("GET /health HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n", s.port))
		out, _ := cmd.CombinedOutput() // a refusal ends with another status
		return string(out)
	}
	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"1.3":                  {[]string{"-tls1_3"}, `"status":"live"`},
		"1.2":                  {[]string{"-tls1_2"}, `"status":"live"`},
		"a client certificate": {[]string{"-cert", filepath.Join(dir, "c.crt"), "-key", filepath.Join(dir, "c.key")}, `"status":"live"`},
		"1.1":                  {[]string{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, "alert"},
		"a CBC suite":          {[]string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"}, "handshake failure"},
	} {
		if out := peer(row.args...); !strings.Contains(out, row.want) || row.want == "alert" && strings.Contains(out, "live") {
			t.Errorf("%s: %s", name, out)
		}
	}
	if out := peer("-tls1_3"); !strings.Contains(out, "Verify return code: 0 (ok)") {
		t.Error("openssl does not verify our authority's certificate:", out)
	}
}
