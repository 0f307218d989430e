package event

import (
	"bytes"
	"strconv"
)

// Counter makes one of denials that differ in their target only, where there
// are too many to name. It is not safe for concurrent use.
type Counter struct {
	Name string // stands in the place of the targets
	sums []Denial
	rows []spans // of the sums
	at   map[[4]string]int
}

// Add counts one, and returns the number of the sum that it is in, from 0.
func (c *Counter) Add(d Denial) int {
	key := [...]string{d.Agent, d.Run, d.Operation, d.Rule}
	i, known := c.at[key]
	if !known {
		if c.at == nil {
			c.at = map[[4]string]int{}
		}
		i = len(c.sums)
		c.at[key] = i
		c.rows = append(c.rows, spans{})
		c.rows[i].add(d.Row)
		d.Target, d.Row = c.Name, 0
		c.sums = append(c.sums, d)
		return i
	}
	sum := &c.sums[i]
	c.rows[i].add(d.Row)
	sum.Count += d.Count
	if d.First.Before(sum.First) {
		sum.First = d.First
	}
	if d.Last.After(sum.Last) {
		sum.Last, sum.PID, sum.Program, sum.CommandLine = d.Last, d.PID, d.Program, d.CommandLine
	}
	return i
}

// Sums returns one for each agent, run, operation and rule, oldest first.
func (c *Counter) Sums() []Denial {
	for i := range c.sums {
		c.sums[i].Rows = string(c.rows[i].text)
	}
	return c.sums
}

// spans is the text of Denial.Rows as it grows.
type spans struct {
	text  []byte
	start int    // of the last span in it
	last  uint64 // number
}

func (s *spans) add(row uint64) {
	if row == 0 {
		return
	}
	if s.last > 0 && row == s.last+1 {
		first, _, _ := bytes.Cut(s.text[s.start:], []byte("-"))
		s.text = append(s.text[:s.start+len(first)], '-')
	} else {
		if s.last > 0 {
			s.text = append(s.text, ',')
		}
		s.start = len(s.text)
	}
	s.text = strconv.AppendUint(s.text, row, 10)
	s.last = row
}
