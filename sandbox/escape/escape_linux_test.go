package escape_test

import (
	"flag"
	"os"
	"slices"
	"sync/atomic"
	"testing"
)

// try is one attempt.
type try struct {
	name   string
	root   bool // only root can do it outside a cage
	spaces bool // outside a cage it is done in namespaces of its own, where any user is root

	// known says why a cage cannot hold this yet. It is tried all the same, and
	// the test fails once it is held, so that the word for the reader is true.
	known string

	// unstartable: a cage for this must refuse to start.
	unstartable bool

	// denied: the attempt is about a denied path in an allowed folder, which a
	// mode without mounts refuses to start with.
	denied bool

	// reduced says the same of a cage without namespaces, older of one on a kernel
	// whose Landlock has no scopes.
	reduced, older string

	// nested says the same of a cage whose agent may build sandboxes of its own.
	nested string

	network bool // the network is what holds it

	// alone: it must be the only program of its cage.
	alone bool

	prepare func(*world)
	run     func(place) error // nil: escaped
	check   func(*world) error
}

func attempts() []try {
	return slices.Concat(
		fileAttempts(), accessAttempts(), changeAttempts(), raceAttempts(), sizeAttempts(), builtInAttempts(), askAttempts(),
		mountAttempts(), processAttempts(), initAttempts(), outsideAttempts(), sessionAttempts(), programAttempts(), powerAttempts(), terminalAttempts(),
		kernelAttempts(), filterAttempts(), deviceAttempts(), onNetwork(networkAttempts()), onNetwork(hostNetworkAttempts()), onTheirOwn(floodAttempts()), freshAttempts(), descriptorAttempts(), pairAttempts(),
	)
}

func onNetwork(list []try) []try {
	for i := range list {
		list[i].network = true
	}
	return list
}

// onTheirOwn keeps what wears a supervisor out from what else is tried.
func onTheirOwn(list []try) []try {
	for i := range list {
		list[i].alone = true
	}
	return list
}

// Every attempt has a name of its own, which its process is started with.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range attempts() {
		if seen[e.name] {
			t.Errorf("%q is there twice", e.name)
		}
		seen[e.name] = true
	}
	t.Logf("%d attempts", len(seen))
}

// Everything that succeeds outside a cage fails inside, in every mode.
func TestEscapes(t *testing.T) {
	var tried atomic.Int64
	copied := program(t)
	machine := modes(t)
	cages := runTogether(t, copied, machine)
	t.Run("all", func(t *testing.T) {
		for _, e := range attempts() {
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				e.test(t, copied, machine, cages, &tried)
			})
		}
	})
	t.Logf("%d attempts were made", tried.Load())
	if n := tried.Load(); n < enough && os.Getenv(modeVariable) == "" && flag.Lookup("test.run").Value.String() == "^TestEscapes$" {
		t.Errorf("only %d attempts succeeded outside a cage", n)
	}
}

// enough attempts must be real on any machine and for any user.
const enough = 150

func TestEscapesAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestEscapes$") }

func (e try) test(t *testing.T, program string, machine []mode, cages *together, tried *atomic.Int64) {
	t.Helper()
	if e.root && os.Getuid() != 0 {
		t.Skip("only root can do this outside a cage")
	}
	if os.Getenv(modeVariable) == "" {
		real := false
		t.Run("outside", func(t *testing.T) { real = e.outside(t, program) })
		if !real {
			t.Skip("this machine does not allow it outside a cage either")
		}
	}
	for _, m := range machine {
		if m.network && !e.network {
			continue
		}
		tried.Add(1)
		t.Run(m.name, func(t *testing.T) {
			if one, ok := cages.of(m, e); ok {
				one.world.t = t
				e.judge(t, m, one.world, one.result)
				return
			}
			e.inside(t, program, m)
		})
	}
}

// outside runs an attempt without a cage.
func (e try) outside(t *testing.T, program string) bool {
	t.Helper()
	outside := newWorld(t, program)
	if e.prepare != nil {
		e.prepare(outside)
	}
	if code, text := outside.free(e); code != exitEscaped {
		t.Skip("this machine does not allow it outside a cage either: " + text)
	}
	if e.check != nil {
		if err := e.check(outside); err != nil {
			t.Errorf("outside a cage it changed nothing: %v", err)
		}
	}
	return true
}

// inside runs an attempt in a cage of one mode.
func (e try) inside(t *testing.T, program string, m mode) {
	t.Helper()
	inside := newWorld(t, program)
	inside.inCage, inside.landlock = true, m.landlock
	if m.set != nil {
		m.set(inside)
	}
	if m.plain && !e.denied {
		inside.perms.DeniedPaths = nil
	}
	if e.prepare != nil {
		e.prepare(inside)
	}
	res, err := inside.caged(e.name)
	if err != nil {
		if unstartable := e.unstartable || e.denied && m.plain; !unstartable {
			t.Errorf("refused to start: %v", err)
		}
		t.Logf("refused to start: %v", err)
		return
	}
	e.judge(t, m, inside, res)
}

// judge says what came of an attempt in a cage.
func (e try) judge(t *testing.T, m mode, inside *world, res result) {
	t.Helper()
	unstartable := e.unstartable || e.denied && m.plain
	if m.nested && !inside.policy().Nested {
		t.Log("there is nothing to nest for an agent that may start no program")
	} else if !m.network {
		m.proven(t, res.report)
	} else if inside.perms.Network != nil {
		m.proven(t, res.report)
	}
	escaped := res.code == exitEscaped || e.check != nil && e.check(inside) == nil
	known := e.known
	switch {
	case m.plain:
		known = e.reduced
	case m.landlock != 0 && e.older != "":
		known = e.older
	case m.nested && e.nested != "":
		known = e.nested
	}
	switch {
	case known != "":
		t.Logf("known: %s\n%s", known, res.text)
		if !escaped && res.code == exitHeld {
			t.Errorf("it is held now: %s", known)
		}
	case unstartable:
		t.Errorf("it was started\n%s", res.text)
	case escaped && res.code == exitEscaped:
		t.Errorf("ESCAPED\n%s", res.text)
	case escaped:
		t.Errorf("ESCAPED: the world was changed\n%s", res.text)
	case !ends(res.code):
		t.Errorf("ended with %d\n%s", res.code, res.text)
	default:
		t.Logf("held: %s", res.text)
	}
}
