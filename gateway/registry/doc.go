// Package registry remembers what happens behind the gateway now: denials,
// connections and runs. It is memory only and starts empty; the audit log is
// what lasts.
//
// Promises. Counts are exact: a denial is merged with its repeats, and however
// many come, none is lost from a count. A denial is audited before it is shown;
// when that fails it is shown all the same, with a notice. Every change is
// published as an event that carries the whole row: at once, but of one denial
// at most ten times a second and of one agent at most once a second, the last
// state always. Memory is bounded: 10,000 denial rows, 1,000 closed connections
// (the oldest go first), 10,000 open connections out of cages, 200 ended runs.
//
// Methods are safe for concurrent use and do not block, but Deny, which waits
// for the audit log. No lock is held over a callback. Run publishes what was
// held back, and ends with its context.
package registry
