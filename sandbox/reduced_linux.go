package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/keeper"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/stage"
	"openclaw/sandbox/policy"
)

// reduced is what a cage without namespaces has in place of mounts, gate and
// network of its own: Landlock for files, and a handler that makes in the
// program's place what Landlock has no word on.
type reduced struct {
	process *Process
	ruleset *harden.Ruleset
	reach   *reach
	folder  runFolder
	decoys  []io.Closer
	way     *wayOut // nil without a way out

	terminals ownTerminals

	attributes map[string]attribute

	calls  chan struct{} // closed when nothing of the run can call any more
	tested atomic.Bool   // the self-test is over
	served atomic.Bool   // calls is going to be closed
	ending atomic.Bool   // the keeper has gone: who still calls is ended
}

// drainTime is how long the run's processes have to be gone after its keeper.
// They are killed before; only one that hangs in the kernel needs any time.
const drainTime = 10 * time.Second

// launchReduced is launch for a reduced cage. why is what the full cage lacks.
func launchReduced(ctx context.Context, cage *Cage, spec Spec, why error) (*Process, error) {
	r := &reduced{calls: make(chan struct{}), attributes: attributes()}
	j, err := jobOn(spec.Stdin, spec.Stdout, spec.Stderr)
	if err != nil {
		return nil, &Error{Op: "start cage", Err: err}
	}
	release := func() {
		r.release()
		j.end(0)
	}
	p, err := r.prepare(cage, spec, j, why)
	if err != nil {
		release()
		return nil, err
	}
	conn, inherited, err := control.Pair()
	if err != nil {
		release()
		return nil, &Error{Op: "start cage", Err: err}
	}
	p.conn = conn
	p.bounds, err = newBounds(cage, spec.Policy, false)
	var setup keeper.Setup
	if err == nil {
		setup, err = r.setup()
	}
	if err == nil {
		setup.Foreground = j.plan()
		in, out, errs := j.files(spec.Stdin, spec.Stdout, spec.Stderr)
		p.first = newKeeper(in, out, errs, inherited, j.slave(), p.bounds)
		err = p.begin("start keeper", "")
	}
	_ = inherited.Close()
	if err != nil {
		p.bounds.close()
		conn.Close()
		release()
		return nil, err
	}
	p.identity = newIdentity(p.first.pid())
	p.reporter = newReporter(spec.Denied, time.Now, cage.looks)
	p.judge = newJudge(p)
	p.judge.expect(setup.Tests.Call)
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	r.serveWay(serving)
	err = p.bounds.watch(p.judge.atBound)
	if err == nil {
		err = p.buildReduced(serving, setup)
	}
	if err != nil {
		p.kill()
		go p.finish()
		<-p.finished
		return p, err
	}
	r.tell(why)
	stop := context.AfterFunc(ctx, p.kill)
	p.services.Go(p.follow)
	p.services.Go(removeLeft)
	go func() {
		p.finish()
		stop()
	}()
	return p, nil
}

// prepare makes everything that needs no process.
func (r *reduced) prepare(cage *Cage, spec Spec, j *job, why error) (*Process, error) {
	plan, err := mounts.Names(spec.Policy)
	if err != nil {
		return nil, planError(err)
	}
	if r.ruleset, err = harden.NewRuleset(); err != nil {
		return nil, missing(err, why)
	}
	if r.folder, err = newRunFolder(); err != nil {
		return nil, err
	}
	plan.Policy.Paths = append(plan.Policy.Paths, r.folder.rules()...)
	var warnings []string
	if r.reach, warnings, err = planReach(plan.Policy, r.ruleset); err != nil {
		return nil, err
	}
	own := &reachPlanner{policy: plan.Policy, ruleset: r.ruleset, reach: r.reach}
	for _, name := range []string{r.folder.temp, r.folder.memory} {
		if err := own.add(name, accessWrite); err != nil {
			return nil, err
		}
	}
	in, out, errs := j.files(spec.Stdin, spec.Stdout, spec.Stderr)
	if err := r.reach.standard(r.ruleset, in, out, errs, j.slave()); err != nil {
		return nil, err
	}
	p := &Process{
		cage: cage, spec: spec, plan: plan, pidfd: -1, ended: make(chan struct{}), finished: make(chan struct{}), current: spec.Policy, reduced: r,
		job: j, over: make(chan struct{}),
		report: Report{Agent: spec.Agent, Run: spec.Run, Policy: spec.Policy.Version, Warnings: append(plan.Warnings, warnings...), Unmet: plan.Unmet},
	}
	if spec.Policy.Nested {
		p.report.Warnings = append(p.report.Warnings, "nested: true has no effect in the reduced mode: a process under Landlock's rules for files may not mount")
	}
	r.process = p
	return p, nil
}

