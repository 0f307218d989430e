package supervise

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/learn"
	"openclaw/gateway/spool"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// Conn is one connection to the gateway.
type Conn interface {
	Call(ctx context.Context, method string, params, result any) error
	// Events delivers pushed events; closed when the connection is.
	Events() <-chan wire.Event
	Close() error
}

// Options is one run.
type Options struct {
	Agent   string
	Command []string // empty: the agent's own command of the config
	Dir     string   // where the person stands; the command begins there if its agent may read it
	Environ []string // the user's environment: only the allow-list of it gets in
	Stdin   *os.File
	Stdout  *os.File
	Stderr  *os.File
	// Terminal is what these are, as event.Run has it.
	Terminal string

	// Dial connects to the gateway; with launch it starts one if none runs.
	Dial func(ctx context.Context, launch bool) (Conn, error)
	// Cage builds the cage, or hands over one that was prepared; called once.
	// Nothing is run before the gateway has given its leave.
	Cage func(ctx context.Context) (*sandbox.Cage, error)
	// Hide keeps this process's memory, with the run's token in it, from other
	// programs of its user. It is called when the cage has started.
	Hide func() error

	// Spool keeps what is refused while there is no gateway to tell, for the next
	// one to put on record. It is asked for once, and only when it is needed.
	Spool func(started wire.RunStarted) *spool.Writer
	// Begin is told of the run before its command starts; its error refuses that.
	// nil: nobody needs to know.
	Begin func(started wire.RunStarted) error
	// Learn makes this a run that learns; nil: it does not.
	Learn *learn.Recorder

	// Warn shows a sentence to the person at the terminal, before the command
	// starts or after it has ended: never over what it draws.
	Warn func(text string)
	// Line makes of a sentence the line that Warn shows, for one that is shown between
	// what the command writes: that something is held. nil: nothing is said then.
	Line func(text string) string
}

// Run runs the command to its end. An error means that nothing was run, or
// that the cage broke; a refusal is a *sandbox.Error or a *wire.Error. ErrRestart
// says that the command has ended because it is to be started again.
func Run(ctx context.Context, options Options) (sandbox.ExitStatus, error) {
	cage, lacking := options.Cage(ctx)
	conn, err := options.Dial(ctx, true)
	if err != nil {
		return sandbox.ExitStatus{}, err
	}
	defer conn.Close()
	var started wire.RunStarted
	err = conn.Call(ctx, wire.MethodRunStart, wire.RunStartParams{
		Agent: options.Agent, Command: options.Command, Dir: options.Dir, PID: os.Getpid(), Learn: learns(options.Learn), Terminal: options.Terminal,
		Shape: policy.Shape(), Early: true,
	}, &started)
	if err != nil {
		return sandbox.ExitStatus{}, err
	}
	recorded := onRecord(ctx, conn, &started)
	if err := started.Unpack(); err != nil || started.Policy == nil {
		endRun(conn, started.Run, "refused")
		return sandbox.ExitStatus{}, fmt.Errorf("read the gateway's answer: there is no policy in it that this program can read: %w", errors.Join(err, errVersions))
	}
	began := time.Now()
	for _, sentence := range started.Unsupported {
		options.Warn(sentence)
	}
	endpoint, err := netip.ParseAddrPort(started.Gateway)
	if err != nil {
		return sandbox.ExitStatus{}, fmt.Errorf("read the gateway's address: %w", err)
	}
	if lacking != nil {
		endRun(conn, started.Run, "refused")
		return sandbox.ExitStatus{}, lacking
	}
	if options.Begin != nil {
		if err := options.Begin(started); err != nil {
			endRun(conn, started.Run, "refused")
			return sandbox.ExitStatus{}, err
		}
	}
	collected := newReports(started.Run)
	asks := newAsks(started.Run, conn)
	asker, denied, stopLearning := learner(asks, options.Learn)
	defer stopLearning()
	defer asks.close()
	known := clients{policy: started.Policy, base: "http://" + started.Gateway, command: started.Command}
	var running atomic.Pointer[sandbox.Process]
	asks.tell = options.heldLine(&running)
	var refusals atomic.Int64
	process, err := cage.Start(ctx, sandbox.Spec{
		Agent: options.Agent, Run: started.Run, Policy: started.Policy, Command: known.arguments(), Dir: workFolder(started.Policy, options.Dir),
		Env:   Environment(options.Environ, started.Policy.Env, append(known.without(started.Env), known.environment()...)),
		Stdin: options.Stdin, Stdout: options.Stdout, Stderr: options.Stderr,
		Gateway: endpoint, Release: recorded, Warned: func() { collected.warned(running.Load()) },
		Denied: func(d sandbox.Denial) {
			refusals.Add(int64(d.Count))
			collected.denied(denied(d))
		},
		Connected: collected.connected, Asker: asker, AskEach: options.Learn != nil,
		Stands: func(report sandbox.Report) {
			if err := known.make(); err != nil {
				options.Warn("clients may not find a folder of their own: " + err.Error())
			}
			options.stands(report)
		},
	})
	keeper := &keeper{begin: func() *spool.Writer { return options.Spool(started) }, collected: collected}
	if err != nil {
		if !flush(conn, keeper) || !endRun(conn, started.Run, "refused") {
			keeper.end("refused")
		}
		return sandbox.ExitStatus{}, err
	}
	// The run's token is in this memory. It could not be hidden before: the kernel lets
	// no process that is hidden map the users of its child.
	if err := options.Hide(); err != nil {
		options.Warn("other programs of this user can read the token of this run: " + err.Error())
	}
	running.Store(process) // before its report is read: what that gains later is told
	collected.warned(process)
	report := process.Report()
	collected.enforced(func(p *wire.RunReportParams) {
		p.Folder = report.Dir
		p.Mechanisms, p.Policy = mechanisms(report.Mechanisms), report.Policy
	})
	for _, m := range report.Mechanisms {
		if m.Name == sandbox.FullCage && !m.Enforced {
			options.Warn("this run is not in a full cage: " + m.Detail)
		}
	}
	link := &link{options: options, started: started, began: began, collected: collected, keeper: keeper, asks: asks, process: process, said: map[string]bool{}}
	linked := make(chan Conn, 1)
	linkCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	go func() { linked <- link.run(linkCtx, conn) }()

	unrelay := process.RelaySignals()
	status, err := process.Wait()
	unrelay()
	stop()
	last := <-linked
	exit := link.ended(status, err)
	if last == nil || !flush(last, keeper) || !endRun(last, started.Run, exit) {
		keeper.end(exit)
	}
	if last != nil {
		last.Close()
	}
	if keeper.lost > 0 {
		link.note(fmt.Sprintf("%d refusals are on no record: there was no gateway to tell, and %v", keeper.lost, keeper.problem))
	}
	if sentence := options.warnedInAll(stillSo(process.Report())); sentence != "" {
		link.note(sentence)
	}
	if sentence := options.refusedInAll(refusals.Load()); sentence != "" {
		link.note(sentence)
	}
	for _, sentence := range link.sentences {
		options.Warn(sentence)
	}
	if err == nil && link.again.Load() {
		return status, ErrRestart
	}
	return status, err
}

