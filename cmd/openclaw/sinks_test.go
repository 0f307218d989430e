package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
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
	"openclaw/tui"
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
	return houseOf(t)
}

// houseOf is canaryHouse with the keychain that this process finds, if there is one.
func houseOf(t *testing.T) (*terminal, *house) {
	t.Helper()
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
			if err := w.Append(1, []event.Denial{{Target: shaped, Program: shaped, CommandLine: "x --token " + shapedCanary, Rule: "denied_paths: /" + shapedCanary}}); err != nil {
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
		"where a screen failed": func() string {
			_ = term.keepCrash(h.layout, &tui.Panic{Value: said, Stack: []byte("goroutine 1: " + said)})
			return contents(t, screenCrash(h.layout))
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
	client, err := dialFor(ctx, h.layout, asCommand, time.Minute)
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

	if places := slices.Sorted(maps.Keys(sinks)); !slices.Equal(places, slices.Sorted(strings.SplitSeq(sinkPlaces, ", "))) {
		t.Errorf("it comes by %q, sinkPlaces says %q", places, sinkPlaces)
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
	t.Parallel()
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
