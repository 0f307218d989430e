package sandbox

import (
	"context"
	"time"
)

// namesGrace is how long the end of a run waits for the look for second names of
// denied files, which goes on beside the run.
const namesGrace = 50 * time.Millisecond

// tellNames reports the hard links by which a denied file can be read.
func (p *Process) tellNames(ctx context.Context) {
	defer close(p.named)
	for _, warning := range p.plan.SecondNames(ctx) {
		p.warn(warning)
	}
}