// missing says that the reduced cage cannot be had either.
func missing(err, why error) error {
	e := &Error{Op: "build reduced cage", Kind: KindMissing, Err: err}
	if typed, ok := errors.AsType[*harden.Error](err); ok {
		e.Hint = typed.Hint
	}
	e.Hint = joinHints(e.Hint, "or get the full cage, which failed with: "+why.Error()+": openclaw doctor says how")
	return e
}

func joinHints(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// setup finds the program and makes what the self-test needs.
func (r *reduced) setup() (keeper.Setup, error) {
	p := r.process
	v := view{native: func(real string) bool { return r.reach.of(real) != accessNone }}
	setup := keeper.Setup{
		Landlock: r.ruleset.Version(), MaxFileSize: p.spec.Policy.MaxFileSize,
		Internet: p.spec.Policy.Network.Outbound || p.spec.Gateway.IsValid(),
	}
	if len(p.spec.Command) > 0 {
		dir := v.dir(&p.spec)
		program, err := v.program(&p.spec, dir)
		if err != nil {
			return setup, err
		}
		setup.Program, setup.Dir = program, dir
		p.report.Dir = dir
	}
	environment := replaceVariable(p.spec.Env, "TMPDIR="+r.folder.temp)
	proxied, err := r.openWay()
	if err != nil {
		return setup, err
	}
	for _, entry := range proxied {
		environment = replaceVariable(environment, entry)
	}
	setup.Arguments, setup.Environment = p.spec.Command, environment
	setup.Tests, err = r.tests()
	return setup, err
}

// tests makes what a program outside the cage could use, for the keeper to try.
func (r *reduced) tests() (keeper.Tests, error) {
	file, socket, abstract := path.Join(r.folder.path, "file"), path.Join(r.folder.path, "socket"), "openclaw-"+rand.Text()
	if err := os.WriteFile(file, []byte("self-test"), 0o600); err != nil {
		return keeper.Tests{}, &Error{Op: "test cage", Err: err, Hint: runFolderHint}
	}
	port, own := 0, path.Join(r.folder.temp, "self-test")
	for _, at := range [][2]string{{"unix", socket}, {"unix", own}, {"unix", "@" + abstract}, {"tcp", "127.0.0.1:0"}} {
		listener, err := net.Listen(at[0], at[1]) //nolint:noctx // it stays until the run is released
		if err != nil {
			failed := &Error{Op: "test cage", Err: err}
			if at[0] == "unix" {
				failed.Hint = runFolderHint
			}
			return keeper.Tests{}, failed
		}
		r.decoys = append(r.decoys, listener)
		if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
			port = tcp.Port
		}
	}
	return keeper.Tests{
		Folder: r.folder.path, File: file, Socket: socket, Abstract: abstract, Port: port,
		Call: path.Join(r.folder.path, probeName()), Own: own,
	}, nil
}

