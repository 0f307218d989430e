// Package approve is the inbox of asks: requests of caged programs that are
// held until a person answers.
//
// It owns what waits, for how long, what was answered, what an answer granted
// for the rest of a run, and what may still be taken back. Alike asks (same
// agent, class, operation, target and program) are one row and get one answer: what waits
// when it is given. What comes later is asked about again. The first answer wins. Everything fails closed: no answer in time, a program or a run
// that ends, too many asks, and an answer that cannot be written to the audit
// log are each a denial. Memory is bounded: maxHeld asks wait, of one agent at most
// maxHeldOne, so that none keeps others from asking; maxEnded rows are remembered. A screen at which a person looks at an ask can have its clock stand
// still, seconds at a time and never past policy.AskCap: that lengthens the wait, and
// answers nothing.
//
// Order: an answer is written to the audit log before anybody acts on it; then
// the rule of an "always" is written; then the held asks get their verdict.
// Events come in the order of what happened, and after the lock is released.
// No lock is held while the audit log or the config is written.
//
// A denial of a rule has no row of its own. It can be answered all the same, with
// a rule that allows it the next time: then it gets one, and can be taken back as
// any other answer.
//
// An answer that holds for a run or for ever is one to what waits already and is
// covered by it, too: each such row gets its own record before it goes on.
//
// A policy that changes answers what waits and what it does not ask about any more: allowed
// or denied as it says now, whatever anybody would answer.
//
// It never decides for itself that something is allowed, looks at nothing of a file
// that an ask is about but whether a rule would open more than it, and never lifts a rule that denies: a cage asks only
// about what no rule speaks of.
package approve
