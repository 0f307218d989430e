package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A gateway that is killed, or stopped, and started again in the middle of a flood of
// refusals loses no count and doubles none: what was on record when it died is not put
// there again, also where one record stands for many refusals.
func TestAFloodOverGatewaysThatDie(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  flood: {}\n")
	const targets = 5000
	many := filepath.Join(p.home, "projects", "many")
	if err := os.MkdirAll(many, 0o700); err != nil {
		t.Fatal(err)
	}
	for n := range targets {
		write(t, filepath.Join(many, fmt.Sprint(n)), "x\n")
	}
	gateway := p.gateway()
	stop := filepath.Join(p.home, ".openclaw", "agents", "flood", "stop")
	var out bytes.Buffer // read when the flood has ended
	flood := p.spawn(nil, &out, "agent", "run", "flood", "--", "sh", "-c", fmt.Sprintf(
		`n=0; while ! [ -e stop ]; do true < ~/projects/many/$((n %% %d)); true < ~/.ssh/id_ed25519; n=$((n+1)); done 2>/dev/null; echo "did $((2*n))"`, targets))
	shown := 0
	for round, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL} {
		before := shown
		p.eventually("more refusals", func() bool { shown, _, _ = p.counted("flood"); return shown > before+1500 })
		if err := syscall.Kill(gateway.pid(), signal); err != nil {
			t.Fatal(err)
		}
		gateway.wait()
		if round%2 == 1 {
			time.Sleep(300 * time.Millisecond) // what is refused now is kept on the disk
		}
		gateway = p.gateway()
	}
	write(t, stop, "")
	select {
	case <-flood.ended:
	case <-time.After(2 * time.Minute):
		t.Fatal("the flood does not end")
	}
	if code := flood.wait(); code != 0 {
		t.Fatalf("the flood ended with %d: %s", code, flood.errors())
	}
	did := 0
	if _, err := fmt.Sscanf(strings.TrimSpace(out.String()), "did %d", &did); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	p.eventually("the spool on record", func() bool {
		left, err := os.ReadDir(filepath.Join(p.home, ".openclaw", "state", "spool"))
		return err == nil && len(left) == 0
	})
	p.eventually("the end of the run on record", func() bool {
		return strings.Contains(p.says("audit", "search", "--event", "run_end"), "exit 0")
	})
	shown, audited, _ := p.counted("flood")
	if shown != did || audited != did {
		t.Errorf("of %d refusals the gateway counts %d and the audit log %d: %s", did, shown, audited, flood.errors())
	}
}
