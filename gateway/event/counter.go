package event

// Counter makes one of denials that differ in their target only, where there
// are too many to name. The zero value is ready. It is not safe for concurrent use.
type Counter struct {
	Name string   // stands in the place of the targets
	Sums []Denial // one for each agent, run, operation and rule, oldest first
	at   map[[4]string]int
}

// Add counts one.
func (c *Counter) Add(d Denial) {
	key := [...]string{d.Agent, d.Run, d.Operation, d.Rule}
	i, known := c.at[key]
	if !known {
		if c.at == nil {
			c.at = map[[4]string]int{}
		}
		c.at[key] = len(c.Sums)
		d.Target, d.Row = c.Name, 0
		c.Sums = append(c.Sums, d)
		return
	}
	sum := &c.Sums[i]
	sum.Count += d.Count
	if d.First.Before(sum.First) {
		sum.First = d.First
	}
	if d.Last.After(sum.Last) {
		sum.Last, sum.PID, sum.Program, sum.CommandLine = d.Last, d.PID, d.Program, d.CommandLine
	}
}
