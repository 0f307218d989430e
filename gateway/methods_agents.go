package gateway

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

// createAgent adds an agent to the config, or says what that would write.
func (g *Gateway) createAgent(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.AgentCreateParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	now := g.deps.Config.Current()
	guarded := now.RunByGit(params.Paths)
	change := func(d *configs.Document) error {
		return d.AddAgent(configs.NewAgent{Name: params.Name, Role: params.Role, Paths: params.Paths, Read: guarded, Domains: params.Domains}, g.deps.Layout)
	}
	after, err := g.deps.Config.Preview(change)
	if err != nil {
		return nil, g.notWritten(err)
	}
	compiled, err := after.Policy(params.Name)
	if err != nil {
		return nil, g.notWritten(err)
	}
	added := event.AgentAdded{File: filepath.Base(after.Path), Missing: missing(compiled), Guarded: guarded}
	added.Line, _ = after.Where(configs.NamedKey("agents", params.Name))
	_, diff := configs.Diff(now, after)
	added.Diff = event.Masked(diff, g.deps.Masker.Text)
	if !params.Dry {
		entry := AuditEntry{Event: "config_change", Action: "create agent", Path: g.deps.Layout.Config(), Target: params.Name}
		if err := g.auditAct(ctx, call.Conn.Peer.From, entry); err != nil {
			return nil, notAudited("the config stays as it is")
		}
		if err := g.deps.Config.Edit(change); err != nil {
			return nil, g.notWritten(err)
		}
	}
	added.Config = g.configStatus()
	return added, nil
}

// notWritten is the refusal of an edit of the config, without what is secret in it.
func (g *Gateway) notWritten(err error) error {
	text, hint := err.Error(), "nothing was written"
	if known, ok := errors.AsType[*configs.Error](err); ok {
		if len(known.Problems) > 0 {
			text = known.Problems[0].Message
			if known.Problems[0].Hint != "" {
				hint = known.Problems[0].Hint
			}
		}
	}
	return wire.Invalid(g.deps.Masker.Text(text) + " (" + hint + ")")
}

// missing are the paths that rules of the config allow and that are not there.
func missing(p *policy.Policy) []string {
	var out []string
	for _, rule := range p.Paths {
		if rule.Effect != policy.Allow || rule.Access != policy.AccessWrite || rule.Glob || rule.Origin.BuiltIn != "" {
			continue
		}
		if _, err := os.Lstat(rule.Path); errors.Is(err, fs.ErrNotExist) {
			out = append(out, rule.Path)
		}
	}
	return out
}
