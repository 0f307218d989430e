// Package registry remembers what happens behind the gateway now: denials,
// connections and runs. It is memory only; the audit log is what lasts, and of
// its last hour a gateway takes the denials up as it starts (Recall).
//
// Promises. Counts are exact: a denial is merged with its repeats, and however
// many come, none is lost from a count. Of a flood against one rule a thousand
// denials are listed by target and then two a second; the rest are counted in
// rows and audit records of their own, so that an agent fills neither the disk
// nor the place of what it did before, of what another rule refused, or of
// another agent. A denial is audited before it is shown; when that fails it is
// shown all the same, with a notice, and put on record as soon as that is possible:
// what waits for that is bounded, keeps its counts, and is lost only with the process.
// What somebody else keeps until then (DenyKept) is shown when it is on record. Secrets in what an agent says (its targets,
// command lines, routes) are masked before anything else happens. Every change is
// published as an event that carries the whole row: at once, but of one denial
// at most ten times a second and of one agent at most once a second, the last
// state always. Memory is bounded: 10,000 denial rows (the oldest of the agent
// that has the most go first), 1,000 closed connections (likewise),
// 10,000 open connections out of cages, 200 ended runs.
//
// Methods are safe for concurrent use and do not block, but Deny, which waits
// for the audit log. No lock is held over a callback. Run publishes what was
// held back, records what is owed, and ends with its context.
package registry
