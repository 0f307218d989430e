// Package policy decides what an agent may do.
//
// It owns the permission types of the config, the compiled Policy and the
// decision. It is pure: no I/O, no clock, no environment of its own. Every
// function is deterministic and safe for concurrent use. Deny wins over allow
// everywhere; a policy narrowed is never wider than before.
//
// Compile makes a Policy from what a role and an agent write; Decide answers a
// Request and names the rule that spoke; Explain answers the same with every
// rule it looked at. Of the rules that deny, the config's is named before a
// built-in one and the deeper before the higher; when none denies, the deepest
// rule that allows says how far the access goes. Compare and Narrower say what
// changes when one policy takes the place of another.
//
// A path is judged as it is given: links are the caller's to resolve, and both
// names to be asked for. So are the addresses of the host itself, which no
// policy knows.
package policy
