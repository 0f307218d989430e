package sandbox

import (
	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/emulate"
	"openclaw/sandbox/policy"
)

// outsideSocket reports whether a socket is in the network that this process is in. A
// program of the cage cannot make one: it was handed in, by another agent that has no
// full cage for instance. What the supervisor connects it to would be the machine's, and
// no network of the cage's own would hold it. A socket that cannot be told is outside.
func outsideSocket(socket *emulate.Socket) bool {
	theirs, err := networkOf(socket.Descriptor)
	if err != nil {
		return true
	}
	own, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer func() { _ = unix.Close(own) }()
	ours, err := networkOf(own)
	return err != nil || theirs == ours
}

// networkOf is what the kernel calls the network namespace of a socket.
func networkOf(descriptor int) (uint64, error) {
	return unix.GetsockoptUint64(descriptor, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
}

// handedIn is the decision on such a socket.
func handedIn() policy.Decision {
	return policy.Decision{
		Effect: policy.Deny, Rule: "the socket was made outside the cage and handed in",
		Origin: policy.Origin{BuiltIn: "it would lead past the cage's own network"},
	}
}
