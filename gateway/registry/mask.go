package registry

import (
	"strings"

	"openclaw/gateway/event"
)

// maskDenials takes secrets out of words that are an agent's own.
func (r *Registry) maskDenials(denials []event.Denial) []event.Denial {
	out := make([]event.Denial, len(denials))
	for i, d := range denials {
		target := r.options.Mask(d.Target)
		d.Program, d.CommandLine, d.Masked, d.Target = r.options.Mask(d.Program), r.options.Mask(d.CommandLine), target != d.Target, target
		out[i] = d
	}
	return out
}

func (r *Registry) maskConnection(c *event.Connection) {
	c.Program, c.Client, c.Route, c.Detail = r.options.Mask(c.Program), r.options.Mask(c.Client), r.options.Mask(c.Route), r.options.Mask(c.Detail)
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
