package tui

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"openclaw/gateway/event"
)

// Demo is a Backend that plays a fixed script by a fixed clock: pictures of it
// are the same on every machine. It is safe for concurrent use.
type Demo struct {
	mu     sync.Mutex
	now    time.Time
	seq    uint64
	out    chan event.Event
	world  demoWorld
	script []event.Event
	played bool
}

// demoStep is the time between two events of the script, on the real clock.
const demoStep = 60 * time.Millisecond

// NewDemo returns the demo of a gateway at work: two agents, denials, calls, a
// rejected config.
func NewDemo() *Demo { return newDemo(demoAtWork()) }

// NewDemoFirstRun returns the demo of a first run on a machine without a
// keychain.
func NewDemoFirstRun() *Demo { return newDemo(demoFirstRun()) }

func newDemo(w demoWorld, script []event.Event) *Demo {
	return &Demo{now: demoTime(0), world: w, script: script, out: make(chan event.Event, 256)}
}

// Now is the demo's clock: the time of the event played last.
func (d *Demo) Now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// Play waits until the whole script was played, or for ctx.
func (d *Demo) Play(ctx context.Context) error {
	for {
		d.mu.Lock()
		done := d.played
		d.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(demoStep):
		}
	}
}

// Events plays the script once; events of later actions follow.
func (d *Demo) Events(ctx context.Context) (<-chan []event.Event, error) {
	out := make(chan []event.Event, 64)
	go func() {
		defer close(out)
		for _, e := range d.script {
			select {
			case <-ctx.Done():
				return
			case <-time.After(demoStep):
			}
			d.mu.Lock()
			d.now = e.Time
			d.stamp(&e)
			d.mu.Unlock()
			if !pass(ctx, out, e) {
				return
			}
		}
		d.mu.Lock()
		d.played = true
		d.mu.Unlock()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-d.out:
				if !pass(ctx, out, e) {
					return
				}
			}
		}
	}()
	return out, nil
}

func pass(ctx context.Context, out chan<- []event.Event, events ...event.Event) bool {
	select {
	case <-ctx.Done():
		return false
	case out <- events:
		return true
	}
}

func (d *Demo) stamp(e *event.Event) {
	d.seq++
	e.Seq = d.seq
	if e.Time.IsZero() {
		e.Time = d.now
	}
}

// tell sends an event of an action. The caller holds the lock.
func (d *Demo) tell(e event.Event) {
	d.stamp(&e)
	select {
	case d.out <- e:
	default:
	}
}

// Overview returns the numbers of the script.
func (d *Demo) Overview(context.Context) (event.Overview, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.world.overview
	o.Config = d.world.config
	return o, nil
}

// Denials returns those from before the screen opened.
func (d *Demo) Denials(context.Context) ([]event.Denial, error) {
	return slices.Clone(d.world.denials), nil
}

// Connections returns those from before the screen opened.
func (d *Demo) Connections(context.Context) ([]event.Connection, error) {
	return slices.Clone(d.world.connections), nil
}

// Sockets returns those of clients.
func (d *Demo) Sockets(context.Context) ([]event.Connection, error) {
	return slices.DeleteFunc(slices.Clone(d.world.connections), func(c event.Connection) bool { return !event.Client(c.Kind) || !c.Closed.IsZero() }), nil
}

// Connection returns what happened on one of them.
func (d *Demo) Connection(_ context.Context, id string, records bool) (event.ConnectionTrail, error) {
	for _, c := range d.world.connections {
		if c.ID == id {
			return demoTrail(c, records), nil
		}
	}
	return event.ConnectionTrail{}, &Error{Op: "show connection " + id, Err: errors.New("there is none")}
}

// Agents returns the agents without their policies.
func (d *Demo) Agents(context.Context) ([]event.Agent, error) {
	list := slices.Clone(d.world.agents)
	for i := range list {
		list[i].Policy = nil
	}
	return list, nil
}

// Agent returns one agent with its policy.
func (d *Demo) Agent(_ context.Context, name string) (event.Agent, error) {
	for _, a := range d.world.agents {
		if a.Name == name {
			return a, nil
		}
	}
	return event.Agent{}, errors.New("no agent " + name)
}

// CreateAgent shows what would be written; the demo has no file.
func (d *Demo) CreateAgent(_ context.Context, name string, paths, domains []string, dry bool) (event.AgentAdded, error) {
	for _, a := range d.world.agents {
		if a.Name == name {
			return event.AgentAdded{}, errors.New("agent " + name + " exists already")
		}
	}
	if !dry {
		return event.AgentAdded{}, errors.New("the demo has no file to write")
	}
	lines := []string{"@@ -5,3 +5,6 @@", " agents:", "+  " + name + ":", "+    permissions:", "+      allowed_paths:"}
	for _, path := range paths {
		lines = append(lines, "+        - "+path)
	}
	if len(domains) > 0 {
		lines = append(lines, "+      network:", "+        allowed_domains:")
	}
	for _, domain := range domains {
		lines = append(lines, "+          - "+domain)
	}
	return event.AgentAdded{File: "config.yaml", Line: 6, Diff: lines, Config: d.world.config}, nil
}

// Logs returns the log from before the screen opened.
func (d *Demo) Logs(context.Context, int) ([]event.LogLine, error) {
	return slices.Clone(d.world.logs), nil
}