// errVersions is what is the matter with an answer that cannot be read.
var errVersions = errors.New("gateway and program may be of different versions")

// ErrRestart is the error of a run that a person ended to have it started again.
var ErrRestart = errors.New("the run is to be started again")

// goodbye bounds the last words to a gateway that may be gone.
const goodbye = 2 * time.Second

// flush tells a gateway all that waits. What it does not take is kept; false
// says that something was.
func flush(conn Conn, kept *keeper) bool {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	for p, any := kept.collected.take(); any; p, any = kept.collected.take() {
		if err := conn.Call(ctx, wire.MethodRunReport, p, nil); err != nil {
			kept.keep(p)
			return false
		}
	}
	return true
}

// onRecord asks the gateway whether a run's start is on record, and returns who waits
// for the answer: the cage is built meanwhile.
func onRecord(ctx context.Context, conn Conn, started *wire.RunStarted) (wait func() error) {
	if !started.Pending {
		return nil
	}
	run := started.Run
	answer := make(chan error, 1)
	go func() { answer <- conn.Call(ctx, wire.MethodRunRecorded, wire.RunRecordedParams{Run: run}, nil) }()
	return func() error { return <-answer }
}

func endRun(conn Conn, run, exit string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	return conn.Call(ctx, wire.MethodRunEnd, wire.RunEndParams{Run: run, Exit: exit}, nil) == nil
}

func describe(status sandbox.ExitStatus, err error) string {
	switch {
	case err != nil:
		return "cage failed"
	case status.Signal != 0:
		return fmt.Sprintf("signal %d", status.Signal)
	default:
		return fmt.Sprintf("exit %d", status.Code)
	}
}

func mechanisms(in []sandbox.Mechanism) []event.Mechanism {
	out := make([]event.Mechanism, 0, len(in))
	for _, m := range in {
		out = append(out, event.Mechanism{Name: m.Name, Enforced: m.Enforced, Detail: m.Detail, Fix: m.Fix})
	}
	return out
}

// passed is what of the user's environment every command gets: how the
// terminal works and who the user is, nothing that names a socket or a secret.
func passed(name string) bool {
	switch name {
	case "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES":
		return true
	}
	return strings.HasPrefix(name, "LC_")
}

// Environment is the whole environment of a caged command: the fixed
// allow-list and the agent's own names from the user's, then what the gateway
// gave, which wins.
func Environment(user, allowed, given []string) []string {
	values := map[string]string{"TMPDIR": "/tmp"}
	order := []string{"TMPDIR"}
	set := func(name, value string) {
		if _, known := values[name]; !known {
			order = append(order, name)
		}
		values[name] = value
	}
	permitted := map[string]bool{}
	for _, name := range allowed {
		permitted[name] = true
	}
	for _, entry := range user {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" && (passed(name) || permitted[name]) {
			set(name, value)
		}
	}
	for _, entry := range given {
		if name, value, ok := strings.Cut(entry, "="); ok {
			set(name, value)
		}
	}
	out := make([]string, 0, len(order))
	for _, name := range order {
		out = append(out, name+"="+values[name])
	}
	return out
}