// buildReduced answers the keeper's messages until the command runs.
func (p *Process) buildReduced(serving context.Context, setup keeper.Setup) error {
	err := p.conn.Send(stage.KindSetup, setup, p.reduced.ruleset.Descriptor())
	if err != nil && !errors.Is(err, syscall.EPIPE) { // a keeper that has ended has said why
		return &Error{Op: "start cage", Err: err}
	}
	for {
		message, err := p.conn.Receive()
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			return &Error{Op: "build cage", Err: errors.New("the keeper ended without a word"), Hint: "look at the kernel's log (dmesg) for what ended it"}
		}
		if err != nil {
			return &Error{Op: "build cage", Err: err}
		}
		switch message.Kind {
		case stage.KindStarted:
			if err := p.started(message); err != nil {
				return err
			}
			return p.bounded()
		case stage.KindExited: // there was no command
			return nil
		case stage.KindListener:
			err = p.reduced.serve(serving, message)
		case stage.KindTested:
			err = p.tested(message)
			p.reduced.tested.Store(err == nil)
			p.reduced.closeDecoys()
		case stage.KindFailed:
			var failed stage.Failed
			if err := message.Decode(&failed); err != nil {
				return &Error{Op: "build cage", Err: err}
			}
			if err := p.bounded(); err != nil {
				return err
			}
			return fromStage(failed, &p.spec)
		default:
			message.CloseFiles()
			err = &Error{Op: "build cage", Err: fmt.Errorf("unexpected message %q", message.Kind)}
		}
		if err != nil {
			return err
		}
		if err := p.conn.Send(stage.KindProceed, nil); err != nil {
			return &Error{Op: "build cage", Err: err}
		}
	}
}

// drain waits until no process of the run is left: the kernel says so of the
// call filter. It returns false when some are left after all.
func (r *reduced) drain() bool {
	r.ending.Store(true)
	if !r.served.Load() {
		return true // no process ever stood under the filter
	}
	select {
	case <-r.calls:
		return true
	case <-time.After(drainTime):
		return false
	}
}

// closeDecoys removes what the self-test tried.
func (r *reduced) closeDecoys() {
	for _, decoy := range r.decoys {
		_ = decoy.Close()
	}
	r.decoys = nil
}

// release takes back what is on the disk and on the network.
func (r *reduced) release() {
	if r.ruleset != nil {
		r.ruleset.Close()
	}
	r.closeDecoys()
	if r.way != nil {
		r.way.close()
	}
	r.terminals.close()
	r.folder.remove()
}

// runFolder is what a run has on the disk: what the self-test tries, which the
// cage cannot reach, the folder for temporary files, and what is there for /dev/shm.
type runFolder struct {
	path, temp, memory string
	held               *os.File
}

func newRunFolder() (runFolder, error) {
	made, held, err := makeRunFolder()
	if err != nil {
		return runFolder{}, err
	}
	f := runFolder{path: made, held: held}
	real, err := filepath.EvalSymlinks(made)
	if err != nil {
		f.remove()
		return runFolder{}, &Error{Op: "make run folder", Err: err}
	}
	f.path, f.temp, f.memory = real, path.Join(real, "tmp"), path.Join(real, "shm")
	for _, name := range []string{f.temp, f.memory} {
		if err := os.Mkdir(name, 0o700); err != nil {
			f.remove()
			return runFolder{}, &Error{Op: "make run folder", Err: err, Hint: runFolderHint}
		}
	}
	return f, nil
}

// rules open what is the run's own.
func (f runFolder) rules() []policy.PathRule {
	open := func(name, what, text string) policy.PathRule {
		return policy.PathRule{
			Path: name, Effect: policy.Allow, Access: policy.AccessWrite, System: true,
			Origin: policy.Origin{BuiltIn: "the run's own folder for " + what}, Text: text,
		}
	}
	return []policy.PathRule{open(f.temp, "temporary files", "TMPDIR of the run"), open(f.memory, "shared memory", sharedMemory+" of the run")}
}

func (f runFolder) remove() {
	if f.path != "" {
		removeFolder(f.path)
		_ = f.held.Close()
	}
}

// replaceVariable sets one variable ("NAME=value") in an environment.
func replaceVariable(env []string, entry string) []string {
	name, _, _ := strings.Cut(entry, "=")
	out := make([]string, 0, len(env)+1)
	for _, have := range env {
		if key, _, _ := strings.Cut(have, "="); key != name {
			out = append(out, have)
		}
	}
	return append(out, entry)
}