// Audit returns the audit log.
func (d *Demo) Audit(context.Context, time.Duration, int) ([]json.RawMessage, error) {
	return slices.Clone(d.world.audit), nil
}

// VerifyAudit finds the chain whole.
func (d *Demo) VerifyAudit(context.Context) (event.AuditChain, error) {
	return event.AuditChain{
		Path: "/home/ada/.openclaw/logs/audit.log", Status: event.ChainWhole, Records: 48112, LastSeq: 48112,
		Head: "9c1e44aa01d2", At: demoTime(20),
	}, nil
}

// Config returns the state of the config.
func (d *Demo) Config(context.Context) (event.ConfigStatus, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.world.config, nil
}

// ReloadConfig finds the file as it was.
func (d *Demo) ReloadConfig(ctx context.Context) (event.ConfigStatus, error) { return d.Config(ctx) }

// RollbackConfig shows what a version would change; the demo has one config.
func (d *Demo) RollbackConfig(_ context.Context, version int, dry bool) (event.Rollback, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case version == d.world.config.Version:
		return event.Rollback{Config: d.world.config}, nil
	case version != 11:
		return event.Rollback{}, errors.New("version #" + strconv.Itoa(version) + " is not kept")
	case !dry:
		return event.Rollback{}, errors.New("the demo has no file to write")
	}
	return event.Rollback{Diff: []string{
		"@@ -21,5 +21,4 @@", "       network:", "         allowed_domains:", "-          - api.example.test", "         allow_outbound: true",
		"@@ -60,3 +59,3 @@", " logging:", "-  level: info", "+  level: debug",
	}, Config: d.world.config}, nil
}

// Secrets returns the list.
func (d *Demo) Secrets(context.Context) (event.SecretStore, []event.Secret, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.world.overview.Store, slices.Clone(d.world.secrets), nil
}

// StoreSecret keeps the name and wipes the value.
func (d *Demo) StoreSecret(_ context.Context, name string, value []byte) error {
	clear(value)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.world.overview.Store.State != "unlocked" {
		return errors.New("there is no place to keep it")
	}
	s := event.Secret{Name: name, Store: d.world.overview.Store.Backend, Created: d.now, Changed: d.now, UsedBy: []string{"provider " + name}}
	d.world.secrets = slices.DeleteFunc(d.world.secrets, func(x event.Secret) bool { return x.Name == name })
	d.world.secrets = append(d.world.secrets, s)
	d.tell(event.Event{Kind: event.KindSecret, Secret: &s})
	return nil
}

// DeleteSecret forgets a name.
func (d *Demo) DeleteSecret(_ context.Context, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.world.secrets = slices.DeleteFunc(d.world.secrets, func(x event.Secret) bool { return x.Name == name })
	d.tell(event.Event{Kind: event.KindSecret, Secret: &event.Secret{Name: name, Deleted: true}})
	return nil
}

// TestSecret finds what is listed and not missing.
func (d *Demo) TestSecret(_ context.Context, reference string) (event.SecretTest, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.world.secrets {
		if s.Name == reference && !s.Missing {
			test := event.SecretTest{OK: true, Source: s.Store}
			for _, user := range s.UsedBy {
				if strings.HasPrefix(user, "provider ") {
					test.Taken = append(test.Taken, user)
				}
			}
			return test, nil
		}
	}
	return event.SecretTest{Problem: "not found"}, nil
}

// ClientTokens returns the list.
func (d *Demo) ClientTokens(context.Context) ([]event.ClientToken, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.world.tokens), nil
}

// RevokeToken marks one as revoked, and forgets where it is stored.
func (d *Demo) RevokeToken(_ context.Context, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.world.tokens {
		if t := &d.world.tokens[i]; t.Name == name && t.State == event.TokenGood {
			t.State, t.Revoked, t.Connected = event.TokenRevoked, d.now, 0
			stored := event.TokenSecret(name)
			d.world.secrets = slices.DeleteFunc(d.world.secrets, func(x event.Secret) bool { return x.Name == stored })
			d.tell(event.Event{Kind: event.KindSecret, Secret: &event.Secret{Name: stored, Deleted: true}})
			return nil
		}
	}
	return errors.New("there is no client " + name + " whose token is in force")
}

// CreateVault makes a vault that keeps names only.
func (d *Demo) CreateVault(_ context.Context, passphrase []byte) (event.SecretStore, error) {
	clear(passphrase)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.world.overview.Store = event.SecretStore{Backend: "vault", State: "unlocked", Detail: "encrypted file, opened by this gateway"}
	return d.world.overview.Store, nil
}

// UnlockVault opens it with any passphrase.
func (d *Demo) UnlockVault(ctx context.Context, passphrase []byte) (event.SecretStore, error) {
	return d.CreateVault(ctx, passphrase)
}

// StopGateway has nothing to stop.
func (d *Demo) StopGateway(context.Context) error { return nil }

// Reconnect has nothing to dial.
func (d *Demo) Reconnect(context.Context) error { return nil }

// Close does nothing.
func (d *Demo) Close() error { return nil }

// ValidateConfig finds what the script says is wrong.
func (d *Demo) ValidateConfig(context.Context) (event.ConfigTrial, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &d.world.config
	trial := event.ConfigTrial{Path: c.Path, Refused: c.Rejected, Problems: c.Problems}
	return trial, nil
}
