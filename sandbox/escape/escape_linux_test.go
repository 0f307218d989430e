package escape_test

import (
	"os"
	"slices"
	"sync/atomic"
	"testing"
)

// try is one attempt.
type try struct {
	name    string
	root    bool   // only root can do it outside a cage
	known   string // why a cage cannot hold this yet, for the reader
	prepare func(*world)
	run     func(place) error // nil: escaped
	check   func(*world) error
}

func attempts() []try {
	return slices.Concat(fileAttempts(), mountAttempts(), processAttempts(), kernelAttempts(), networkAttempts(), descriptorAttempts())
}

// Everything that succeeds outside a cage fails inside.
func TestEscapes(t *testing.T) {
	var tried atomic.Int64
	copied := program(t)
	t.Run("all", func(t *testing.T) {
		for _, e := range attempts() {
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				e.test(t, copied, &tried)
			})
		}
	})
	if n := tried.Load(); n < enough {
		t.Errorf("only %d attempts succeeded outside a cage", n)
	}
}

// enough attempts must be real on any machine and for any user.
const enough = 60

func TestEscapesAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestEscapes$") }

func (e try) test(t *testing.T, program string, tried *atomic.Int64) {
	t.Helper()
	if e.root && os.Getuid() != 0 {
		t.Skip("only root can do this outside a cage")
	}
	outside := newWorld(t, program)
	if e.prepare != nil {
		e.prepare(outside)
	}
	if code, text := outside.free(e.name); code != exitEscaped {
		t.Skip("this machine does not allow it outside a cage either: " + text)
	}
	tried.Add(1)
	if e.check != nil && e.check(outside) != nil {
		t.Errorf("outside a cage it changed nothing: %v", e.check(outside))
	}
	inside := newWorld(t, program)
	if e.prepare != nil {
		e.prepare(inside)
	}
	res, err := inside.caged(e.name)
	if err != nil {
		t.Logf("refused to start: %v", err)
		return
	}
	switch {
	case e.known != "" && res.code == exitEscaped:
		t.Skip("known: " + e.known)
	case res.code == exitEscaped:
		t.Errorf("ESCAPED\n%s", res.text)
	case res.code != exitHeld && res.code != 159: // SIGSYS: killed for the call
		t.Errorf("ended with %d\n%s", res.code, res.text)
	}
	if e.check != nil && e.check(inside) == nil {
		t.Errorf("ESCAPED: the world was changed\n%s", res.text)
	}
	t.Logf("held: %s", res.text)
}
