// Package network builds the network of a cage: it runs inside a fresh net
// namespace, as the namespace's root, before the command starts.
//
// It owns what the kernel of that namespace does with a packet. After Setup
//
//   - the loopback interface is up, and 127.0.0.0/8 and ::1 are the cage's own;
//   - every other TCP connection, IPv4 and IPv6, is redirected to one listener
//     whose descriptor leaves the namespace (Sockets.TCP);
//   - every query to port 53, whatever the server, reaches Sockets.DNSPacket or
//     Sockets.DNSStream, which listen at Resolver;
//   - Sockets.Gateway listens at exactly the address of the gateway's agent
//     endpoint, so that a program inside uses the same address as one outside;
//   - every other packet (UDP, ICMP, QUIC) is dropped where it is sent, and the
//     sender gets EPERM at once.
//
// Without Outbound there is no redirect and no route: TCP to anywhere else
// fails at once with ENETUNREACH, and only the DNS sockets (which then answer
// REFUSED) and the gateway's listener exist.
//
// The namespace has no interface but loopback, so nothing leaves it except
// through the descriptors: the rules decide what a program sees, the missing
// interface is what holds. Nobody inside may hold CAP_NET_ADMIN once the
// command runs; dropping it is the caller's part.
//
// Nothing here blocks for longer than a few system calls, starts a goroutine
// or keeps state. Errors are *Error with a Hint. The package is for Linux;
// elsewhere it is empty.
package network
