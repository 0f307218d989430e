package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"net"
	"net/netip"
	"path"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/egress/proxy"
	"openclaw/sandbox/linux/emulate"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// wayOut is the way out of a reduced cage: a proxy on the machine's loopback for
// programs that honour proxy variables, and a second listener for connections to
// addresses that the policy names, which are carried with the same checks.
type wayOut struct {
	proxy   *proxy.Proxy
	listens net.Listener // the proxy's
	direct  net.Listener

	mu     sync.Mutex
	owners map[uint16]connection // by the port that a connection comes from
	asked  map[approval]bool     // a person said yes before the connection was made
}

// connection is one of the cage, as the handler made it.
type connection struct {
	pid         int
	destination netip.AddrPort // of a direct one
	made        time.Time
}

// approval is a yes to one connection of one process.
type approval struct {
	pid    int
	target string
}

func (w *wayOut) close() { _, _ = w.listens.Close(), w.direct.Close() }

// openWay makes the listeners, and returns what tells programs of the proxy.
func (r *reduced) openWay() ([]string, error) {
	p := r.process
	if !p.spec.Policy.Network.Outbound {
		return nil, nil
	}
	w := &wayOut{owners: map[uint16]connection{}, asked: map[approval]bool{}}
	var err error
	if w.listens, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil { //nolint:noctx // it ends with the run
		return nil, &Error{Op: "open network", Err: err}
	}
	if w.direct, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil { //nolint:noctx // as above
		_ = w.listens.Close()
		return nil, &Error{Op: "open network", Err: err}
	}
	r.way = w
	token := rand.Text()
	w.proxy, err = proxy.New(proxy.Options{Token: token, Egress: egress.Options{
		Policy: p.spec.Policy, Lookup: p.cage.lookup, Connected: p.connected, Identify: r.identify, Ask: r.askAtWay(),
		Refused: func(refusal egress.Refusal) { p.judge.atEgress(refusal) },
	}})
	if err != nil {
		return nil, &Error{Op: "open network", Err: err}
	}
	return proxy.Environment(netip.MustParseAddrPort(w.listens.Addr().String()), token), nil
}

// serveWay serves both listeners.
func (r *reduced) serveWay(serving context.Context) {
	w := r.way
	if w == nil {
		return
	}
	r.process.services.Go(func() {
		// An error here is a listener that broke: programs reach nothing then.
		_ = w.proxy.Serve(serving, w.listens)
	})
	r.process.services.Go(func() {
		stop := context.AfterFunc(serving, func() { _ = w.direct.Close() })
		defer stop()
		for {
			conn, err := w.direct.Accept()
			if err != nil {
				return
			}
			r.process.services.Go(func() { w.carry(serving, conn) })
		}
	})
}

// registerTime is how long a direct connection waits to be known. The handler
// makes it known as soon as it has made it; nobody else has business there.
const registerTime = 5 * time.Second

// carry hands a direct connection on to where the handler says that it goes.
func (w *wayOut) carry(ctx context.Context, conn net.Conn) {
	from := portOf(conn.RemoteAddr())
	for end := time.Now().Add(registerTime); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		known, ok := w.owners[from]
		w.mu.Unlock()
		if ok && known.destination.IsValid() {
			w.proxy.Carry(ctx, conn, known.destination)
			w.withdraw(approval{known.pid, known.destination.String()})
			w.forget(from, known)
			return
		}
	}
	_ = conn.Close()
}

func portOf(address net.Addr) uint16 {
	if tcp, ok := address.(*net.TCPAddr); ok {
		return uint16(tcp.Port)
	}
	return 0
}

// maxOwners is how many connections are remembered before old ones are looked
// for.
const maxOwners = 4096

func (w *wayOut) made(from int, c connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.owners) >= maxOwners {
		for port, old := range w.owners {
			if time.Since(old.made) > time.Minute {
				delete(w.owners, port)
			}
		}
	}
	c.made = time.Now()
	w.owners[uint16(from)] = c
}

// forget takes out a connection that has ended: the next one from its port, which may
// arrive here before the handler has made it known, goes elsewhere.
func (w *wayOut) forget(from uint16, ended connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owners[from] == ended {
		delete(w.owners, from)
	}
}

