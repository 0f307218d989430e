package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"openclaw/gateway/spool"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// The test program is also the inside of a cage.
func TestMain(m *testing.M) {
	if handled, code := sandbox.RunStage(os.Args); handled {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// recording is a gateway that is asked whether a start is on record. It stands for one
// whose disk is full at that moment.
type recording struct {
	answering
	says func() error
}

func (r *recording) Call(ctx context.Context, method string, params, result any) error {
	if method == wire.MethodRunRecorded {
		return r.says()
	}
	return r.answering.Call(ctx, method, params, result)
}

// A command begins when its start is on record, and never where that fails: then the
// person is told why, and the gateway that nothing ran.
func TestACommandWaitsForItsRecord(t *testing.T) {
	t.Parallel()
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	compiled, work := inWork(t)
	ran := filepath.Join(work, "ran")
	full := errors.New("disk full")
	for _, answer := range []error{full, nil} {
		started, err := json.Marshal(wire.RunStarted{Run: "r1", Pending: true, Policy: compiled, Command: []string{"sh", "-c", "echo > " + ran}, Gateway: "127.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		gateway := &recording{answering: answering{answer: string(started)}, says: func() error {
			if _, err := os.Lstat(ran); err == nil {
				t.Error("it runs, and is not on record")
			}
			return answer
		}}
		_, err = Run(t.Context(), caged(cage, gateway, work))
		requireCage(t, err)
		if !errors.Is(err, answer) {
			t.Errorf("on record: %v, run: %v", answer, err)
		}
		exit := "exit 0"
		if answer != nil {
			exit = "refused"
		}
		if len(gateway.ended) != 1 || gateway.ended[0].Exit != exit {
			t.Errorf("the gateway was told %+v", gateway.ended)
		}
		if _, err := os.Lstat(ran); (err == nil) != (answer == nil) {
			t.Errorf("on record: %v, what it wrote: %v", answer, err)
		}
	}
}

// caged are the options of a run in a real cage, told to a gateway that a test has.
func caged(cage *sandbox.Cage, gateway Conn, work string) Options {
	return Options{
		Agent: "coder", Dir: work, Environ: []string{"PATH=/usr/bin:/bin"}, Warn: func(string) {}, Hide: func() error { return nil },
		Dial:  func(context.Context, bool) (Conn, error) { return gateway, nil },
		Cage:  func(context.Context) (*sandbox.Cage, error) { return cage, nil },
		Spool: func(wire.RunStarted) *spool.Writer { return nil },
	}
}

// requireCage skips a test on a machine where a run ended because there is no cage.
func requireCage(t *testing.T, err error) {
	t.Helper()
	if lacks, ok := errors.AsType[*sandbox.Error](err); ok && lacks.Kind == sandbox.KindMissing {
		require(t, "there is no cage here: "+err.Error())
	}
}

// inWork is the policy of an agent that may use one folder, but no .env in it.
func inWork(t *testing.T) (compiled *policy.Policy, work string) {
	t.Helper()
	home, err := os.MkdirTemp("/var/tmp", "openclaw-supervise-test-") //nolint:usetesting // t.TempDir may lie in /tmp, which a cage has of its own
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	work = filepath.Join(home, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	compiled, problems := policy.Compile(policy.Input{
		Agent: "coder", Home: home, StateDir: filepath.Join(home, ".openclaw"), OwnKey: "agents.coder",
		Own:    policy.Permissions{AllowedPaths: []policy.PathEntry{{Path: work}}, DeniedPaths: []string{"**/.env"}},
		Getenv: func(string) string { return "" },
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return compiled, work
}

// require skips a test on a machine that cannot run it, unless everything is required.
func require(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
