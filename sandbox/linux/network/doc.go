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
//   - every other packet (UDP, ICMP, QUIC) ends where it is sent, and the sender
//     gets an error at once: EPERM with WayRedirect, ENETUNREACH with WayTUN.
//
// There are two ways to lead a connection to the listener. WayRedirect is one
// table of nf_tables in the namespace. WayTUN is for kernels without nf_tables:
// routing rules send TCP, and datagrams to port 53, to a TUN device whose
// descriptor leaves the namespace too (Sockets.TUN); package translate puts each
// packet back with the listener's address. Either way the supervisor holds
// ordinary kernel sockets. Setup finds by doing which one works, and Verify
// proves it by sending. With WayTUN a query as a datagram to an address of
// 127.0.0.0/8 other than Resolver is not answered, and each of Options.Forward
// takes its port inside the cage.
//
// Without Outbound there is neither, and no route: TCP to anywhere else fails at
// once with ENETUNREACH, and only the DNS sockets (which then know no name)
// and the gateway's listener exist.
//
// The namespace has no interface but loopback and, with WayTUN, the device that
// ends at the supervisor. So nothing leaves it except through the descriptors:
// rules and routes decide what a program sees, the missing interface is what
// holds. Nobody inside may hold CAP_NET_ADMIN once the command runs; dropping it
// is the caller's part.
//
// Setup and Verify block for a few system calls. Listeners serves the device on
// a goroutine until Close. Errors are *Error with a Hint. The package is for Linux;
// elsewhere it is empty.
package network