// answered keeps a yes until its connection has come here.
func (w *wayOut) answered(yes approval) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[yes] = true
}

// withdraw takes back a yes that its connection has not used, because it was not made or
// was given up: it would be one to another connection, at any time later.
func (w *wayOut) withdraw(yes approval) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.asked, yes)
}

// withdrawAll is for answers that were taken back, or were to what a policy said before.
func (w *wayOut) withdrawAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.asked)
}

// identify names the process that a connection was made for.
func (r *reduced) identify(local netip.AddrPort, _ bool) (pid int, program, commandLine string) {
	r.way.mu.Lock()
	known := r.way.owners[local.Port()]
	r.way.mu.Unlock()
	program, commandLine = r.process.identity.describe(known.pid)
	return known.pid, program, commandLine
}

// askAtWay answers what was asked at the connect already, and asks the rest.
func (r *reduced) askAtWay() func(ctx context.Context, refusal egress.Refusal) (bool, error) {
	if r.process.spec.Asker == nil {
		return nil
	}
	return func(ctx context.Context, refusal egress.Refusal) (bool, error) {
		key := approval{refusal.PID, refusal.Target}
		r.way.mu.Lock()
		yes := r.way.asked[key]
		delete(r.way.asked, key)
		r.way.mu.Unlock()
		if yes {
			return true, nil
		}
		return r.process.judge.askAtEgress()(ctx, refusal)
	}
}

// longestAddress is sizeof(struct sockaddr_storage).
const longestAddress = 128

func readAddress(call seccomp.Call) ([]byte, error) {
	length := int(int32(call.Arguments[2]))
	if length < 2 || length > longestAddress {
		return nil, unix.EINVAL
	}
	buffer := make([]byte, length)
	return buffer, seccomp.ReadMemory(call.TID, call.Arguments[1], buffer)
}

// atConnect makes a connection in the program's place, to where the address led
// that was judged.
func (r *reduced) atConnect(ctx context.Context, call seccomp.Call) seccomp.Verdict {
	address, err := readAddress(call)
	if err != nil {
		return r.notRead(call, err)
	}
	socket, err := callerOf(call).TakeSocket(int(int32(call.Arguments[0])))
	if err != nil {
		return failed(err)
	}
	defer socket.Close()
	if !call.Valid() {
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	switch family := binary.NativeEndian.Uint16(address); {
	case family == unix.AF_UNIX:
		return r.connectLocal(ctx, call, socket, address[2:])
	case family == unix.AF_INET && len(address) >= unix.SizeofSockaddrInet4:
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte(address[4:8])), binary.BigEndian.Uint16(address[2:]))
		return r.connectInternet(ctx, call, socket, to)
	}
	return seccomp.Verdict{Errno: unix.EAFNOSUPPORT}
}

// socketName reads the path of a local socket. Names without a path are those
// of the whole machine, and refused.
func (r *reduced) socketName(call seccomp.Call, name []byte) (string, *seccomp.Verdict) {
	if len(name) == 0 || name[0] == 0 {
		decision := policy.Decision{Effect: policy.Deny, Rule: "reduced mode: sockets without a path are the whole machine's", Origin: policy.Origin{BuiltIn: "what only a full cage can open"}}
		verdict := r.refuse(call, policy.ClassNet, "@"+string(bytes.Trim(name, "\x00")), decision, unix.EACCES)
		return "", &verdict
	}
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	return string(name), nil
}

