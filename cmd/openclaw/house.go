package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"openclaw/configs"
	"openclaw/gateway"
	"openclaw/gateway/audit"
	"openclaw/gateway/event"
	"openclaw/gateway/logs"
	"openclaw/keychain/backend"
	"openclaw/keychain/redact"
	"openclaw/keychain/ref"
	"openclaw/sandbox"
)

// gatewayTokenName is the secret that holds the gateway's token when the config
// names no other.
const gatewayTokenName = "token/gateway"

// house is a gateway with all its parts, built from the state folder.
type house struct {
	layout   configs.Layout
	lock     *gateway.Lock
	config   *configs.Store
	masker   *redact.Masker
	log      *logs.Log
	bus      *event.Bus
	audit    *audit.Recorder
	secrets  *backend.Backend
	resolver *ref.Resolver
	gateway  *gateway.Gateway
	token    *tokenSource
	uses     *uses
	used     chan struct{} // full since a secret was read: see followStore

	lastTargets atomic.Pointer[targetsOf]

	hardened    bool // the gateway is a hardened service
	machine     sync.Once
	machineList []event.Mechanism
}

// runGateway builds the house and serves until ctx ends. What goes on beside the
// gateway, if anything does, ends with ctx.
func (t *terminal) runGateway(ctx context.Context, beside ...func(context.Context, *house)) error {
	layout, err := t.layout()
	if err != nil {
		return err
	}
	if err := layout.Make(); err != nil {
		return &failure{err: fmt.Errorf("make the state folder: %w", err), hint: "check the owner, the mode and the space of " + layout.Root}
	}
	if t.handed, err = handedListener(); err != nil {
		return err
	}
	h, err := t.build(ctx, layout)
	if err != nil {
		return err
	}
	defer h.close()
	defer fewerCollections()()
	log.SetFlags(0)
	log.SetOutput(libraryLog{h.log.Logger()})
	defer log.SetOutput(io.Discard)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop()
	tasks.Go(func() {
		if err := h.config.Run(ctx); err != nil && ctx.Err() == nil {
			h.log.Logger().Error("the config is no longer watched", slog.Any("error", err))
		}
	})
	m := h.manager()
	tasks.Go(func() { h.onHangup(ctx, m) })
	tasks.Go(func() { h.followStore(ctx) })
	tasks.Go(func() { m.follow(ctx, h) })
	for _, run := range beside {
		tasks.Go(func() { run(ctx, h) })
	}
	return h.gateway.Run(ctx)
}

// build makes every part, the lowest first.
func (t *terminal) build(ctx context.Context, layout configs.Layout) (h *house, err error) {
	h = &house{layout: layout, bus: event.NewBus(time.Now), used: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.lock, err = gateway.TakeLock(layout.Lock()); err != nil {
		return h, err
	}
	options, err := t.configOptions()
	if err != nil {
		return h, err
	}
	options.KeepHistory = true
	if h.config, err = configs.OpenStore(layout, options); err != nil {
		return h, err
	}
	t.encrypted.askNoMore() // a file that is reloaded opens by what is known, or is rejected
	config := h.config.Current().Config
	if h.masker, err = redact.New(redact.Options{Patterns: config.Logging.RedactPatterns, Replacement: config.Logging.RedactReplacement}); err != nil {
		return h, err
	}
	h.bus.MaskWith(h.masker.Text)
	t.known = h.masker.Text
	if h.log, err = logs.Open(layout.GatewayLog(), logs.Options{Level: config.Logging.Level, Format: config.Logging.Format, Masker: h.masker, OnLine: h.publishLine}); err != nil {
		return h, err
	}
	h.tellSlow()
	if h.audit, err = audit.Open(audit.Options{Path: auditPath(layout, config), Events: audited(config.Audit), Redact: h.masker.Bytes, Now: time.Now}); err != nil {
		return h, err
	}
	if err = t.openSecrets(ctx, h); err != nil {
		return h, err
	}
	h.learnVault(ctx)
	h.learnNamed(ctx, h.config.Current().Config)
	h.token = &tokenSource{house: h}
	h.hardened = t.getenv(hardenedVariable) != ""
	deps := h.deps()
	deps.Listener = t.handed
	h.gateway, err = gateway.New(deps)
	if err != nil {
		return h, err
	}
	h.follow(ctx)
	return h, nil
}

// close ends the parts, the highest first.
func (h *house) close() {
	if h.audit != nil {
		_ = h.audit.Close() // every record was synced when it was made
		if refused := h.audit.Refused(); refused > 0 && h.log != nil {
			h.log.Logger().Warn("audit lines came after the log was closed and are not in it", slog.Uint64("refused", refused))
		}
	}
	if h.log != nil {
		_ = h.log.Close()
	}
	if h.secrets != nil {
		h.secrets.Close()
	}
	if h.lock != nil {
		h.lock.Release()
	}
}

// audited is which events of the specification are recorded. Secrets, runs and
// the gateway's own life are recorded always.
func audited(config configs.Audit) []string {
	if !config.Enabled {
		return []string{}
	}
	return config.Events
}

func (h *house) publishLine(line event.LogLine) {
	h.bus.Publish(event.Event{Kind: event.KindLog, Log: &line})
}

// follow applies what of the config lives outside the gateway.
func (h *house) follow(ctx context.Context) {
	h.config.Subscribe(configs.Subscriber{
		Name:  "house",
		Check: func(_, next *configs.Snapshot) error { return checkPatterns(next.Config.Logging) },
		Apply: func(_, next *configs.Snapshot) {
			h.learnNamed(ctx, next.Config)
			logging := next.Config.Logging
			if err := h.masker.Configure(logging.RedactPatterns, logging.RedactReplacement); err != nil {
				h.log.Logger().Error("the redaction patterns were not applied", slog.Any("error", err))
			}
			h.tellSlow()
			h.log.SetLevel(logging.Level)
			h.log.SetFormat(logging.Format)
			if err := h.audit.SetEvents(audited(next.Config.Audit)); err != nil {
				h.log.Logger().Error("the audit events were not applied", slog.Any("error", err))
			}
		},
	})
}

// checkPatterns says what is wrong with a config's own patterns of redaction.
func checkPatterns(logging configs.Logging) error {
	_, err := redact.New(redact.Options{Patterns: logging.RedactPatterns, Replacement: logging.RedactReplacement})
	return err
}

// onHangup reads the config and the certificates again at SIGHUP, as service managers ask for it.
func (h *house) onHangup(ctx context.Context, m *manager) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			done := m.reloading()
			if err := h.config.Reload("SIGHUP"); err != nil {
				h.log.Logger().Warn("the config was not reloaded", slog.Any("error", err))
			}
			_ = h.gateway.ReloadCertificates() // what is wrong is in the log, on the screen and audited
			done()
		}
	}
}

// mechanisms probes the machine once, when somebody first looks. A hardened
// service cannot: what it may not do says nothing of what a terminal may.
func (h *house) mechanisms() []event.Mechanism {
	if h.hardened {
		return nil
	}
	h.machine.Do(func() {
		found, err := sandbox.ProbeApart(context.Background())
		if err != nil {
			h.log.Logger().Warn("the machine cannot be probed", slog.Any("error", err))
		}
		for _, m := range found.Mechanisms {
			h.machineList = append(h.machineList, event.Mechanism{Name: m.Name, Enforced: m.Enforced, Detail: m.Detail, Fix: m.Fix})
		}
	})
	return h.machineList
}
