package registry

import (
	"slices"
	"strings"

	"openclaw/gateway/event"
)

// maskDenials takes secrets out of words that are an agent's own, and out of the rule,
// which names a path of the config.
func (r *Registry) maskDenials(denials []event.Denial) []event.Denial {
	out := make([]event.Denial, len(denials))
	for i, d := range denials {
		target := r.options.Mask(d.Target)
		d.Program, d.CommandLine, d.Masked, d.Target = r.options.Mask(d.Program), r.options.Mask(d.CommandLine), target != d.Target, target
		d.Rule = r.options.Mask(d.Rule)
		out[i] = d
	}
	return out
}

func (r *Registry) maskConnection(c *event.Connection) {
	c.Program, c.Client, c.Route, c.Detail = r.options.Mask(c.Program), r.options.Mask(c.Client), r.options.Mask(c.Route), r.options.Mask(c.Detail)
}

// maskRun takes secrets out of what a supervisor said of its run: names of folders, and of
// what a policy forbids.
func (r *Registry) maskRun(run *event.Run) {
	run.Folder = r.options.Mask(run.Folder)
	for _, list := range []*[]string{&run.Warnings, &run.NeedsRun, &run.StillOpen} {
		out := slices.Clone(*list) // the supervisor's own is the caller's
		for i, text := range out {
			out[i] = r.options.Mask(text)
		}
		*list = out
	}
}

// maskCommand masks each argument, and one that a flag before it names a
// secret.
func (r *Registry) maskCommand(command []string) []string {
	out := make([]string, len(command))
	for i, argument := range command {
		out[i] = r.options.Mask(argument)
		if i == 0 || !strings.HasPrefix(command[i-1], "-") || strings.HasPrefix(argument, "-") {
			continue
		}
		flag := command[i-1] + " "
		if value, same := strings.CutPrefix(r.options.Mask(flag+argument), flag); same && value != argument {
			out[i] = value
		}
	}
	return out
}
