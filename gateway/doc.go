// Package gateway composes the gateway: listeners, the order of what every
// request passes, the table of methods, runs, supervision and the end.
//
// It owns one state folder: a lock lets no second gateway in. It listens on the
// config's address and on a unix socket in the state folder. What comes over TCP
// passes, in this order: room for the connection, TLS where it is on, Host, Origin
// and Sec-Fetch-Site, authentication, the rate and the share of who it is, the
// route. An address that others can reach is listened on with authentication and
// TLS only; the names of the certificate (without wildcards) are then the
// gateway's own hosts, because a page that rebinds its name has no certificate
// for it. A client certificate names its client in connections and in the audit
// log, and is asked for beside the token, never in its place: scopes are the
// token's. The rate is of calls, of a socket's requests, and of whatever a stranger
// asks. What comes over the unix socket is its owner by the kernel's word and
// needs no token; it serves the protocol and /health, never a provider, so that
// a cage's endpoint can never be joined to it by mistake.
//
// What runs in a cage speaks plain HTTP to an address in 127.0.0.0/8, which the
// cage carries to the same address outside. Where the listener is not that (TLS is
// on, or it has another address), agents get an endpoint of their own: 127.0.0.1, a
// port that is kept in the state folder so that cages outlive a restart, agents'
// tokens and /health only, whatever require_auth says. The other way, TLS in the
// cage's relay with the certificate pinned, would put a TLS client and a pin that
// changes with every renewal into the one process that must not fail, and has no
// place on macOS, where nothing relays. Agents' tokens open nothing from another
// machine.
//
// Budgets of agents and of providers (requests, tokens, calls at the same time,
// models) are asked before each model call; what passes them is refused in the
// API's own shape and is a denial like a cage's. A changed budget holds from the
// next call on, and a call whose model is allowed no more ends.
//
// Clients of the protocol talk with an agent's model (package chat), and OpenAI's
// clients do by the model's name openclaw/AGENT, in chat completions and in
// responses alike; agents' tokens do not. No response is kept by its id: who goes
// on names a session. What is said is kept in the state folder (package store) and asked of the agent's own
// provider through the same pass-through, under the agent's name: one record, one
// audit entry and the agent's budget for each request. A run's events go to the
// socket that sent it and to those that asked for them, and to no other.
//
// Promises. A refusal is answered in the caller's own shape, holds no secret,
// and is on the bus and in the log; past a rate refusals are counted there
// instead, so that a flood fills no disk. An agent's token opens the providers'
// routes and nothing else, and is dead when its run is; for seconds after a start its
// calls are to be sent again, until the runs of the gateway before are back. A policy or token that
// became stricter takes effect on what is open already: sockets and calls that
// have lost their right are cut. What must be audited is written before it takes
// effect (a run's command begins, a secret, the start) or before it is shown (a denial);
// the end of a run is in the log when it is answered, and the disk follows; an act on
// secrets as allowed, and once more as a failure where nothing came of it; records
// of finished model calls are queued at their end, in that order and before
// whatever is audited after it, and written right after, many at once. Run
// returns when its last goroutine is gone; it lets open streams end for
// Deps.Grace and then cuts them. Who was accepted when a stop begins is answered,
// also who is still shaking hands over TLS, if the request comes within five
// seconds: where a service manager holds the port, a restart drops no connection
// but a kept one that was idle.
//
// The key of an unlocked vault is in this process only. An unlock with a time limit
// ends at its time (auth.Clock's), with a notice and an audit record; a wall clock
// that jumps ahead or a machine that slept ends it within a second, one that is set
// back gains nothing.
//
// It never holds a provider key, never runs a command, and never draws.
package gateway
