// Package proxy is the way out of a cage that has no network of its own (macOS,
// and Linux where namespaces are refused): an HTTP proxy on the machine's
// loopback that the cage's programs are told of by HTTP_PROXY and HTTPS_PROXY,
// and that the cage lets them reach, and nothing else.
//
// It owns the connections that its listener accepts until their request is
// read; then package egress carries them, with every check that a connection
// out of a cage with namespaces meets: the name and the port are judged, the
// real addresses are looked up here and judged again, an address that was
// judged is dialled, and what the program says first must ask for that very
// name. See there for what that holds and what not.
//
// # What it promises
//
// A request is carried only with the run's own token (Proxy-Authorization,
// Basic), so no other program of the machine goes out in the agent's name.
// CONNECT opens a tunnel; a request for a whole http:// URL is passed on with
// "Connection: close" and without the headers that were meant for the proxy.
// Anything else is refused. "200" is answered when the far end is reached, not
// before. A refusal by the policy is answered 403 with the rule, and told
// once.
//
// # Order, blocking, locking
//
// Serve owns all goroutines and returns when they have ended. Callbacks come
// from many goroutines, never with a lock held. Heads of requests are bounded
// in size and time, connections in number.
package proxy
