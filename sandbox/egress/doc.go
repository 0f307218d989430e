// Package egress serves the network of a cage from outside it: it answers the
// cage's DNS, receives every TCP connection that a program inside opens, and
// carries those that the policy allows.
//
// It owns the sockets handed to Serve and every connection through them.
//
// # What it promises
//
// A name that the policy does not allow is refused at the look-up; no query is
// ever forwarded anywhere, for any name. An allowed name is answered with an
// address of 198.18.0.0/15 that stands for that name alone; IPv6 addresses and
// service records (HTTPS, SVCB) are answered empty, so there is no second way
// to the name and no key for an encrypted ClientHello.
//
// A connection to such an address is a connection to the name: the name and
// the port are judged, the real addresses are looked up out here, each is
// judged again, and exactly an address that was judged is dialled. An address
// of this machine is refused like a blocked range, also where it is a public
// one, unless allowed_ips names it. A connection to any other address is
// refused unless allowed_ips names it.
//
// The first bytes of a connection to a name are read before any of them goes
// out. A TLS ClientHello must ask for that very name if it asks for one, whatever
// version its records say (servers take no notice of it), and must come first; a
// second one, which a server may ask for, is held to the same. A connection that
// starts as HTTP without TLS, 1.0, 1.1 or 2, is read to its end, and every request
// must have that name in its target, its Host and its :authority, where it has
// them. Anything else is refused before it goes out, and so is a request that two
// readers could take for two things (two lengths, a coding beside chunked, bare
// newlines in a body's frame, a bare return in a header, an upgrade to h2c).
// What looks like TLS or HTTP and does not end within its limits is refused as
// well; on ports other than 80 and 443, a word that does not become a request
// within a second is taken for another protocol. The first line of another protocol
// goes out as it comes, but not its end if a lenient server would read a request
// there: behind white space, between words that other white space parts, without a
// version, or after a pause.
//
// A refusal is a reset of the connection and one call of Options.Refused. A
// failed look-up or dial is a reset too, but no refusal: it is the Error of
// the connection's last Options.Connected.
//
// An ask lasts no longer than its program waits: when the connection is reset, or
// closed by every process that held it, Options.Ask's context ends. Who has only
// ended its own sending still waits. Systems but Linux do not tell the two apart;
// there an ask lasts until its answer, its deadline or the end of its program.
//
// Every connection that was opened has an ID, which what is told of it carries: an ask
// that holds it, a refusal of what it says, its end. Cut ends the one of an ID with a
// reset on both sides, whatever it is doing, and gives its end a reason; it changes no
// policy, so the program may open the next.
//
// SetPolicy holds for every look-up and connection that comes after it, and
// cuts the connections that the new policy does not allow.
//
// # What it cannot hold
//
// An allowed host may serve more names than its own: a name inside encrypted
// bytes (a Host that differs from the server name of TLS, the inner name of an
// encrypted ClientHello), in a protocol that is neither TLS nor HTTP, and data
// handed to an allowed host are out of sight. What follows a request to change
// the protocol is HTTP as long as it looks like it; a server that goes on with
// HTTP after bytes that are none would be asked unseen.
//
// # Order, blocking, locking
//
// Serve owns all goroutines and returns when they have ended. Callbacks come
// from many goroutines, never with a lock held; those of one connection come
// in order. A callback must return soon; Options.Ask, Dial, Lookup and Gateway
// may take their time. Memory is bounded: connections, queries in flight and
// names all have limits.
package egress
