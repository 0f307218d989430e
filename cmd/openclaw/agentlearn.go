package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/configs"
	"openclaw/gateway/learn"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

// learning is what `agent learn` was asked for.
type learning struct {
	write, asJSON, noNetwork, secrets bool
}

func agentLearnCommand(t *terminal) *cobra.Command {
	var options learning
	cmd := &cobra.Command{
		Use: "learn NAME [-- CMD…]", Short: "Run a command, record what it needs, and propose the policy for it",
		Long: "Run a command in the agent's cage, let it through to what no rule speaks of, and record each access in\n" +
			"the audit log. What the config denies, and what the built-in rules deny, stays denied. When the command\n" +
			"ends, the narrowest lines for the config are shown as a diff; on a terminal you are asked whether to\n" +
			"write them. Names that look secret are listed and not proposed.\n\n" +
			"The command may read and change every other file of yours while it learns: use one that you trust that far.\n" +
			"The exit status is the command's; 1 when the proposal could not be written.",
		Example: "  openclaw agent learn coder -- make test\n  openclaw agent learn coder --no-network --write -- sh -c 'npm run build'\n  openclaw agent learn coder --json -- make test > proposal.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("openclaw agent learn NAME -- CMD…", "which agent?")
			}
			return nil
		},
		ValidArgsFunction: t.completeAgents,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash > 1 || (dash < 0 && len(args) > 1) {
				return usage("put -- before the command: openclaw agent learn "+args[0]+" -- "+args[1], "one agent's name, then the command")
			}
			t.knowByGateway(cmd.Context())
			return t.learnAgent(cmd.Context(), args[0], args[1:], options)
		},
	}
	cmd.Flags().BoolVar(&options.write, "write", false, "write the proposal without asking")
	cmd.Flags().BoolVar(&options.noNetwork, "no-network", false, "let nothing through on the network that the policy does not allow")
	cmd.Flags().BoolVar(&options.secrets, "include-secrets", false, "also propose files that look secret, if the command used them")
	cmd.Flags().BoolVar(&options.asJSON, "json", false, "print the proposal as JSON; what the command prints goes to standard error")
	return cmd
}

func (t *terminal) learnAgent(ctx context.Context, agent string, command []string, options learning) error {
	before, err := t.policy(agent)
	if err != nil {
		return &failure{err: err, hint: hintOf(err), code: exitNotStarted}
	}
	recorder := &learn.Recorder{Network: !options.noNetwork}
	t.sayLearning(before, recorder.Network)
	run := *t
	if options.asJSON {
		run.out = t.err
	}
	status, err := run.caged(ctx, agent, command, cagedOptions{recorder: recorder})
	if err != nil {
		return err
	}
	// The command is over: from here on Ctrl-C ends us, and nothing is written.
	problem := t.proposeLearned(ctx, agent, recorder, options)
	switch {
	case problem != nil:
		return problem
	case status.Code != exitOK:
		return exitStatus(status.Code)
	}
	return nil
}

// sayLearning tells the person what is open while the command runs.
func (t *terminal) sayLearning(p *policy.Policy, network bool) {
	reach := "no name or address beyond its policy"
	if opened := policy.Learning(p, network); opened.Network.Outbound && network {
		reach = "every name and address that is not blocked"
	}
	t.warn("agent %s learns: this command may read, change and run what no rule denies, and reach %s;", p.Agent, reach)
	t.warn("each access goes into the audit log; keys, browser profiles and all else that is denied stays denied")
}

// proposeLearned shows what the run needed and writes it if that is wanted.
func (t *terminal) proposeLearned(ctx context.Context, agent string, recorder *learn.Recorder, options learning) error {
	seen, err := t.withoutSecrets(ctx, recorder)
	if err != nil {
		return &failure{err: fmt.Errorf("take secrets out of what was learned: %w", err), hint: "nothing is shown or written; " + hintOf(err)}
	}
	configOptions, err := t.configOptions()
	if err != nil {
		return err
	}
	store, err := configs.OpenStore(configOptions.Layout, configOptions)
	if err != nil {
		return err
	}
	compiled, err := store.Current().Policy(agent)
	if err != nil {
		return err
	}
	proposal := learn.Propose(seen.accesses, learn.Options{Policy: compiled, Secrets: options.secrets, Tree: learn.Host{}})
	plan, err := learn.NewPlan(store, agent, proposal)
	if err != nil {
		return &failure{err: fmt.Errorf("make a proposal: %w", err), hint: hintOf(err)}
	}
	// What is written comes from the plan itself; beside it the config may hold anything.
	if plan.Diff, err = t.textsWithoutSecrets(ctx, plan.Diff); err != nil {
		return &failure{err: fmt.Errorf("take secrets out of the proposal: %w", err), hint: "nothing is shown or written; " + hintOf(err)}
	}
	write := options.write && len(plan.Diff) > 0
	if !options.asJSON {
		t.showPlan(plan, seen, compiled.Home)
		if len(plan.Diff) > 0 && !write {
			write = t.agrees("Write this into " + store.Current().Path + "?")
		}
	}
	if write {
		if err := plan.Write(); err != nil {
			return &failure{err: fmt.Errorf("write the proposal: %w", err), hint: "nothing was written; " + hintOf(err)}
		}
	}
	if options.asJSON {
		return t.json(learnedOf(agent, plan, seen, write))
	}
	switch {
	case write:
		t.print("written; running cages of %s have it now as far as they can", agent)
	case len(plan.Diff) > 0:
		t.print("nothing was written; --write writes it without asking")
	}
	return nil
}

