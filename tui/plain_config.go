package tui

import (
	"context"
	"strconv"
	"strings"
	"time"

	"openclaw/tui/view"
)

func (p *plain) config(ctx context.Context, _ string) error {
	c, err := p.backend.Config(ctx)
	if err == nil {
		c = view.Clean(c)
		p.configLine(&c)
		for _, change := range c.Changes {
			p.say(p.T("changed"), change)
		}
		for _, line := range c.Diff {
			p.say(p.T("diff"), line)
		}
	}
	return err
}

func (p *plain) reload(ctx context.Context, _ string) error {
	c, err := p.backend.ReloadConfig(ctx)
	if err == nil {
		c = view.Clean(c)
		p.configLine(&c)
	}
	return err
}

// rollback VERSION [yes]
func (p *plain) rollback(ctx context.Context, rest string) error {
	word, yes, _ := strings.Cut(rest, " ")
	version, err := strconv.Atoi(strings.TrimPrefix(word, "#"))
	if err != nil {
		return p.versions(ctx)
	}
	back, err := p.backend.RollbackConfig(ctx, version, yes != "yes")
	if err != nil {
		return err
	}
	back = view.Clean(back)
	for _, line := range back.Diff {
		p.say(p.T("diff"), line)
	}
	if yes != "yes" {
		p.say(p.T("config"), p.T("rollback %s yes, brings it back", word))
		return nil
	}
	if back.Saved != "" {
		p.say(p.T("config"), p.T("the file that was on disk is now %s", back.Saved))
	}
	p.configLine(&back.Config)
	return nil
}

// versions are the configs that were in force.
func (p *plain) versions(ctx context.Context) error {
	c, err := p.backend.Config(ctx)
	if err != nil {
		return err
	}
	for _, h := range view.Clean(c).History {
		kept := p.T("kept")
		if !h.Kept {
			kept = p.T("not kept")
		}
		p.sayf(p.T("version"), p.T("%d, %s, %s, %s. %s"), h.Version, h.Time.In(p.o.Now().Location()).Format(time.DateTime), h.By, kept, strings.Join(h.Changes, ", "))
	}
	p.say(p.T("config"), p.T("rollback NUMBER, shows what a version would change"))
	return nil
}
