//go:build linux

package stage

import (
	"net/netip"
	"time"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/network"
)

// Name is the program's name (argument zero) that marks a stage.
const Name = "openclaw-cage"

// The descriptors of a stage, and of a keeper, beside the standard ones: the control socket, and, if it
// leads a session, the terminal of that.
const (
	ControlFD  = 3
	TerminalFD = 4
)

// The kinds of messages. From the stage: Network (sockets), Gate (the device),
// Mounted, Tested, Listener (call notifications), Started (a descriptor of the
// command's process), Stopped (the Signal it was), Resumed, Limit, Renewed, Exited,
// Failed. From the supervisor: Setup (what is known before the mounts are planned),
// Plan (all of it, once the gate is served), Proceed after Mounted and Tested,
// Signal, Resume after the command was stopped, Renew after somebody
// outside changed something that a mask stands on, and Bind, Unbind, Cover, Forget,
// Look, Open and Fill, which Bound answers.
const (
	KindSetup    = "setup"
	KindPlan     = "plan"
	KindProceed  = "proceed"
	KindNetwork  = "network"
	KindGate     = "gate"
	KindMounted  = "mounted"
	KindTested   = "tested"
	KindListener = "listener"
	KindStarted  = "started"
	KindStopped  = "stopped"
	KindResume   = "resume"
	KindResumed  = "resumed"
	KindLimit    = "limit"
	KindExited   = "exited"
	KindFailed   = "failed"
	KindSignal   = "signal"
	KindRenew    = "renew"
	KindRenewed  = "renewed"
	KindBind     = "bind"
	KindUnbind   = "unbind"
	KindCover    = "cover"
	KindForget   = "forget"
	KindLook     = "look"
	KindOpen     = "open"
	KindFill     = "fill"
	KindBound    = "bound"
)

// Setup is everything that a stage needs to know.
type Setup struct {
	UID      int
	GID      int
	Steps    []mounts.Step
	Resolver string
	Gateway  netip.AddrPort
	Outbound bool
	Forward  []netip.AddrPort
	Way      network.Way // of the network; empty: whichever works

	Program     string // a path inside the cage; empty: only prove that the cage can be built
	Arguments   []string
	Environment []string
	Dir         string
	Foreground  bool // of the stage's terminal, is the command's

	Landlock         int  // use no newer version; 0: what this kernel has
	Nested           bool // sandboxes inside may be made
	CgroupNamespaces bool

	MaxFileSize int64
	GateProbe   string // a name behind the gate that must be refused
	CallProbe   string // a name in a read-only folder that the supervisor refuses to make
}

// Failed says why the stage ended.
type Failed struct {
	Op      string
	Error   string
	Errno   int
	Hint    string
	Missing bool // the machine lacks something
	Command bool // the command itself could not be started
}

// Network says what the descriptors beside it are.
type Network struct {
	Way network.Way
}

// Mounted says that the cage's files are in place. Missing are the folders that were
// to be bound into a served one and are gone: the gate serves their places.
type Mounted struct {
	Missing []string
}

// Proof is one thing that was tried inside the cage, and held.
type Proof struct {
	Name   string
	Detail string
}

// Tested are the proofs since the last time. With Gate, the supervisor must
// have seen the refusal of the set-up's GateProbe.
type Tested struct {
	Proofs []Proof
	Gate   bool
	Calls  bool // the same for CallProbe
}

// Limit is a process that died of a limit.
type Limit struct {
	PID    int // as the cage numbers it
	Signal int
}

// Renewed are the paths whose masks were gone.
type Renewed struct {
	Paths []string
}

// Bind asks for a folder to be bound natively into one that the gate serves, or
// to be left to the gate again; then it is kept in Slot if programs are inside.
type Bind struct {
	Number uint64
	Path   string
	Write  bool
	NoExec bool
	Slot   int
}

// Cover asks for the gate to be put over a path in the folders that are kept in
// some slots; Forget for those that no program is inside any more to be let go of.
type Cover struct {
	Number uint64
	Path   string
	Slots  []int
}

// Look asks for names of the gate to be looked at again, see mounts.Levels.LookAgain.
type Look struct {
	Number uint64
	Paths  []string
}

// OpenAgain asks for files of the gate to be opened, see mounts.Levels.OpenAgain: the
// names are the prefix and a count from 0.
type OpenAgain struct {
	Number uint64
	Prefix string
	Count  int
}

// Fill asks for two numbers to be written into the memory of a thread, which the
// cage numbers Thread and which waits in a call.
type Fill struct {
	Number  uint64
	Thread  int
	Address uint64
	First   int
	Second  int
}

// Bound answers a Bind, a Cover, a Look, an OpenAgain or a Fill. Kept says that a folder was left to the
// gate and its slot is taken, Covered in how many folders a path had to be covered,
// and Free which slots are free again.
type Bound struct {
	Number  uint64
	Error   string
	Kept    bool
	Covered int
	Free    []int
}

// Exited is the end of the command.
type Exited struct {
	Code   int
	Signal int
}

// Resume has the command go on, with the foreground of its terminal or without.
type Resume struct {
	Foreground bool
}

// Signal is passed on to the command, or has stopped it.
type Signal struct {
	Number int
	Group  bool // passed on to the whole group that the command is in

	Unheard bool          // passed on only if it was not sent to the group of all
	Since   time.Duration // after this, by Now
}
