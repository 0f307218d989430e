package policy

import (
	"fmt"
	"strconv"
)

// Least values of a limit: below them not even the cage's own first process
// runs.
const (
	LeastMemory = 32 << 20 // bytes; that process takes about 15 MiB
	leastCPU    = 10       // thousandths of a core: the kernel gives no less than 1 ms of 100
	mostCPU     = 4096 * 1000
	mostPIDs    = 4_194_304 // PID_MAX_LIMIT of the kernel
)

// Resources bounds what all processes of one run take together. Zero is "no
// bound".
type Resources struct {
	Memory     int64  `json:"memory,omitempty"` // bytes, swap and files in memory included
	MemoryFrom Origin `json:"memory_from,omitzero"`
	PIDs       int64  `json:"pids,omitempty"` // processes and threads
	PIDsFrom   Origin `json:"pids_from,omitzero"`
	CPU        int64  `json:"cpu,omitempty"` // thousandths of a core
	CPUFrom    Origin `json:"cpu_from,omitzero"`
}

// None reports whether nothing is bounded.
func (r Resources) None() bool { return r.Memory == 0 && r.PIDs == 0 && r.CPU == 0 }

// Lines says the bounds as a person may have written them, one a line.
func (r Resources) Lines() []string {
	var out []string
	if r.Memory != 0 {
		out = append(out, "limits: memory "+SizeText(r.Memory))
	}
	if r.PIDs != 0 {
		out = append(out, "limits: pids "+strconv.FormatInt(r.PIDs, 10))
	}
	if r.CPU != 0 {
		out = append(out, "limits: cpu "+CPUText(r.CPU))
	}
	return out
}

// SizeText writes a number of bytes in the largest unit that says it exactly.
func SizeText(bytes int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes >= unit.size && bytes%unit.size == 0 {
			return strconv.FormatInt(bytes/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(bytes, 10) + " bytes"
}

// CPUText writes thousandths of a core as cores.
func CPUText(milli int64) string {
	return strconv.FormatFloat(float64(milli)/1000, 'f', -1, 64)
}

// resources checks the agent's limits and says where they stand.
func (c *compiler) resources(p *Policy) {
	p.Resources = Resources{Memory: c.in.Limits.Memory, PIDs: c.in.Limits.PIDs, CPU: c.in.Limits.CPU}
	r := &p.Resources
	for _, bound := range []struct {
		name        string
		value       int64
		least, most int64
		from        *Origin
		text        func(int64) string
	}{
		{"memory", r.Memory, LeastMemory, 1 << 60, &r.MemoryFrom, SizeText},
		{"pids", r.PIDs, 1, mostPIDs, &r.PIDsFrom, func(n int64) string { return fmt.Sprint(n) }},
		{"cpu", r.CPU, leastCPU, mostCPU, &r.CPUFrom, func(n int64) string { return CPUText(n) + " cores" }},
	} {
		if bound.value == 0 {
			continue
		}
		key := c.in.OwnKey + ".limits." + bound.name
		*bound.from = c.origin(key)
		switch {
		case bound.value < bound.least:
			c.fail(key, "%s is too little; write at least %s", bound.text(bound.value), bound.text(bound.least))
		case bound.value > bound.most:
			c.fail(key, "%s is too much; write at most %s", bound.text(bound.value), bound.text(bound.most))
		}
	}
}

// nested decides whether the agent's programs may build sandboxes of their
// own. It opens much of the kernel to them, so everybody who has a word on the
// agent must have said yes.
func (c *compiler) nested(p *Policy) {
	p.NestedFrom = Origin{BuiltIn: "sandboxes inside the cage are refused unless the config allows them"}
	all := true
	for _, l := range c.layers {
		value := l.perms.Nested
		switch {
		case value == nil:
			all = false
			if p.NestedFrom.Key == "" && len(c.layers) > 1 && c.anyNested() {
				p.NestedFrom = c.origin(l.key) // this one does not say so
			}
		case !*value:
			all = false
			p.NestedFrom = c.origin(l.key + ".nested")
		}
	}
	if !all {
		return
	}
	if !p.Exec.Commands { // and code that was written in a new file system could be run
		p.NestedFrom = p.Exec.CommandsFrom
		c.warn(c.layers[0].key+".nested", "has no effect: under execute_commands: false there is no program that could build a sandbox")
		return
	}
	p.Nested, p.NestedFrom = true, c.origin(c.layers[0].key+".nested")
}

func (c *compiler) anyNested() bool {
	for _, l := range c.layers {
		if l.perms.Nested != nil && *l.perms.Nested {
			return true
		}
	}
	return false
}

func resourcesWithin(inner, outer Resources) bool {
	within := func(inner, outer int64) bool { return outer == 0 || inner != 0 && inner <= outer }
	return within(inner.Memory, outer.Memory) && within(inner.PIDs, outer.PIDs) && within(inner.CPU, outer.CPU)
}

// bareResources leaves out where the bounds stand.
func bareResources(r Resources) Resources {
	return Resources{Memory: r.Memory, PIDs: r.PIDs, CPU: r.CPU}
}
