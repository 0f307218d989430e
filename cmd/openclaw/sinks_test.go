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
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway"
	"openclaw/gateway/event"
	"openclaw/gateway/porttest"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
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
	client, err := dialFor(ctx, h.layout, time.Minute)
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

// Every field of every kind of event is masked on the bus, a new one too, and on its way
// to a client. A policy is the config's own words, and a chat is no event of the bus.
func TestNoEventShowsASecret(t *testing.T) {
	masker, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	bus := event.NewBus(nil)
	bus.MaskWith(masker.Text)
	subscription := bus.Subscribe(64)
	defer subscription.Close()
	whole := reflect.TypeFor[event.Event]()
	kinds := 0
	for i := range whole.NumField() {
		if whole.Field(i).Type.Kind() != reflect.Pointer {
			continue
		}
		kinds++
		var e event.Event
		part := reflect.New(whole.Field(i).Type.Elem())
		fill(part.Elem(), "dial: key "+shapedCanary+" refused")
		reflect.ValueOf(&e).Elem().Field(i).Set(part)
		e.Kind = event.Kind(strings.ToLower(whole.Field(i).Name))
		bus.Publish(e)
		text, err := json.Marshal(<-subscription.C())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), shapedCanary[:60]) || !strings.Contains(string(text), "[REDACTED]") {
			t.Errorf("%s: %s", whole.Field(i).Name, text)
		}
	}
	if kinds < 9 {
		t.Errorf("only %d kinds", kinds)
	}
}

// fill puts a text into every place that holds one.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*policy.Policy]() {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, text)
		fill(value, text)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	default: // numbers and times hold none
	}
}

