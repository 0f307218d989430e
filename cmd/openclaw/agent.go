package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

func agentCommand(t *terminal) *cobra.Command {
	return group("agent", "Run agents in their cages and see what they may do",
		agentListCommand(t), agentShowCommand(t), agentRunCommand(t), agentLearnCommand(t), agentTestCommand(t), agentStopCommand(t), agentRestartCommand(t), agentOutputCommand(t), agentAttachCommand(t),
		agentCreateCommand(t), agentDeleteCommand(t))
}

func agentListCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the agents of the config", Args: exactly(0), Example: "  openclaw agent list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			type row struct {
				Name      string   `json:"name"`
				Role      string   `json:"role,omitempty"`
				Workspace string   `json:"workspace"`
				Network   string   `json:"network"`
				Runs      []runRow `json:"runs,omitempty"` // those that go on; unknown without a gateway
			}
			runs := t.present(cmd.Context())
			list := []row{}
			for _, name := range snapshot.Agents() {
				p, err := snapshot.Policy(name)
				if err != nil {
					return err
				}
				list = append(list, row{name, snapshot.Config.Agents[name].Role, p.Workspace, networkWords(p), runs[name]})
			}
			rows := make([][]string, 0, len(list))
			for _, r := range list {
				rows = append(rows, []string{r.Name, r.Role, r.Workspace, r.Network, runWords(r.Runs)})
			}
			return t.withoutKnown(cmd.Context(), func(t *terminal) error {
				switch {
				case asJSON:
					return t.json(list)
				case len(rows) == 0:
					t.print("no agents in %s; add one with 'openclaw agent create NAME'", snapshot.Path)
					return nil
				}
				t.table("NAME\tROLE\tWORKSPACE\tNETWORK\tRUNS", rows)
				t.warnOpen(runs, "")
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func networkWords(p *policy.Policy) string {
	switch {
	case !p.Network.Outbound:
		return "none"
	case p.Network.AnyDomain:
		return "any domain that is not blocked"
	default:
		names := make([]string, 0, len(p.Network.Domains))
		for _, d := range p.Network.Domains {
			names = append(names, domainWords(d))
		}
		if len(names) == 0 {
			return "listed addresses only"
		}
		return strings.Join(names, " ")
	}
}

// domainWords is a name as the config writes it.
func domainWords(d policy.DomainRule) string {
	if d.Port == 0 {
		return d.Pattern
	}
	return fmt.Sprintf("%s:%d", d.Pattern, d.Port)
}

func agentShowCommand(t *terminal) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show an agent's policy as it will be enforced, and where each rule comes from", Args: exactly(1),
		Example: "  openclaw agent show coder", ValidArgsFunction: t.completeAgents,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := t.policy(args[0])
			if err != nil {
				return err
			}
			return t.withoutKnown(cmd.Context(), func(t *terminal) error {
				seen := sandbox.PreviewOf(p)
				if asJSON {
					return t.json(shown(p, seen))
				}
				t.showPolicy(p, seen, all)
				return t.showBudget(args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&all, "all", false, "also the built-in rules")
	return cmd
}

// policy compiles an agent's policy from the config on disk.
func (t *terminal) policy(agent string) (*policy.Policy, error) {
	if !configs.ValidName(agent) {
		return nil, usage("a name has letters, digits, '.', '_' and '-', and begins with a letter or digit", "%q is not an agent's name", agent)
	}
	snapshot, err := t.loadConfig()
	if err != nil {
		return nil, err
	}
	return snapshot.Policy(agent)
}

func (t *terminal) showPolicy(p *policy.Policy, seen sandbox.Preview, all bool) {
	t.print("agent      %s", p.Agent)
	t.print("workspace  %s", printable(p.Workspace))
	t.showRefused(seen)
	t.print("enforce    %s", enforceWords(p))
	t.print("narrowed   %s", narrowWords(p))
	t.print("")
	rows, builtIn := [][]string{}, 0
	for _, rule := range p.Paths {
		if rule.Origin.BuiltIn != "" && !all {
			builtIn++
			continue
		}
		access := string(rule.Access)
		if rule.Effect == policy.Deny {
			access = ""
		}
		rows = append(rows, []string{string(rule.Effect), access, rule.Path, rule.Origin.String(), rule.Origin.BuiltIn})
	}
	t.table("PATHS\tACCESS\tPATH\tFROM\tREASON", rows)
	if builtIn > 0 {
		t.print("and %d built-in rules (--all shows them with their reasons)", builtIn)
	}
	t.showUnmet(seen)
	t.print("")
	t.print("network    %s", networkWords(p))
	for _, rule := range p.Network.Domains {
		t.print("  allowed  %s  (%s)", domainWords(rule), rule.Origin.String())
	}
	for _, rule := range p.Network.Blocked {
		if rule.Origin.BuiltIn == "" || all {
			t.print("  blocked  %s  (%s)", rule.Prefix, rule.Origin.String())
		}
	}
	for _, rule := range p.Network.Allowed {
		t.print("  allowed  %s  (%s)", addressWords(rule), rule.Origin.String())
	}
	t.print("programs   %s", execWords(p))
	t.showAskRules(p)
	if p.MaxFileSize > 0 {
		t.print("files      at most %d bytes each (%s)", p.MaxFileSize, p.MaxOrigin.String())
	}
	if len(p.Env) > 0 {
		t.print("variables  %s: handed to the agent as you have them set (env)", printable(strings.Join(p.Env, ", ")))
	}
	t.showBounds(p)
	t.showRepositories(p)
}

// narrowWords says what happens to a run that a narrower policy cannot close.
func narrowWords(p *policy.Policy) string {
	if p.OnNarrow == policy.NarrowStop {
		return "a run that cannot be narrowed is ended (" + because("on_narrow: stop", p.NarrowFrom) + ")"
	}
	return "a run that cannot be narrowed is shown (on_narrow: flag)"
}

// enforceWords says what a machine that refuses namespaces would do.
func enforceWords(p *policy.Policy) string {
	if p.Enforce != policy.EnforceReduced {
		return string(p.Enforce) + "  (the full cage, or the agent does not start)"
	}
	if err := sandbox.CheckReduced(p); err != nil {
		return string(p.Enforce) + "  (the full cage; the reduced mode cannot hold this policy: " + printable(err.Error()) + ")"
	}
	return string(p.Enforce) + "  (the full cage; where it cannot be had the reduced mode, which openclaw doctor describes)"
}

// showAskRules prints what is asked about, and what becomes of a question that nobody
// answers.
func (t *terminal) showAskRules(p *policy.Policy) {
	if len(p.Asks) == 0 {
		return
	}
	t.print("asks       %s: what no rule speaks of is held for your answer", classWords(p.Asks))
	t.print("           one that is not answered in %s is refused (ask_timeout)", askTimeWords(p.AskTimeout))
	if len(p.NeverAlways) > 0 {
		t.print("           no answer is for always for %s (never_always)", classWords(p.NeverAlways))
	}
}

// askTimeWords writes a time as the config does: 60s, 5m.
func askTimeWords(d time.Duration) string {
	if d >= 2*time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%gs", d.Seconds())
}

func addressWords(rule policy.AddressRule) string {
	if rule.Port == 0 {
		return rule.Prefix.String()
	}
	return fmt.Sprintf("%s port %d", rule.Prefix, rule.Port)
}

func classWords(classes []policy.Class) string {
	words := make([]string, 0, len(classes))
	for _, class := range classes {
		words = append(words, string(class))
	}
	return strings.Join(words, ", ")
}

func execWords(p *policy.Policy) string {
	switch {
	case !p.Exec.Commands:
		return "only the command that starts the agent"
	case !p.Exec.System:
		return "any, but no system commands (sudo, mount, package managers…)"
	default:
		return "any; none gains a privilege"
	}
}

func agentTestCommand(t *terminal) *cobra.Command {
	var asJSON, trace bool
	cmd := &cobra.Command{
		Use: "test NAME (read|write|exec|connect) TARGET", Short: "Say what the policy answers and why, without running anything",
		Args: exactly(3), ValidArgsFunction: t.completeAgents,
		Example: "  openclaw agent test coder read ~/.ssh/id_ed25519\n  openclaw agent test coder connect api.example.com:443",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := t.policy(args[0])
			if err != nil {
				return err
			}
			request, err := requestOf(args[1], args[2], p.Home)
			if err != nil {
				return err
			}
			decision := t.answerOf(p, request)
			err = t.withoutKnown(cmd.Context(), func(t *terminal) error {
				open := openQuestion(p, request, decision)
				if asJSON {
					return t.json(answer{decision, open})
				}
				t.print("%s: %s", decision.Effect, printable(because(decision.Rule, decision.Origin)))
				if open != nil {
					t.print("  %s", printable(open.Note))
				}
				t.showTrace(decision, trace)
				return nil
			})
			if err == nil && decision.Effect != policy.Allow {
				return exitStatus(exitRefused)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&trace, "trace", false, "every rule that was looked at, in order")
	return cmd
}

// showTrace prints the rules that matched, or all that were looked at.
func (t *terminal) showTrace(decision policy.Decision, all bool) {
	for _, step := range decision.Trace {
		switch {
		case step.Matched:
			t.print("  › %s", printable(because(step.Rule, step.Origin)))
		case all:
			t.print("    %s", printable(because(step.Rule, step.Origin)))
		}
	}
}

// requestOf reads an operation and its target from the command line.
func requestOf(operation, target, home string) (policy.Request, error) {
	switch operation {
	case "read", "write", "exec":
		if operation == "exec" && target != "" && filepath.Base(target) == target {
			var err error
			if target, err = programOf(target); err != nil {
				return policy.Request{}, err
			}
		}
		path, err := pathOf(target, home)
		class := map[string]policy.Class{"read": policy.ClassPathRead, "write": policy.ClassPathWrite, "exec": policy.ClassExec}[operation]
		return policy.Request{Class: class, Path: path}, err
	case "connect":
		host, port, err := net.SplitHostPort(target)
		if err != nil || strings.Contains(target, "://") {
			return policy.Request{}, usage("write it like api.example.com:443 or [::1]:8080", "%q is not host:port", target)
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return policy.Request{}, usage("a port is 1 to 65535", "%q is not a port", port)
		}
		request := policy.Request{Class: policy.ClassNet, Host: host, Port: uint16(number)}
		if address, err := netip.ParseAddr(host); err == nil {
			request.Host, request.Address = "", address
		}
		return request, nil
	}
	return policy.Request{}, usage("it is read, write, exec or connect", "unknown operation %q", operation)
}

// programOf is where a program lies that is named as a command line names it. System
// commands lie where an ordinary user's PATH does not lead.
func programOf(name string) (string, error) {
	for _, try := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, _ := exec.LookPath(try); path != "" { // also in a PATH that has the folder where one stands
			return filepath.Abs(path)
		}
	}
	return "", usage("give its path: ./"+name+" is one that lies here", "there is no program %q in PATH", name)
}

// pathOf is a path of the command line, absolute and not cleaned: a .. after a link is not
// the folder that the link lies in. A ~ that the shell left is the home folder, as in the
// config.
func pathOf(target, home string) (string, error) {
	switch {
	case target == "":
		return "", usage("openclaw agent test NAME read PATH", "an empty path names nothing")
	case target == "~" || strings.HasPrefix(target, "~/"):
		return home + target[1:], nil
	case filepath.IsAbs(target):
		return target, nil
	}
	stands, err := os.Getwd()
	return stands + "/" + target, err
}

// completeAgents offers the agents of the config as a command's first argument.
func (t *terminal) completeAgents(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	t.encrypted.askNoMore() // nobody who presses the tab key expects a question
	snapshot, err := t.loadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return snapshot.Agents(), cobra.ShellCompDirectiveNoFileComp
}
