package view

import (
	"strconv"
	"time"

	"openclaw/gateway/event"
)

const headLabel = 10

// drawHead says above the records what this machine enforces, whether the chain of the
// log is whole, what the records of the hour come to, how long they are kept, and what will
// judge all that. Where the window is low the last three give way.
func (v *AuditView) drawHead(c *Canvas) {
	low := c.Left() < 16
	v.drawPosture(c)
	v.drawChain(c)
	if low {
		return
	}
	refused := 0
	for i := range v.data.Audit {
		if r := v.data.Audit[i].Result; r == "denied" || r == "failed" || r == "failure" {
			refused++
		}
	}
	c.Gap(1)
	c.Field(Bold, c.T("records"), headLabel)
	c.PutInt(Plain, len(v.data.Audit))
	c.Put(Plain, c.T(" in an hour, %s refused", itoa(refused)))
	c.Gap(2)
	c.Put(Faint, "openclaw audit search")
	c.End()
	c.Gap(1)
	c.Field(Bold, c.T("retention"), headLabel)
	c.Line(Plain, c.T("nothing is removed by age until data_retention is built"))
	c.Gap(1)
	c.Field(Bold, c.T("findings"), headLabel)
	c.Line(Plain, c.T("openclaw security audit will list them; it is not built yet"))
}

func (v *AuditView) drawPosture(c *Canvas) {
	machine, missing := v.data.Overview.Machine, 0
	for i := range machine {
		if !machine[i].Enforced {
			missing++
		}
	}
	c.Gap(1)
	c.Field(Bold, c.T("posture"), headLabel)
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
}

// drawChain says what the newest look at every line found, and, where it found
// something, where that is and what to do.
func (v *AuditView) drawChain(c *Canvas) {
	k := v.data.Chain
	c.Gap(1)
	c.Field(Bold, c.T("chain"), headLabel)
	switch {
	case v.data.ChainProblem != "":
		c.Put(Bad, c.Theme.Glyphs.No)
		c.Put(Plain, c.T(" not verified: %s", v.data.ChainProblem))
	case k.Status == "":
		c.Put(Faint, c.T("not verified yet"))
	case k.Status == event.ChainWhole:
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Put(Plain, c.T(" whole up to line %s, looked at %s", strconv.FormatUint(k.Records, 10), v.data.Local(k.At).Format(time.TimeOnly)))
	case k.Status == event.ChainEmpty:
		c.Put(Faint, c.T("no record yet"))
	default:
		c.Put(Bad, c.Theme.Glyphs.No)
		where := tilde(k.Path, v.data.Home) + ":" + itoa(k.Line)
		if Width(where) > c.Room()-12 {
			where = base(k.Path) + ":" + itoa(k.Line)
		}
		if k.Status == event.ChainTorn {
			c.Put(Bold, c.T(" torn at %s", where))
		} else {
			c.Put(Bold, c.T(" broken at %s", where))
		}
		c.End()
		c.Gap(headLabel + 2)
		c.Wrap(Plain, k.Detail, headLabel+2)
		c.Gap(headLabel + 2)
		if k.Status == event.ChainTorn {
			c.Wrap(Plain, c.T("a crash does that: the gateway's next start mends it and says so in the log"), headLabel+2)
		} else {
			c.Wrap(Plain, c.T("copy the file before anything else; compare it with what was kept elsewhere; {audit.verify} looks again"), headLabel+2)
		}
		return
	}
	c.Gap(2)
	c.Put(Bold, c.Key(ActVerify))
	c.Put(Faint, c.T(" verifies"))
	c.End()
}
