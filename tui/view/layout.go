package view

// layout is what a view tells browse to draw.
type layout struct {
	title string // left on the filter line
	total int    // rows without the filter
	count int    // rows with it
	share int    // percent of a wide screen that the list gets
	state string // right part of the filter line: "live", "paused"
	empty string
	id    func(i int) string
	head  func(c *Canvas)
	row   func(c *Canvas, i int, selected bool)
	name  func() string // of the pane
	pane  func(c *Canvas)
	foot  func(c *Canvas) // stays at the pane's end; nil: none
	need  int             // rows of the foot, where it needs more than a few
}

// paneRows is how many of some rows the pane takes under a list.
func (l *layout) paneRows(height int) int {
	pane := min(max(height*45/100, 7, min(height-l.count-2, height*60/100)), height-4)
	switch {
	case l.need > 0: // with the head and the selected row of the list
		pane = max(pane, min(l.need+3, height-2))
	case l.foot != nil && pane < 8:
		pane = min(8, height-3) // what is answered is in sight, too
	}
	return pane
}

// listRows is how many rows of the list will be in sight, below the filter line.
func (b *browse) listRows(c *Canvas, l *layout) int {
	rows := c.Left() - 1
	if b.full {
		return rows
	}
	if c.Width() < wide {
		rows -= l.paneRows(rows)
	}
	if l.head != nil {
		rows--
	}
	return max(rows, 0)
}
