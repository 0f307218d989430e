package view

// drawHead says above the records what this machine enforces, what the records of the
// hour come to, and which commands look further: the screen itself reads neither the
// chain nor older files.
func (v *AuditView) drawHead(c *Canvas) {
	const label = 8
	machine, missing := v.data.Overview.Machine, 0
	for i := range machine {
		if !machine[i].Enforced {
			missing++
		}
	}
	c.Gap(1)
	c.Field(Bold, c.T("posture"), label)
	switch {
	case len(machine) == 0:
		c.Put(Faint, c.T("what it can enforce is not probed yet"))
	case missing == 0:
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Put(Plain, c.T(" %s, all proven here", c.N(len(machine), "mechanism")))
	default:
		c.Put(Bad, c.Theme.Glyphs.No)
		c.Put(Plain, c.T(" %s of %s cannot be enforced here", itoa(missing), c.N(len(machine), "mechanism")))
	}
	c.Gap(2)
	c.Put(Faint, "openclaw doctor")
	c.End()
	refused := 0
	for i := range v.data.Audit {
		if r := v.data.Audit[i].Result; r == "denied" || r == "failed" || r == "failure" {
			refused++
		}
	}
	c.Gap(1)
	c.Field(Bold, c.T("records"), label)
	c.PutInt(Plain, len(v.data.Audit))
	c.Put(Plain, c.T(" in an hour, %s refused", itoa(refused)))
	c.Gap(2)
	c.Put(Faint, "openclaw audit verify")
	c.End()
}
