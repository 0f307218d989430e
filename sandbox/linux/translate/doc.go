// Package translate carries the connections of a cage whose kernel has no
// nf_tables: it reads the packets that the cage sends into a TUN device, gives
// each connection another address, and puts it back into the same device, so
// that it arrives at a listener of the cage's own kernel.
//
// It owns the addresses of the packets and nothing else of them. The kernel
// speaks TCP on both ends; what leaves here is an ordinary kernel socket, as it
// is behind a redirect of nf_tables. A user-space stack (gvisor.dev/gvisor) was
// measured instead: its package initialisers cost every start of the program
// 0.4 ms, the cage's first process among them, and the binary 3.5 MB.
//
// A TCP connection to any address arrives at the listener for connections, one
// to port 53 of an IPv4 address at that for DNS streams, and a datagram to port
// 53 of an IPv4 address at the socket for DNS packets. Each comes from Peer4 or
// Peer6, at a port that stands for the connection; Destination and Source tell
// what it stands for. Every other packet is dropped, a TCP segment that belongs
// to no connection is answered with a reset.
//
// Packets are taken for what a hostile program would send. The table of
// connections is bounded; past it a new connection is reset, and the oldest
// datagram forgotten. A Translator is safe for concurrent use, but packets are
// given to it by one goroutine.
package translate
