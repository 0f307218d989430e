package sandbox

import (
	"context"
	"net/netip"
	"os"
	"time"

	"openclaw/sandbox/policy"
)

// Spec is one run of a command in a cage.
type Spec struct {
	Agent   string
	Run     string // the run's id; appears in every Denial
	Policy  *policy.Policy
	Command []string // program (looked up in PATH of Env inside the cage) and arguments
	Dir     string   // working folder; must be readable under the policy, otherwise the workspace is used
	Env     []string // the whole environment of the command; nothing else gets in
	Stdin   *os.File
	Stdout  *os.File
	Stderr  *os.File

	// Gateway is the agent endpoint of the gateway on the host's loopback. The
	// cage reaches it at the same address and nothing else of the host's
	// loopback. The zero value gives the cage no endpoint.
	Gateway netip.AddrPort

	// Denied is called for every refusal, from one goroutine, in order. It must
	// not block for long: while it blocks, refusals queue (bounded, then they
	// are merged by target with exact counts).
	Denied func(Denial)

	// Connected is called when a connection out of the cage opens, moves bytes
	// (at most once a second) and closes.
	Connected func(Connection)

	// Warned is called when Report has gained a warning, also while the command runs. It
	// must not block. Nil: nobody needs to know.
	Warned func()

	// Stands is told of the cage when it stands, has been proven and was released, before
	// the command starts. Nil: nobody needs to know.
	Stands func(Report)

	// Release is asked when the cage stands and has been proven, before the command
	// starts, and may take its time. An error starts nothing, and is what Start returns.
	// Nil: there is nothing to wait for.
	Release func() error

	// Asker answers what the policy marks as ask. Nil: every ask is denied.
	Asker Asker

	// AskEach asks about every operation on a path. Without it a yes covers for two
	// seconds what its process does next with the same path: it looks, and then opens.
	// To every other process it is no yes.
	AskEach bool
}

// Preview is what a cage would make of a policy.
type Preview struct {
	Policy  *policy.Policy // with every name that its paths have on this machine, by which a cage judges
	Unmet   []policy.Unmet // rules that it would not carry out as they are written
	Refused error          // why it would not start; nil: nothing is known of the policy that hinders it

	plan previewed // nil where it is not known
}

// Denial is one refusal of the cage, as the kernel-enforced mechanisms saw it.
type Denial struct {
	Time        time.Time     `json:"time"`
	Agent       string        `json:"agent"`
	Run         string        `json:"run"`
	PID         int           `json:"pid"`          // on the host; 0 when it is not known
	Program     string        `json:"program"`      // path of the executable; the kernel's word
	CommandLine string        `json:"command_line"` // the agent's own words: never trust it
	Class       policy.Class  `json:"class"`
	Operation   string        `json:"operation"` // "open", "create", "connect", "resolve", "execve"…
	Target      string        `json:"target"`    // path, or host:port
	Rule        string        `json:"rule"`
	Origin      policy.Origin `json:"origin"`
	Mechanism   string        `json:"mechanism"` // "gate", "notify", "filter", "dns", "egress", "mount"
	Count       int           `json:"count"`     // at least 1

	// Connection is the ID of the connection that it is about, of those out of the
	// cage; empty where none was opened. Of merged refusals it is the newest's.
	Connection string `json:"connection,omitempty"`
}

// Connection is one connection out of the cage.
type Connection struct {
	ID      string        `json:"id"` // unique in its run; see Process.CutConnection
	Agent   string        `json:"agent"`
	Run     string        `json:"run"`
	PID     int           `json:"pid"`
	Program string        `json:"program"`
	Target  string        `json:"target"`  // host:port as the program named it
	Address string        `json:"address"` // as dialled
	Rule    string        `json:"rule"`
	Origin  policy.Origin `json:"origin"`
	Opened  time.Time     `json:"opened"`
	Closed  time.Time     `json:"closed,omitzero"`
	Sent    int64         `json:"sent"` // bytes out of the cage
	Recv    int64         `json:"recv"` // bytes into the cage
	Error   string        `json:"error,omitempty"`

	Held time.Duration `json:"held,omitempty"` // how long it was held until it was allowed
}

// Asker answers a held request. It returns at the verdict or when ctx ends;
// an error or the end of ctx is a denial.
type Asker interface {
	Ask(ctx context.Context, asked Denial) (allow bool, err error)
}

// Mechanism is one way of enforcement, and whether it holds.
type Mechanism struct {
	Name     string `json:"name"`              // "user namespace", "mount namespace", "gate", "seccomp", "notify", "landlock scopes", "redirect"…
	Enforced bool   `json:"enforced"`          // proven by doing, in this very cage or by the probe
	Detail   string `json:"detail,omitempty"`  // what the proof was, or what failed
	Fix      string `json:"fix,omitempty"`     // how a person gets it
	Purpose  string `json:"purpose,omitempty"` // what is lost without it
}

// FullCage is the mechanism that a report of a run in the reduced mode names
// first, as not enforced, with why the full cage could not be had.
const FullCage = "full cage"

// Capabilities is what this machine can enforce, found by doing it once.
type Capabilities struct {
	Kernel     string      `json:"kernel"`
	Mechanisms []Mechanism `json:"mechanisms"`

	// Reduced is what the reduced mode enforces here, for policies that accept it
	// where the full cage cannot be had; empty on systems that have no such mode.
	Reduced []Mechanism `json:"reduced,omitempty"`

	// Limits are the limits that can be enforced here; only agents that have some
	// need them.
	Limits []Mechanism `json:"limits,omitempty"`
}

// Report is what a running cage enforces, from the self-test inside it.
type Report struct {
	Agent      string      `json:"agent"`
	Run        string      `json:"run"`
	Policy     string      `json:"policy"` // version of the policy in force
	Dir        string      `json:"dir"`    // where the command began
	Mechanisms []Mechanism `json:"mechanisms"`
	Warnings   []string    `json:"warnings,omitempty"` // hard links that exist already, globs that match later…

	// Unmet are the rules that were not carried out as they are written when the cage
	// was made. Each is among Warnings as well.
	Unmet []policy.Unmet `json:"unmet,omitempty"`
}

// ExitStatus is how the command ended.
type ExitStatus struct {
	Code   int // the command's status, or 128+n for signal n
	Signal int // 0: it exited by itself
}

// Change says what a new policy did to a running cage.
type Change struct {
	Applied  []string `json:"applied,omitempty"`   // in force now
	NeedsRun []string `json:"needs_run,omitempty"` // in force from the next run on

	// StillOpen is what the new policy forbids and this run can still do. Each is
	// in NeedsRun as well.
	StillOpen []string `json:"still_open,omitempty"`
}

// waits notes what is in force from the next run on; open says that it narrows.
func (c *Change) waits(open bool, text string) {
	c.NeedsRun = append(c.NeedsRun, text)
	if open {
		c.StillOpen = append(c.StillOpen, text)
	}
}

// Error is a refusal of the cage itself: it could not be built as the policy
// asks. Nothing was run.
type Error struct {
	Op   string // what was being done: "mount gate"
	Kind Kind
	Err  error
	Hint string // what a person can do
}

// Kind sorts errors for exit codes.
type Kind int

// KindFailed is anything not named below. KindMissing: the machine lacks a
// mechanism that the policy needs. KindNotFound: the command is not there
// (exit 127). KindUnsupported: no cage on this operating system yet.
// KindPolicy: the policy itself refuses (exit 126).
const (
	KindFailed Kind = iota
	KindMissing
	KindNotFound
	KindUnsupported
	KindPolicy
)

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Op
	}
	return e.Op + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
