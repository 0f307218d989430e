//go:build linux

package gate

import (
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/policy"
)

// Refusal is one operation that the gate is about to refuse.
type Refusal struct {
	Thread    int // as the cage numbers it; 0 when the kernel asks for itself
	Class     policy.Class
	Operation string // "open", "create", "stat"…
	Path      string
	Decision  policy.Decision
}

// Came says how the cage came upon a folder.
type Came int

// The ways.
const (
	Found Came = iota
	Made
	Listed
)

// Options are what a Gate needs.
type Options struct {
	Policy *policy.Policy

	// Fixed are names that are always there, so that what is mounted on them
	// stays: "" is a folder, "." a file, anything else the text of a link.
	Fixed map[string]string

	// Held are folders that something is mounted on and that a rule allows: see
	// Hold.
	Held []string

	// Folder hears of a folder which the policy allows that the cage comes upon:
	// it looked it up, made it, or is about to list it. It may block for a moment
	// when the folder is listed, and otherwise not. The gate goes on serving the
	// folder until something is mounted on it. nil: nobody wants to know.
	Folder func(name string, how Came)

	// LookAgain has the cage's kernel ask anew for names of which it was told that they
	// stay as they are, and returns when it has. It is for a process of the cage to do:
	// to change what it believes the kernel waits for what is under way in a folder,
	// which waits for this process. A message to the kernel (FUSE_NOTIFY_INVAL_ENTRY)
	// would do the same, but whoever sends that has the server's device open meanwhile.
	// Killed then, this process would answer no more and never end, nor would the
	// kernel end what waits for its answers, which it does when the last descriptor of
	// the device is closed.
	LookAgain func(names []string)

	// OpenAgain has a process of the cage create the files prefix0, prefix1… in the gate's
	// root, so that the kernel forgets what it has of files that are open and may not be
	// read any more, and returns when it has. ENOENT says that nobody has such a file open by
	// now. If it cannot be done the cage must end. It is for a process of the cage for the
	// reason that LookAgain is: the kernel waits for the pages that are under way.
	OpenAgain func(prefix string, count int)

	// Splits reports whether a folder may not be renamed, because what the policy
	// says of the paths in it would not move along. nil: as the policy's rules
	// say.
	Splits func(name string) bool

	// Refused hears of every refusal before the caller does.
	Refused func(Refusal)

	// Denied hears, after Refused, that a file is not opened because nobody may read what has
	// its name, and returns true when no other way leads there, or false when done closed
	// before. It may wait
	// for what is mounted above the file: for an open the kernel holds no folder meanwhile,
	// as it does for whatever makes, moves or removes a name. nil: there is no other way.
	Denied func(done <-chan struct{}, name string) bool

	// Ask answers what the policy marks as ask; nil refuses. It returns when
	// done closes at the latest. A yes is to that path and to the process of the
	// thread, for grantTime, and for looks as long as what was opened by it is open;
	// then Ask is called again, and for every other process.
	Ask func(done <-chan struct{}, asked Refusal) bool

	// Process names the process of a thread, as the cage numbers it, while it waits
	// for an answer. nil, or the zero value: every operation is asked about.
	Process func(thread int) Process

	// Holds reports whether the process of a thread has a file of the gate open, by
	// its name and one of two inode numbers: its own, and the one that the gate gave it
	// before it might be seen; for more than to name it. nil: it has not.
	Holds func(thread int, name string, inode, veiled uint64) bool

	// AskEach calls Ask for every operation, also while a yes to the same path holds.
	AskEach bool
}

// Gate is one cage's gate. All methods are safe for concurrent use.
type Gate struct {
	fuse.RawFileSystem // answers ENOSYS to what is not written here

	root     *os.File
	options  Options
	rights   *harden.Rights
	uid, gid uint32
	mask     uint32      // of this process
	open     atomic.Bool // refusing has not begun
	rules    atomic.Pointer[rules]
	nodes    *nodes
	handles  *handles
	locks    *locks
	devices  *devices
	held     *held
	again    again

	probing struct {
		sync.Mutex
		seen map[string]bool
	}
	granted *grants
}

// New prepares a gate over the host's root. Close releases it.
func New(options Options) (*Gate, error) {
	root, err := os.OpenFile("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open root: %w", err)
	}
	rights, err := harden.OwnRights()
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	g := &Gate{
		RawFileSystem: fuse.NewDefaultRawFileSystem(), root: root, options: options, rights: rights,
		uid: uint32(os.Getuid()), gid: uint32(os.Getgid()), mask: ownMask(), nodes: newNodes(), handles: newHandles(), locks: newLocks(), devices: newDevices(options.Policy.Home),
		held: newHeld(options.Held),
	}
	g.probing.seen = map[string]bool{}
	g.granted = newGrants()
	g.open.Store(true)
	g.SetPolicy(options.Policy)
	return g, nil
}

// Server answers the kernel. It is made from the FUSE device of the cage.
type Server struct{ server *fuse.Server }

// Attach takes the device over and answers the kernel's first message.
func (g *Gate) Attach(device int) (*Server, error) {
	server, err := fuse.NewServer(g, "/dev/fd/"+strconv.Itoa(device), &fuse.MountOptions{
		MaxBackground: 64, DisableReadDirPlus: true, EnableLocks: true, IgnoreSecurityLabels: true, MaxWrite: maxWrite,
		Logger: log.New(io.Discard, "", 0),
	})
	if err != nil {
		_ = unix.Close(device)
		return nil, fmt.Errorf("start gate: %w", err)
	}
	return &Server{server: server}, nil
}

// maxWrite is the most that one message carries, in bytes. Linux takes up to
// 1 MiB; past 256 KiB a copy gains nothing.
const maxWrite = 256 << 10

// Run serves until the cage's mounts are gone.
func (s *Server) Run() { s.server.Serve() }

// Close releases the gate's descriptors. Run must have returned.
func (g *Gate) Close() {
	g.handles.closeAll()
	g.locks.closeAll()
	_ = g.root.Close()
}

// Enforce begins to refuse. It cannot be taken back.
func (g *Gate) Enforce() { g.open.Store(false) }

// Saw reports whether an operation on a path was refused since the last call.
// Such a refusal of a path that Expect named is the self-test's and is not
// reported.
func (g *Gate) Saw(path string) bool {
	g.probing.Lock()
	defer g.probing.Unlock()
	seen := g.probing.seen[path]
	delete(g.probing.seen, path)
	return seen
}

// Expect announces the self-test's own path.
func (g *Gate) Expect(path string) {
	g.probing.Lock()
	defer g.probing.Unlock()
	g.probing.seen[path] = false
}

func (g *Gate) expected(path string) bool {
	g.probing.Lock()
	defer g.probing.Unlock()
	if _, ok := g.probing.seen[path]; !ok {
		return false
	}
	g.probing.seen[path] = true
	return true
}
