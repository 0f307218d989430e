package view

// drawDraftKeys is the last row below lines that are shown before they are written: how
// many more there are, and what the keys do. y counts when the last of them was in sight.
func drawDraftKeys(c *Canvas, more int, read bool) {
	c.Gap(1)
	if more > 0 {
		c.Put(Bold, c.T("%s %s more lines: pgdn   ", c.Theme.Glyphs.Down, itoa(more)))
	}
	if read {
		c.Put(Bold, "y")
		c.Put(Plain, c.T(" writes it   "))
	}
	c.Put(Bold, "enter")
	c.Put(Plain, c.T(" changes it   "))
	c.Put(Bold, "esc")
	c.Line(Plain, c.T(" leaves it"))
}
