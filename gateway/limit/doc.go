// Package limit bounds what one client may take: open connections, requests a
// minute, calls under way, the sizes of headers and bodies, and the memory of all
// bodies together.
//
// It promises bounded memory, whatever addresses come (IPv6 counts by /64), and
// no waiting: every question is answered at once, with the time after which to
// ask again. Limits follow the config live.
//
// All programs of this machine share the loopback address, and count as one whichever
// of the 16 million of 127.0.0.0/8 they come from. There a request
// counts for the credential that it carries, so that one agent's flood does not
// shut out the others, and at least LoopbackConnections connections are allowed
// whatever the config says. Connections over which no good credential has come, or
// that are idle, give way to new ones, the oldest first: holding them open shuts
// nobody out. Those from elsewhere are bounded together too (StrangerConnections, and
// a quarter of the descriptors), so that many addresses with a few each do not take
// what this machine's own connections and the providers need. The unix socket is not limited: whoever may open it
// may stop the gateway.
package limit
