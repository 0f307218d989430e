//go:build linux

package stage

import (
	"net/netip"

	"openclaw/sandbox/linux/control"
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

// The kinds of messages. From the stage: Network (sockets), Gate (device),
// Mounted, Tested, Listener (call notifications), Started (a descriptor of the
// command's process), Stopped (the Signal it was), Resumed, Limit, Renewed, Exited,
// Failed. From the supervisor: Setup (what is known before the mounts are planned),
// Plan (all of it, once the gate is served), Proceed after Mounted and Tested,
// Signal, Resume after the command was stopped, Renew after somebody
// outside changed something that a mask stands on, and Bind, Unbind and Fill,
// which Bound answers.
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
	KindFill     = "fill"
	KindBound    = "bound"
)

// Setup is everything that a stage needs to know.
type Setup struct {
	UID      int              `json:"uid"`
	GID      int              `json:"gid"`
	Steps    []mounts.Step    `json:"steps"`
	Resolver string           `json:"resolver"`
	Gateway  netip.AddrPort   `json:"gateway"`
	Outbound bool             `json:"outbound"`
	Forward  []netip.AddrPort `json:"forward,omitempty"`
	Way      network.Way      `json:"way,omitempty"` // of the network; empty: whichever works

	Program     control.Text   `json:"program"` // a path inside the cage; empty: only prove that the cage can be built
	Arguments   []control.Text `json:"arguments"`
	Environment []control.Text `json:"environment"`
	Dir         control.Text   `json:"dir"`
	Foreground  bool           `json:"foreground,omitempty"` // of the stage's terminal, is the command's

	Landlock         int  `json:"landlock,omitempty"` // use no newer version; 0: what this kernel has
	Nested           bool `json:"nested,omitempty"`   // sandboxes inside may be made
	CgroupNamespaces bool `json:"cgroup_namespaces,omitempty"`

	MaxFileSize int64        `json:"max_file_size,omitempty"`
	GateProbe   control.Text `json:"gate_probe"` // a name behind the gate that must be refused
	CallProbe   control.Text `json:"call_probe"` // a name in a read-only folder that the supervisor refuses to make
}

// Failed says why the stage ended.
type Failed struct {
	Op      string `json:"op"`
	Error   string `json:"error"`
	Errno   int    `json:"errno,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Missing bool   `json:"missing,omitempty"` // the machine lacks something
	Command bool   `json:"command,omitempty"` // the command itself could not be started
}

// Network says what the descriptors beside it are.
type Network struct {
	Way network.Way `json:"way,omitempty"`
}

// Proof is one thing that was tried inside the cage, and held.
type Proof struct {
	Name   string `json:"name"`
	Detail string `json:"detail"`
}

// Tested are the proofs since the last time. With Gate, the supervisor must
// have seen the refusal of the set-up's GateProbe.
type Tested struct {
	Proofs []Proof `json:"proofs"`
	Gate   bool    `json:"gate,omitempty"`
	Calls  bool    `json:"calls,omitempty"` // the same for CallProbe
}

// Limit is a process that died of a limit.
type Limit struct {
	PID    int `json:"pid"` // as the cage numbers it
	Signal int `json:"signal"`
}

// Renewed are the paths whose masks were gone.
type Renewed struct {
	Paths []control.Text `json:"paths"`
}

// Bind asks for a folder to be bound natively into one that the gate serves, or
// to be left to the gate again.
type Bind struct {
	Number uint64       `json:"number"`
	Path   control.Text `json:"path"`
	Write  bool         `json:"write,omitempty"`
	NoExec bool         `json:"no_exec,omitempty"`
}

// Fill asks for two numbers to be written into the memory of a thread, which the
// cage numbers Thread and which waits in a call.
type Fill struct {
	Number  uint64 `json:"number"`
	Thread  int    `json:"thread"`
	Address uint64 `json:"address"`
	First   int    `json:"first"`
	Second  int    `json:"second"`
}

// Bound answers a Bind or a Fill.
type Bound struct {
	Number uint64 `json:"number"`
	Error  string `json:"error,omitempty"`
}

// Exited is the end of the command.
type Exited struct {
	Code   int `json:"code"`
	Signal int `json:"signal"`
}

// Resume has the command go on, with the foreground of its terminal or without.
type Resume struct {
	Foreground bool `json:"foreground,omitempty"`
}

// Signal is passed on to the command, or has stopped it.
type Signal struct {
	Number int  `json:"number"`
	Group  bool `json:"group,omitempty"` // passed on to the whole group that the command is in
}
