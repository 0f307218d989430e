package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway"
	"openclaw/gateway/event"
	"openclaw/gateway/porttest"
	"openclaw/gateway/wire"
)

// canaries are a secret that only the gateway knows, and one that its form
// gives away.
const (
	knownCanary  = "zebra mountain 7431 blanket"
	shapedCanary = "sk-ant-api03-Zk3vQ9xTb7LmW2pR8sHd5cYf1gNa6jEu4iKoV0wZk3vQ9xTb7LmW2pR8sHd5cYf1gNa6jEu4iKoV0wZk3vQ9xTbAA"
)

// canaryHouse is a gateway with a canary among its secrets, and a terminal
// whose output goes to files.
func canaryHouse(t *testing.T) (*terminal, *house) {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	root, err := os.MkdirTemp("", "openclaw-sinks-") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	layout := configs.Layout{Root: filepath.Join(root, "s")}
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	port := porttest.Free(t)
	if err := os.WriteFile(layout.Config(), fmt.Appendf(nil, "gateway: {port: %d}\n", port), 0o600); err != nil {
		t.Fatal(err)
	}
	file := func(name string) *os.File {
		f, err := os.Create(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	getenv := func(name string) string {
		if name == "OPENCLAW_HOME" {
			return layout.Root
		}
		return ""
	}
	term := &terminal{in: file("in"), out: file("out"), err: file("err"), getenv: getenv}
	h, err := term.build(t.Context(), layout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	if !h.masker.Add("canary", []byte(knownCanary)) {
		t.Fatal("the canary cannot be registered")
	}
	return term, h
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A secret that is put into everything that can leave this program comes out
// of none of it. TestEverySinkIsInTheCanarysWay fails when there is another.
func TestNoSinkShowsASecret(t *testing.T) {
	term, h := canaryHouse(t)
	said := "dial: key " + knownCanary + " and " + shapedCanary + " refused"
	shaped := "dial: key " + shapedCanary + " refused"
	ctx, cancel := context.WithCancel(t.Context())
	var events strings.Builder
	subscription := h.bus.Subscribe(64)
	defer subscription.Close()

	sinks := map[string]func() string{
		"the gateway's log": func() string {
			h.log.Logger().With("with", said).Error(said, //nolint:sloglint // the message is what is tested
				slog.Any("error", errors.New(said)), slog.String("password", "hunter2x"), slog.Any("list", []string{said}))
			return contents(t, h.layout.GatewayLog())
		},
		"the audit log": func() string {
			if err := h.recordAudit(ctx, gateway.AuditEntry{Event: "run_start", User: said, Action: said, Path: said, Target: said, Reason: said, Details: map[string]any{said: []any{said}}}); err != nil {
				t.Error(err)
			}
			return contents(t, h.audit.Path())
		},
		"an event": func() string {
			h.bus.Publish(event.Event{Kind: event.KindNotice, Notice: &event.Notice{Level: "warn", Text: said}})
			h.bus.Publish(event.Event{Kind: event.KindConnection, Connection: &event.Connection{Detail: said, Route: said, Client: said}})
			for {
				select {
				case e := <-subscription.C(): // what was published is here already
					text, err := json.Marshal(e)
					if err != nil {
						t.Error(err)
					}
					events.Write(text)
				default:
					return events.String()
				}
			}
		},
		"a run's spool": func() string {
			w := term.spool(h.layout, "coder", wire.RunStarted{Run: "r-1", Token: "oca_00000000000000000000000000000000000000000000000"})
			if err := w.Append(1, []event.Denial{{Target: shaped, Program: shaped, CommandLine: "x --token " + shapedCanary}}); err != nil {
				t.Error(err)
			}
			w.Seal()
			var all strings.Builder
			_ = filepath.WalkDir(h.layout.Spool(), func(path string, entry fs.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					all.WriteString(contents(t, path))
				}
				return err
			})
			return all.String()
		},
		"an error of a command": func() string {
			term.report(&failure{err: errors.New(said), hint: "see " + said})
			return contents(t, term.err.Name())
		},
		"a warning of a command": func() string {
			term.warn("it said %s", shaped)
			return contents(t, term.err.Name())
		},
		"a command's JSON": func() string {
			if err := errors.Join(term.json(map[string]string{"detail": shaped}), term.jsonLine(map[string]string{"detail": shaped})); err != nil {
				t.Error(err)
			}
			return contents(t, term.out.Name())
		},
	}

	ended := make(chan error, 1)
	go func() { ended <- h.gateway.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	client, err := dialFor(ctx, h.layout, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	sinks["a refusal on the wire"] = func() string {
		var words strings.Builder
		for method, params := range map[string]any{
			"x " + shapedCanary:    nil,
			"x " + knownCanary:     nil,
			wire.MethodSecretTest:  wire.SecretTestParams{Reference: "env:" + said},
			wire.MethodSubscribe:   map[string]any{"kinds": []string{said}, said: said},
			wire.MethodAuditSearch: map[string]any{"since": said},
		} {
			var result json.RawMessage
			if err := client.Call(ctx, method, params, &result); err != nil {
				fmt.Fprintf(&words, "%v %#v\n", err, err)
			}
			words.Write(result)
		}
		return words.String()
	}

	for name, sink := range sinks {
		out := sink()
		for _, secret := range []string{knownCanary, shapedCanary, "hunter2x"} {
			if strings.Contains(out, secret) || strings.Contains(out, secret[:len(secret)*2/3]) {
				t.Errorf("%s shows a secret: %s", name, out)
			}
		}
		if !strings.Contains(out, "[REDACTED]") {
			t.Errorf("the canary did not come by at %s: %q", name, out)
		}
	}
}

// isSink knows the words with which Go code makes a way out.
func isSink(pkg, name string) bool {
	switch pkg {
	case "os":
		return name == "Stdout" || name == "Stderr"
	case "fmt":
		return strings.HasPrefix(name, "Print")
	case "log":
		return true
	case "slog":
		return name == "New" || name == "Default" || name == "SetDefault" || name == "Info" || name == "Warn" || name == "Error" || name == "Debug" || name == "NewLogLogger"
	case "debug":
		return name == "PrintStack" || name == "SetCrashOutput"
	case "t":
		return name == "out" || name == "err"
	case "audit", "logs":
		return name == "Open"
	case "spool":
		return name == "NewWriter"
	case "event":
		return name == "NewBus"
	case "syslog", "testlog", "expvar", "pprof":
		return true
	}
	return false
}

// Every way out of the program is known, and why no secret goes through it. A
// new one fails here: mask what it writes, put the canary through it above,
// and name it.
func TestEverySinkIsInTheCanarysWay(t *testing.T) {
	known := map[string]string{
		"cmd/openclaw/root.go t.out":                   "print shows what the gateway masked or a command was asked for; json masks: see the canary",
		"cmd/openclaw/root.go t.err":                   "warn and report mask: see the canary",
		"cmd/openclaw/main.go os.Stdout":               "becomes t.out",
		"cmd/openclaw/main.go os.Stderr":               "becomes t.err",
		"cmd/openclaw/house.go event.NewBus":           "masked by MaskWith: see the canary",
		"cmd/openclaw/house.go log.SetFlags":           "what libraries print, into the masked log",
		"cmd/openclaw/house.go log.SetOutput":          "what libraries print, into the masked log",
		"cmd/openclaw/house.go logs.Open":              "takes a masker or does not open: see the canary",
		"cmd/openclaw/house.go audit.Open":             "masks what it records: see the canary",
		"cmd/openclaw/agentrun.go spool.NewWriter":     "masks what it records: see the canary",
		"cmd/openclaw/agentrun.go t.out":               "the caged command's own terminal",
		"cmd/openclaw/agentrun.go t.err":               "the caged command's own terminal",
		"cmd/openclaw/agentredact.go t.out":            "behind the masker of the run",
		"cmd/openclaw/agentredact.go t.err":            "behind the masker of the run",
		"cmd/openclaw/agentlearn.go t.out":             "the caged command's own terminal",
		"cmd/openclaw/agentlearn.go t.err":             "the caged command's own terminal, and a question without data",
		"cmd/openclaw/asroot.go t.out":                 "a question, and a command of the system that the person agreed to",
		"cmd/openclaw/asroot.go t.err":                 "as above",
		"cmd/openclaw/table.go t.out":                  "rows of what the gateway masked",
		"cmd/openclaw/tui.go t.out":                    "the screen shows what the gateway masked",
		"cmd/openclaw/secretsimport.go t.err":          "a question without data",
		"cmd/openclaw/secrets.go t.err":                "a prompt: the name of a secret",
		"cmd/openclaw/passphrase.go t.err":             "a prompt",
		"cmd/openclaw/vaultentries.go t.out":           "the one secret that was asked for, by who opened the vault for it",
		"cmd/openclaw/doctor.go t.out":                 "a profile of AppArmor, made here",
		"cmd/openclaw/config.go t.out":                 "the config as it was asked for, its secrets as references; the person's editor",
		"cmd/openclaw/config.go t.err":                 "the person's editor",
		"cmd/openclaw/redact.go t.out":                 "the filter itself",
		"cmd/openclaw/measurepeers_linux.go os.Stderr": "a stand-in program that measures",
		"gateway/logs/log.go slog.New":                 "behind the masker: see the canary",
		"gateway/hub/hub.go slog.New":                  "discards",
		"gateway/chat/engine.go slog.New":              "discards",
		"gateway/deps.go slog.New":                     "discards",
		"gateway/listen.go slog.NewLogLogger":          "net/http's own words, into the masked log",
		"tui/program.go os.Stdout":                     "where nothing else is given: the screen shows what the gateway masked",
	}
	seen := map[string]bool{}
	for _, dir := range []string{"cmd", "configs", "gateway", "keychain", "tui"} {
		root := filepath.Join("..", "..", dir)
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			imported := map[string]bool{"t": true}
			for _, spec := range file.Imports {
				imported[strings.Trim(spec.Path.Value[strings.LastIndex(spec.Path.Value, "/")+1:], `"`)] = true
			}
			short := strings.TrimPrefix(filepath.ToSlash(path), "../../")
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if pkg, is := n.X.(*ast.Ident); is && imported[pkg.Name] && isSink(pkg.Name, n.Sel.Name) && (pkg.Name != "t" || strings.HasPrefix(short, "cmd/")) {
						seen[short+" "+pkg.Name+"."+n.Sel.Name] = true
					}
				case *ast.CallExpr:
					// A panic ends on the standard error of the process as it is.
					if f, is := n.Fun.(*ast.Ident); is && f.Name == "panic" && !harmlessPanic(n.Args[0]) {
						t.Errorf("%s: panic with something that may hold data; return an error", files.Position(n.Pos()))
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var unknown []string
	for sink := range seen {
		if known[sink] == "" {
			unknown = append(unknown, sink)
		}
	}
	slices.Sort(unknown)
	for _, sink := range unknown {
		t.Errorf("a new way out: %s: mask what it writes, put the canary through it in TestNoSinkShowsASecret, and name it here", sink)
	}
	for sink := range known {
		if !seen[sink] {
			t.Errorf("%s is no more: take it out of the list", sink)
		}
	}
}

// harmlessPanic: a constant, http.ErrAbortHandler, or what was recovered and
// goes on to net/http, which knows that value.
func harmlessPanic(argument ast.Expr) bool {
	switch a := argument.(type) {
	case *ast.BasicLit:
		return true
	case *ast.SelectorExpr:
		return a.Sel.Name == "ErrAbortHandler"
	case *ast.Ident:
		return a.Name == "p"
	}
	return false
}
