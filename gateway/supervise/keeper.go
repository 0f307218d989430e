package supervise

import (
	"errors"

	"openclaw/gateway/event"
	"openclaw/gateway/spool"
	"openclaw/gateway/wire"
)

// keeper brings what no gateway could be told to the disk. One goroutine uses
// it at a time.
type keeper struct {
	begin     func() *spool.Writer
	collected *reports

	writer  *spool.Writer
	problem error // of the last write
	lost    int   // refusals at the end of the run that are nowhere
}

// keep writes the denials of a report that was not taken; what else it holds
// waits in memory, and so do the denials if the disk does not take them.
func (k *keeper) keep(p wire.RunReportParams) bool {
	if k.append(p) {
		p.Denials = nil
	}
	k.collected.giveBack(p)
	return p.Denials == nil
}

func (k *keeper) append(p wire.RunReportParams) bool {
	if len(p.Denials) == 0 {
		return true
	}
	if k.writer == nil {
		if k.writer = k.begin(); k.writer == nil {
			k.problem = errors.New("there is no place to keep them")
			return false
		}
	}
	denials := p.Denials
	if k.full() {
		counted := event.Counter{Name: moreTargets}
		for i := range denials {
			counted.Add(denials[i])
		}
		denials = counted.Sums()
	}
	k.problem = k.writer.Append(p.First, denials)
	return k.problem == nil
}

// full reports whether refusals are counted only by now.
func (k *keeper) full() bool { return k.writer != nil && k.writer.Full() }

// keepAll keeps all denials that wait, and nothing else.
func (k *keeper) keepAll() bool {
	p := k.collected.takeDenials()
	return k.keep(p)
}

// seal lets a gateway read what was kept.
func (k *keeper) seal() {
	if k.writer != nil {
		k.writer.Seal()
	}
}

// end keeps the rest, and how the run ended.
func (k *keeper) end(exit string) {
	for {
		p := k.collected.takeDenials()
		if len(p.Denials) == 0 {
			break
		}
		if !k.append(p) {
			for i := range p.Denials {
				k.lost += max(p.Denials[i].Count, 1)
			}
		}
	}
	if k.writer == nil {
		k.writer = k.begin()
	}
	if k.writer != nil {
		_ = k.writer.End(exit) // a file without it is that of a run that was lost
		k.writer.Seal()
	}
}
