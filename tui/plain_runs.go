package tui

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"openclaw/tui/view"
)

// create NAME FOLDER [DOMAIN…] [yes]
func (p *plain) create(ctx context.Context, rest string) error {
	words, err := view.SplitCommand(p.words, rest)
	if err != nil {
		return err
	}
	yes := len(words) > 2 && words[len(words)-1] == "yes"
	if yes {
		words = words[:len(words)-1]
	}
	if len(words) < 2 {
		return errors.New(p.T("create NAME FOLDER, then domains that it may reach; with yes at the end it is written"))
	}
	plan := view.AgentPlan{Name: words[0], Paths: words[1:2], Domains: words[2:]}
	elsewhere := p.o.Start == nil
	if yes {
		added, err := addAgent(ctx, p.backend, plan, elsewhere)
		if err == nil {
			added = view.Clean(added)
			p.say(p.T("agent"), p.T("agent %s stands in %s, line %s", plan.Name, added.File, strconv.Itoa(added.Line)))
		}
		return err
	}
	draft, err := p.backend.CreateAgent(ctx, plan.Name, plan.Paths, plan.Domains, true)
	if err != nil {
		return err
	}
	draft = view.Clean(draft)
	p.say(p.T("config"), p.T("writes into %s, line %s:", draft.File, strconv.Itoa(draft.Line)))
	for _, line := range draft.Diff {
		p.say(p.T("diff"), line)
	}
	if folder := view.MakesFolder(elsewhere, &draft); folder != "" {
		p.say(p.T("config"), p.T("%s is not there yet: it is made", folder))
	}
	if len(draft.Guarded) > 0 {
		p.say(p.T("config"), p.T("what git runs outside the cage can only be read"))
	}
	p.say(p.T("config"), p.T("the same with yes at the end writes it"))
	return nil
}

// start AGENT [COMMAND]
func (p *plain) start(_ context.Context, rest string) error {
	agent, line, _ := strings.Cut(rest, " ")
	switch {
	case agent == "":
		return errors.New(p.T("start AGENT, then a command; without one it is the agent's own of the config"))
	case p.o.Start == nil:
		return errors.New(p.T("agents run on the gateway's machine: openclaw agent run --detach %s, there", agent))
	}
	command, err := view.SplitCommand(p.words, line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	run, err := p.o.Start(ctx, agent, command)
	if err == nil {
		p.say(p.T("run"), p.T("run %s of %s goes on without a terminal", view.Printable(run, 100), agent))
	}
	return err
}

// restart RUN yes
func (p *plain) restart(ctx context.Context, rest string) error {
	run, yes, _ := strings.Cut(rest, " ")
	if run == "" || yes != "yes" {
		return errors.New(p.T("restart RUN yes; it ends, and the same command is started again where it was started"))
	}
	if err := p.backend.RestartRun(ctx, run); err != nil {
		return err
	}
	p.say(p.T("run"), p.T("the run's supervisor was told; it comes back as a new run"))
	return nil
}

// output RUN
func (p *plain) output(ctx context.Context, run string) error {
	if run == "" {
		return errors.New(p.T("output RUN, what a run without a terminal says; agents NAME names the runs"))
	}
	const lines = 100
	out, err := p.backend.RunOutput(ctx, run, 0, lines)
	if err != nil {
		return err
	}
	for _, line := range out.Lines {
		p.say(p.T("output"), view.OutputLine(line))
	}
	if out.Open != "" {
		p.say(p.T("output"), view.OutputLine(out.Open))
	}
	p.sayf(p.T("output"), p.T("%d lines of run %s"), len(out.Lines), view.Printable(run, 100))
	return nil
}