// learned is what --json prints.
type learned struct {
	Agent    string          `json:"agent"`
	Proposal learn.Proposal  `json:"proposal"`
	Diff     []string        `json:"diff"`
	Written  bool            `json:"written"`
	Accesses []learn.Access  `json:"accesses"`
	Refused  []learn.Refusal `json:"refused"`
}

func learnedOf(agent string, plan *learn.Plan, seen recorded, written bool) learned {
	return learned{agent, plan.Proposal, append([]string{}, plan.Diff...), written, seen.accesses, seen.refusals}
}

// recorded is what a run that learned did, without the secrets in its names.
type recorded struct {
	accesses []learn.Access
	refusals []learn.Refusal
}

// withoutSecrets asks the gateway, which knows their values, to take them out of the
// names. Without an answer there is nothing that could be shown.
func (t *terminal) withoutSecrets(ctx context.Context, recorder *learn.Recorder) (recorded, error) {
	seen := recorded{recorder.Accesses(), recorder.Refusals()}
	names := learn.Names(seen.accesses, seen.refusals)
	without, err := t.textsWithoutSecrets(ctx, names)
	if err != nil {
		return seen, err
	}
	masked := map[string]string{}
	for i, name := range names {
		masked[name] = without[i]
	}
	learn.Hide(seen.accesses, seen.refusals, masked)
	return seen, nil
}

// textsWithoutSecrets are texts as the gateway gives them back. One that ended meanwhile is
// started again; it knows secrets by their form, and the values that are stored where it
// can open the store.
func (t *terminal) textsWithoutSecrets(ctx context.Context, texts []string) ([]string, error) {
	layout, err := t.layout()
	if err != nil {
		return nil, err
	}
	c, err := t.dialOrLaunchHere(ctx, layout, asCommand)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	out := make([]string, 0, len(texts))
	for some := range slices.Chunk(texts, wire.MaxMasked) {
		without, err := maskedByGateway(ctx, c, some)
		if err != nil {
			return nil, err
		}
		out = append(out, without...)
	}
	return out, nil
}

// maxShown bounds each list that is only for information.
const maxShown = 20

func (t *terminal) showPlan(plan *learn.Plan, seen recorded, home string) {
	short := func(name string) string {
		if below, ok := strings.CutPrefix(name, home+"/"); ok {
			return "~/" + below
		}
		return name
	}
	list := func(head string, rows []string) {
		if len(rows) == 0 {
			return
		}
		t.print("%s", head)
		for _, row := range rows[:min(len(rows), maxShown)] {
			t.print("  %s", printable(row))
		}
		if more := len(rows) - maxShown; more > 0 {
			t.print("  and %d more (--json lists all)", more)
		}
	}
	t.print("learned from %d different accesses", len(seen.accesses))
	var refused []string
	for _, r := range seen.refusals {
		refused = append(refused, fmt.Sprintf("%s %s: %s, %d times", r.Operation, short(r.Target), because(r.Rule, r.Origin), r.Count))
	}
	list("stayed refused, because a rule says so:", refused)
	secrets := make([]string, 0, len(plan.Proposal.Secrets))
	for _, name := range plan.Proposal.Secrets {
		secrets = append(secrets, short(name))
	}
	list("used and not proposed, because the name looks secret (--include-secrets proposes it):", secrets)
	var left []string
	for _, one := range plan.Proposal.Left {
		left = append(left, short(one.Target)+": "+one.Why)
	}
	list("used and not proposed:", left)
	if len(plan.Diff) == 0 {
		t.print("there is nothing to add to the policy")
		return
	}
	t.print("proposed for the config:")
	for _, row := range plan.Diff {
		t.print("%s", printable(row))
	}
}

// agrees asks a yes-or-no question at the terminal; where there is none, and at
// the end of input, the answer is no.
func (t *terminal) agrees(question string) bool {
	for _, file := range []*os.File{t.in, t.out, t.err} {
		if !term.IsTerminal(int(file.Fd())) {
			return false
		}
	}
	fmt.Fprintf(t.err, "%s [y/N] ", printable(question))
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil {
		fmt.Fprintln(t.err)
		return false
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
