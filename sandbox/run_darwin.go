package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"os"
	"path"
	"slices"

	"openclaw/sandbox/darwin"
	"openclaw/sandbox/darwin/places"
	"openclaw/sandbox/darwin/stage"
	"openclaw/sandbox/egress"
	"openclaw/sandbox/egress/proxy"
	"openclaw/sandbox/policy"
)

// runFolder is what a run has on the disk: the profile, which the cage cannot
// read, and the folder for its temporary files. All of it goes with the run.
type runFolder struct {
	path, profile, temp string
	held                *os.File
}

func newRunFolder() (runFolder, error) {
	removeLeft()
	made, held, err := makeRunFolder()
	if err != nil {
		return runFolder{}, err
	}
	f := runFolder{path: made, held: held}
	physical, _, err := places.Resolve(path.Clean(made), true)
	if err != nil {
		f.remove()
		return runFolder{}, &Error{Op: "make run folder", Err: err}
	}
	f.path, f.profile, f.temp = physical, path.Join(physical, "profile.sb"), path.Join(physical, "tmp")
	err = os.Mkdir(f.temp, 0o700)
	if err == nil {
		err = os.WriteFile(f.pinned(), nil, 0o600)
	}
	if err != nil {
		f.remove()
		return runFolder{}, &Error{Op: "make run folder", Err: err}
	}
	return f, nil
}

// pinned is a file where the command may write, kept in its place like a
// denied one: only its own rule refuses that it is moved.
func (f runFolder) pinned() string { return path.Join(f.temp, ".openclaw-self-test") }

func (f runFolder) remove() {
	if f.path != "" {
		removeFolder(f.path)
		_ = f.held.Close()
	}
}

// tests are what the cage must refuse before a command runs in it.
func (f runFolder) tests(decoy string) []stage.Test {
	return []stage.Test{
		{Name: mechanismReads, Kind: stage.TestRead, Path: []byte(f.profile)},
		{Name: mechanismWrites, Kind: stage.TestWrite, Path: []byte(path.Join(f.path, "new"))},
		{Name: mechanismPins, Kind: stage.TestMove, Path: []byte(f.pinned())},
		{Name: mechanismLinks, Kind: stage.TestLink, Path: []byte(f.pinned())},
		{Name: mechanismNetwork, Kind: stage.TestConnect, Path: []byte(decoy)},
		{Name: mechanismSignals, Kind: stage.TestSignal, PID: os.Getpid()},
	}
}

// openNetwork starts the way out, if there is one: the ports of the loopback
// that the cage may reach, and the variables that tell programs of the proxy.
func (p *Process) openNetwork() (ports []uint16, environment []string, err error) {
	if p.spec.Gateway.IsValid() {
		ports = append(ports, p.spec.Gateway.Port())
	}
	network := &p.spec.Policy.Network
	if !network.Outbound {
		return ports, nil, nil
	}
	for _, rule := range network.Allowed {
		if rule.Prefix.IsSingleIP() && rule.Prefix.Addr().IsLoopback() && rule.Port != 0 {
			ports = append(ports, rule.Port)
		}
	}
	token := rand.Text()
	options := egress.Options{Policy: p.spec.Policy, Lookup: p.cage.lookup, Refused: p.atEgress, Connected: p.connected, Ask: p.askAtEgress()}
	if p.proxy, err = proxy.New(proxy.Options{Egress: options, Token: token}); err != nil {
		return nil, nil, &Error{Op: "open proxy", Err: err}
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(p.serving, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, &Error{Op: "open proxy", Err: err}
	}
	address, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil {
		_ = listener.Close()
		return nil, nil, &Error{Op: "open proxy", Err: err}
	}
	// An error of Serve is a listener that broke: a cage without a network is
	// closed, not open.
	p.services.Go(func() { _ = p.proxy.Serve(p.serving, listener) })
	return append(ports, address.Port()), proxy.Environment(address, token), nil
}

// writeProfile writes the run's profile, for sandbox-exec alone to read.
func (p *Process) writeProfile(program string, ports []uint16) error {
	exists := func(name string) bool { _, err := os.Lstat(name); return err == nil }
	warnings, err := refuseUnheld(p.opened, exists)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		p.warn(warning)
	}
	failed := func(err error) error {
		e := &Error{Op: "write profile", Kind: KindPolicy, Err: err}
		if errors.Is(err, places.ErrTooLarge) {
			e.Hint = "allow a smaller folder, or write denied_paths without a pattern"
		}
		return e
	}
	o := darwin.Options{Run: p.spec.Run, Temp: p.run.temp, Ports: ports, FoldCase: true}
	if p.terminal != nil {
		o.Terminal = p.terminal.Name()
	}
	if o.Supervisor, err = ownProgram(); err != nil {
		return failed(err)
	}
	if o.Program, _, err = places.Resolve(path.Clean(program), true); err != nil {
		return failed(err)
	}
	o.Interpreters = interpreters(o.Program)
	o.Resolve = p.resolved.resolve
	resolved := darwin.Resolved(p.opened, o.Resolve)
	if o.Denied, err = places.Denied(resolved, allowedRoots(resolved)); err != nil {
		return failed(err)
	}
	for i, name := range o.Denied {
		if o.Denied[i], _, err = places.Resolve(name, true); err != nil {
			return failed(err)
		}
	}
	o.Denied = append(o.Denied, p.run.pinned())
	text, err := darwin.Profile(p.opened, o)
	if err = errors.Join(p.resolved.failed, err); err != nil {
		return failed(err)
	}
	if err := os.WriteFile(p.run.profile, []byte(text), 0o600); err != nil {
		return failed(err)
	}
	return nil
}

// withoutPlanted finds what of the policy this run carries out, and tells of the rest.
func (p *Process) withoutPlanted() error {
	p.resolved = newResolutions()
	opened, unmet, err := p.resolved.unplanted(p.spec.Policy)
	if err != nil {
		return err
	}
	p.opened, p.report.Unmet = opened, unmet
	for i := range unmet {
		p.warn(unmet[i].String())
	}
	return nil
}

// ownProgram is where this program lies.
func ownProgram() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	physical, _, err := places.Resolve(path.Clean(self), true)
	return physical, err
}

// allowedRoots are the folders that a person wrote.
func allowedRoots(p *policy.Policy) []string {
	var list []string
	for i := range p.Paths {
		if rule := &p.Paths[i]; rule.Effect == policy.Allow && !rule.System {
			list = append(list, rule.Path)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (p *Process) connected(c egress.Connection) {
	if p.spec.Connected == nil {
		return
	}
	p.spec.Connected(Connection{
		ID: c.ID, Agent: p.spec.Agent, Run: p.spec.Run, PID: c.PID, Program: c.Program, Target: c.Target,
		Address: c.Address, Rule: c.Rule, Origin: c.Origin, Opened: c.Opened, Closed: c.Closed, Sent: c.Sent, Recv: c.Recv, Error: c.Error, Held: c.Held,
	})
}

// askAtEgress holds a connection until the person answers.
func (p *Process) askAtEgress() func(context.Context, egress.Refusal) (bool, error) {
	asker := p.spec.Asker
	if asker == nil {
		return nil
	}
	return func(ctx context.Context, r egress.Refusal) (bool, error) {
		limit := p.spec.Policy.AskTimeout
		if limit <= 0 {
			limit = defaultAskTimeout
		}
		limited, cancel := context.WithTimeout(ctx, policy.AskCap(limit)) // as on Linux
		defer cancel()
		return asker.Ask(limited, p.fromEgress(r))
	}
}
