// Package policy decides what an agent may do.
//
// It owns the permission types of the config, the compiled Policy and the
// decision. It is pure: no I/O, no clock, no environment of its own. Every
// function is deterministic and safe for concurrent use. Deny wins over allow
// everywhere; a policy narrowed is never wider than before.
package policy