// isSink knows the words with which Go code makes a way out.
func isSink(pkg, name string) bool {
	switch pkg {
	case "os":
		return name == "Stdout" || name == "Stderr" || name == "WriteFile" || name == "Create" || name == "CreateTemp" || name == "OpenFile"
	case "exec":
		return strings.HasPrefix(name, "Command")
	case "file":
		return name == "Replace"
	case "net":
		return strings.HasPrefix(name, "Dial") || name == "Listen"
	case "dbus":
		return strings.HasPrefix(name, "Dial") || strings.HasPrefix(name, "Connect") || strings.HasPrefix(name, "Session")
	case "zip", "tar", "gzip":
		return name == "NewWriter"
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
		"cmd/openclaw/root.go t.out":                               "print shows what the gateway masked or a command was asked for; json masks: see the canary",
		"cmd/openclaw/root.go t.err":                               "warn and report mask: see the canary",
		"cmd/openclaw/main.go os.Stdout":                           "becomes t.out",
		"cmd/openclaw/main.go os.Stderr":                           "becomes t.err",
		"cmd/openclaw/house.go event.NewBus":                       "masked by MaskWith: see the canary",
		"cmd/openclaw/house.go log.SetFlags":                       "what libraries print, into the masked log",
		"cmd/openclaw/house.go log.SetOutput":                      "what libraries print, into the masked log",
		"cmd/openclaw/house.go logs.Open":                          "takes a masker or does not open: see the canary",
		"cmd/openclaw/house.go audit.Open":                         "masks what it records: see the canary",
		"cmd/openclaw/agentrun.go spool.NewWriter":                 "masks what it records: see the canary",
		"cmd/openclaw/agentattach.go t.out":                        "a run's own terminal, to the person who attached to it",
		"cmd/openclaw/agentpane.go t.out":                          "asked for its size",
		"cmd/openclaw/agentrun.go t.out":                           "the caged command's own terminal",
		"cmd/openclaw/agentrun.go t.err":                           "the caged command's own terminal",
		"cmd/openclaw/agentredact.go t.out":                        "behind the masker of the run",
		"cmd/openclaw/agentredact.go t.err":                        "behind the masker of the run",
		"cmd/openclaw/agentlearn.go t.out":                         "the caged command's own terminal",
		"cmd/openclaw/agentlearn.go t.err":                         "the caged command's own terminal, and a question without data",
		"cmd/openclaw/asroot.go t.out":                             "a question, and a command of the system that the person agreed to",
		"cmd/openclaw/asroot.go t.err":                             "as above",
		"cmd/openclaw/table.go t.out":                              "rows of what the gateway masked",
		"cmd/openclaw/tui.go t.out":                                "the screen shows what the gateway masked",
		"cmd/openclaw/secretsimport.go t.err":                      "a question without data",
		"cmd/openclaw/secrets.go t.err":                            "a prompt: the name of a secret",
		"cmd/openclaw/passphrase.go t.err":                         "a prompt",
		"cmd/openclaw/vaultentries.go t.out":                       "the one secret that was asked for, by who opened the vault for it",
		"cmd/openclaw/doctor.go t.out":                             "a profile of AppArmor, made here",
		"cmd/openclaw/config.go t.out":                             "the config as it was asked for, its secrets as references; the person's editor",
		"cmd/openclaw/config.go t.err":                             "the person's editor",
		"cmd/openclaw/redact.go t.out":                             "the filter itself",
		"cmd/openclaw/measurepeers_linux.go os.Stderr":             "a stand-in program that measures",
		"gateway/logs/log.go slog.New":                             "behind the masker: see the canary",
		"gateway/hub/hub.go slog.New":                              "discards",
		"gateway/chat/engine.go slog.New":                          "discards",
		"gateway/deps.go slog.New":                                 "discards",
		"gateway/listen.go slog.NewLogLogger":                      "net/http's own words, into the masked log",
		"cmd/openclaw/agentdetach.go exec.Command":                 "the run's own supervisor: the command line that the person typed",
		"cmd/openclaw/agentdetach.go os.CreateTemp":                "the supervisor's last words: looked at by TestNoCommandShowsASecret",
		"cmd/openclaw/asroot.go exec.CommandContext":               "a command of the system that the person agreed to",
		"cmd/openclaw/editor.go exec.CommandContext":               "the person's editor, with the config's path",
		"cmd/openclaw/doctorbundle.go gzip.NewWriter":              "all of a support bundle is masked: looked at by TestNoCommandShowsASecret",
		"cmd/openclaw/doctorbundle.go tar.NewWriter":               "all of a support bundle is masked: looked at by TestNoCommandShowsASecret",
		"cmd/openclaw/doctorclients.go exec.CommandContext":        "a client with a stand-in's token",
		"cmd/openclaw/doctorclients.go net.Listen":                 "a stand-in for the providers",
		"cmd/openclaw/doctorclients.go os.WriteFile":               "a config with a stand-in's token",
		"cmd/openclaw/launch.go exec.Command":                      "the gateway, without an argument of a person's",
		"cmd/openclaw/launch.go os.CreateTemp":                     "a gateway's last words: looked at by TestNoCommandShowsASecret",
		"cmd/openclaw/logsscrub.go os.OpenFile":                    "what was read, masked",
		"cmd/openclaw/measure.go exec.CommandContext":              "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measure.go net.Dialer":                       "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measure.go net.Listen":                       "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measure.go os.WriteFile":                     "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measurecage_linux.go exec.CommandContext":    "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measuregateway_linux.go exec.CommandContext": "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measuregateway_linux.go os.WriteFile":        "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measuregatewayedit_linux.go os.WriteFile":    "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measuregatewaysockets_linux.go net.Dialer":   "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measuregatewaywork_linux.go net.Listen":      "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measureloop_linux.go exec.CommandContext":    "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measureloop_linux.go net.Dialer":             "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measureloop_linux.go net.Listen":             "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measurepeers_linux.go exec.CommandContext":   "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measurepeers_linux.go os.WriteFile":          "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measurework_linux.go exec.Command":           "a measurement of its own, without a person's secrets",
		"cmd/openclaw/measurework_linux.go os.WriteFile":           "a measurement of its own, without a person's secrets",
		"cmd/openclaw/service.go net.Dialer":                       "readiness, to the service manager",
		"cmd/openclaw/vaultaddslot.go exec.CommandContext":         "systemd-creds, with the key on a pipe",
		"cmd/openclaw/vaultexport.go os.CreateTemp":                "an export that is encrypted, or a support bundle that is masked",
		"configs/edit.go os.CreateTemp":                            "the config itself: never masked, as it is read back",
		"configs/history.go os.OpenFile":                           "configs that were in force, and none with a key in it: looked at by TestNoCommandShowsASecret",
		"gateway/audit/file.go os.OpenFile":                        "masked by the recorder: see the canary",
		"gateway/audit/recorder.go os.OpenFile":                    "masked by the recorder: see the canary",
		"gateway/certs/authority/write.go os.CreateTemp":           "keys and certificates, for their owner alone",
		"gateway/certs/files.go os.OpenFile":                       "opened to be read",
		"gateway/client/dial.go net.Dialer":                        "to the gateway, with the token where it belongs",
		"gateway/endpoint.go os.CreateTemp":                        "a port",
		"gateway/lock_unix.go os.OpenFile":                         "a process id",
		"gateway/logs/scrub.go os.OpenFile":                        "what was read, masked",
		"gateway/logs/sink.go os.OpenFile":                         "behind the masker: see the canary",
		"gateway/panes.go net.Dialer":                              "a run's own terminal, to its own screen: looked at by TestNoCommandShowsASecret",
		"gateway/provider/provider.go net.Dialer":                  "to the provider, whose key it is",
		"gateway/spool/file_unix.go os.OpenFile":                   "behind the masker: see the canary",
		"gateway/spool/writer.go os.CreateTemp":                    "behind the masker: see the canary",
		"gateway/store/file_other.go os.OpenFile":                  "messages, as they were said: they are read back",
		"gateway/store/file_unix.go os.OpenFile":                   "messages, as they were said: they are read back",
		"keychain/backend/index.go file.Replace":                   "names and times of secrets",
		"keychain/backend/marker.go file.Replace":                  "where secrets are kept",
		"keychain/internal/file/file_unix.go os.OpenFile":          "opened to be read",
		"keychain/internal/file/lock.go os.OpenFile":               "a lock: empty",
		"keychain/internal/file/replace.go os.OpenFile":            "what its callers, which are in this list, write",
		"keychain/keyringtest/keepassxc.go os.WriteFile":           "for tests alone",
		"keychain/keyringtest/keyringtest.go exec.CommandContext":  "for tests alone",
		"keychain/keyringtest/keyringtest.go os.WriteFile":         "for tests alone",
		"keychain/ref/cloud.go net.Dialer":                         "to the store that the reference names",
		"keychain/ref/command.go exec.CommandContext":              "the command that the reference names, with nothing more",
		"keychain/scan/backup.go os.OpenFile":                      "encrypted",
		"keychain/scan/rewrite.go os.OpenFile":                     "the person's own file, less its keys",
		"keychain/scan/rewrite_unix.go os.OpenFile":                "the person's own file, less its keys",
		"keychain/sealed/mark.go file.Replace":                     "a generation",
		"keychain/vault/slots.go file.Replace":                     "encrypted",
		"keychain/vault/unlock.go file.Replace":                    "a key file: what it is for",
		"keychain/vault/vault.go file.Replace":                     "encrypted",
		"tui/operate.go os.OpenFile":                               "lines of the log, as the screen shows them",
		"tui/pane/client.go net.Dialer":                            "a run's own terminal, to its own screen",
		"tui/program.go os.Stdout":                                 "where nothing else is given: the screen shows what the gateway masked",
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