func (r *reduced) connectLocal(ctx context.Context, call seccomp.Call, socket *emulate.Socket, raw []byte) seccomp.Verdict {
	name, refused := r.socketName(call, raw)
	if refused != nil {
		return *refused
	}
	object, err := callerOf(call).Resolve(unix.AT_FDCWD, name, true)
	if err != nil {
		return failed(err)
	}
	defer object.Close()
	if !call.Valid() {
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	decision := r.judgePath(policy.ClassPathWrite, object.Path)
	if decision.Effect != policy.Allow {
		return r.refuse(call, policy.ClassPathWrite, object.Path, decision, unix.EACCES)
	}
	if object.Type() != unix.S_IFSOCK {
		return seccomp.Verdict{Errno: unix.ECONNREFUSED}
	}
	return did(socket.ConnectLocal(nobodyWaits(ctx, call), object))
}

func (r *reduced) connectInternet(ctx context.Context, call seccomp.Call, socket *emulate.Socket, to netip.AddrPort) seccomp.Verdict {
	j := r.process.judge
	if to == r.process.spec.Gateway || r.way != nil && to.String() == r.way.listens.Addr().String() {
		return r.connectThere(ctx, call, socket, to, connection{pid: call.PID})
	}
	current := j.policy.Load()
	decision := current.DecideAddress("", to.Addr(), to.Port())
	yes := approval{call.PID, to.String()}
	if decision.Effect == policy.Ask && r.way != nil && j.ask(ctx, call, policy.ClassNet, yes.target, &decision) {
		r.way.answered(yes)
		decision.Effect = policy.Allow
	}
	if decision.Effect != policy.Allow || r.way == nil {
		errno := unix.EACCES
		if !current.Network.Outbound {
			errno = unix.ENETUNREACH
		}
		return r.refuse(call, policy.ClassNet, to.String(), decision, errno)
	}
	forwarder := netip.MustParseAddrPort(r.way.direct.Addr().String())
	verdict := r.connectThere(ctx, call, socket, forwarder, connection{pid: call.PID, destination: to})
	if verdict.Errno != 0 && verdict.Errno != unix.EINPROGRESS {
		r.way.withdraw(yes)
	}
	return verdict
}

func (r *reduced) connectThere(ctx context.Context, call seccomp.Call, socket *emulate.Socket, to netip.AddrPort, c connection) seccomp.Verdict {
	if !call.Valid() {
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	from, err := socket.ConnectLoopback(nobodyWaits(ctx, call), to.Addr().As4(), int(to.Port()))
	if from != 0 && r.way != nil {
		r.way.made(from, c)
	}
	return did(err)
}

// atBind gives a socket its path, where the policy lets the program write.
func (r *reduced) atBind(call seccomp.Call) seccomp.Verdict {
	address, err := readAddress(call)
	if err != nil {
		return failed(err)
	}
	caller := callerOf(call)
	socket, err := caller.TakeSocket(int(int32(call.Arguments[0])))
	if err != nil {
		return failed(err)
	}
	defer socket.Close()
	if binary.NativeEndian.Uint16(address) != unix.AF_UNIX || socket.Family != unix.AF_UNIX {
		return r.noListening(call)
	}
	name, refused := r.socketName(call, address[2:])
	if refused != nil {
		return *refused
	}
	folder, last, err := caller.Parent(unix.AT_FDCWD, name)
	if !call.Valid() {
		folder.Close()
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	if err != nil {
		return failed(err)
	}
	defer folder.Close()
	full := path.Join(folder.Path, last)
	if decision := r.judgePath(policy.ClassPathWrite, full); decision.Effect != policy.Allow {
		return r.refuse(call, policy.ClassPathWrite, full, decision, unix.EACCES)
	}
	written := name
	if r.reach.of(folder.Path) < accessWrite || !opensAllBelow(r.process.judge.policy.Load(), folder.Path) {
		written = ""
	}
	return did(socket.BindLocal(caller, written, folder, last))
}

// atListen lets a socket that has a path listen. A TCP socket that listens would
// be reached from the whole network.
func (r *reduced) atListen(call seccomp.Call) seccomp.Verdict {
	socket, err := callerOf(call).TakeSocket(int(int32(call.Arguments[0])))
	if err != nil {
		return failed(err)
	}
	defer socket.Close()
	if !call.Valid() {
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	if socket.Family != unix.AF_UNIX {
		return r.noListening(call)
	}
	return did(unix.Listen(socket.Descriptor, int(int32(call.Arguments[1]))))
}

func (r *reduced) noListening(call seccomp.Call) seccomp.Verdict {
	decision := policy.Decision{Effect: policy.Deny, Rule: "reduced mode: a port would be open to the whole machine", Origin: policy.Origin{BuiltIn: "what only a full cage can open"}}
	return r.refuse(call, policy.ClassNet, "listen", decision, unix.EACCES)
}
