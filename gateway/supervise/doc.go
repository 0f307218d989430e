// Package supervise is the life of one caged run: `openclaw agent run`.
//
// It owns the wire between a cage and the gateway: it fetches the compiled
// policy and the run's token, builds the cage, starts its command when the gateway has
// the start on record, reports denials and connections, hands policy changes to the
// cage, carries asks and their verdicts, and says when the run is over. It promises that the cage's enforcement never depends on the
// gateway: when the gateway is gone the cage keeps refusing, what it would ask is
// denied at once, reports wait (bounded, counts exact), and the run is registered
// again as soon as a gateway answers. A person at the run's terminal is told there that
// something is held, and at the end how much was refused. It gives the known clients
// what they need to find the gateway: folders of their own in the workspace, and their
// settings, which are theirs once they are there. A run whose policy became narrower in
// a way that the cage cannot take back goes on and is shown, or is ended, as on_narrow
// says. A person ends a run through the gateway: it is asked to and killed five seconds
// later, or killed at once, with all that it started; or Run returns ErrRestart, and its
// caller runs the same command again in the same place, as a new run. A run that learns
// is let through only to what the gateway has on record. It never holds a provider key.
package supervise
