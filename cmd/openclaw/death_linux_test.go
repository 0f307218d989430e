package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"openclaw/gateway"
	"openclaw/gateway/event"
)

// atOnce bounds what must not wait for a time-out: a gateway gives a supervisor
// whose connection broke ten seconds to come back, and a dead one none. It is nearly
// all of these ten seconds: a busy machine takes some of them for nothing.
const atOnce = 9 * time.Second

// soon waits for something that must not take as long as a time-out.
func soon(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for begin := time.Now(); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > atOnce {
			t.Fatalf("%s: not within %s", what, atOnce)
		}
	}
}

// mortal is a person whose agent may call the model.
func mortal(t *testing.T) (p *person, u *upstream, port int) {
	t.Helper()
	requireCage(t)
	p, u = newPerson(t), newUpstream(t)
	p.environ = append(p.environ, "KEY_OF_THE_PROVIDER="+providerKey)
	port = p.configure("agents:\n  coder: {}\n" + u.providers())
	return p, u, port
}

// refuses checks that the cage refuses what its policy does not allow, and
// counts the refused reads.
func (c *caged) refuses(p *person, file string, times int) {
	c.t.Helper()
	said := c.do(fmt.Sprintf(`for i in $(seq %d); do cat %s; done`, times, file))
	if n := strings.Count(said, "Permission denied"); n != times || strings.Contains(said, "PRIVATE KEY") {
		c.t.Errorf("%d of %d reads were refused: %s", n, times, said)
	}
	if said := c.do(`curl -sS -m 10 http://example.com </dev/null; echo "status $?"`); strings.Contains(said, "status 0") {
		c.t.Errorf("the network was reached: %s", said)
	}
	if said := c.do(`echo x > ` + filepath.Join(p.home, "notes.txt") + `; echo "status $?"`); strings.Contains(said, "status 0") {
		c.t.Errorf("a file was written: %s", said)
	}
	if _, err := os.Stat(filepath.Join(p.home, "notes.txt")); err == nil {
		c.t.Error("the file is there")
	}
}

// callsModel makes a model call from the cage.
func (c *caged) callsModel() (worked bool, said string) {
	c.t.Helper()
	said = c.do(modelCall("", ""))
	return strings.Contains(said, goodAnswer), said
}

func (c *caged) token() string {
	c.t.Helper()
	token := c.do("echo $ANTHROPIC_AUTH_TOKEN")
	if !strings.HasPrefix(token, "oca_") {
		c.t.Fatalf("no token: %q", token)
	}
	return token
}

// refusedReads is how often the present gateway was told of refused reads of a
// file.
func (p *person) refusedReads(file string) (count int) {
	p.t.Helper()
	var list []event.Denial
	said := p.openclaw("denials", "--json")
	if err := json.Unmarshal([]byte(said.out), &list); err != nil {
		p.t.Fatalf("denials: %v: %s", err, said.errors)
	}
	for _, d := range list {
		if d.Target == file && d.Operation == "open" {
			count += d.Count
		}
	}
	return count
}

// After kill -9 of the supervisor nothing of its cage is left: no process,
// however it detached itself, no mount, no call to the model. The gateway knows
// at once, and the run's token opens nothing any more.
func TestSupervisorKilledLeavesNothing(t *testing.T) {
	t.Parallel()
	p, u, port := mortal(t)
	p.gateway()
	c := p.cage("coder")
	c.do(fmt.Sprintf(`trap '' TERM HUP INT
		sh -c 'trap "" TERM HUP INT; while :; do sleep 1000; done' %[1]s &
		setsid sh -c 'sh -c "while :; do sleep 1000; done" %[1]s & exec sleep 1000' %[1]s </dev/null >/dev/null 2>&1 &
		setsid -f sh -c 'while :; do sleep 1000; done' %[1]s </dev/null >/dev/null 2>&1
		%[2]s >/dev/null 2>&1 &`, c.mark, modelCall("endless", "-m 1000")))
	p.eventually("the stream", func() bool { return u.open.Load() == 1 })
	token := c.token()
	if status, body := p.post(port, "/v1/messages", token, nil); status != http.StatusOK {
		t.Fatalf("the token does not work: %d %s", status, body)
	}
	before := c.inside()
	p.eventually("the cage's first process, the shell, and the eight that it starts", func() bool { before = c.inside(); return len(before) == 10 })

	c.kill()
	soon(t, "the death of the cage", func() bool { return len(c.survivors(before)) == 0 })
	soon(t, "the run's end", func() bool {
		runs := p.runs("coder")
		return len(runs) == 1 && runs[0].Exit == "lost" && !runs[0].Ended.IsZero()
	})
	status, body := p.post(port, "/v1/messages", token, nil)
	if status != http.StatusUnauthorized {
		t.Errorf("the dead run's token gets %d", status)
	}
	says(t, body, "authentication_error", "its run has ended")
	soon(t, "the end of the model call", func() bool { return u.open.Load() == 0 })
	if left := p.mounts(); left != "" {
		t.Errorf("mounts are left:\n%s", left)
	}
	// Nothing is in the way of the next one.
	next := p.cage("coder")
	next.refuses(p, "~/.ssh/id_ed25519", 1)
	if worked, said := next.callsModel(); !worked {
		t.Errorf("the next run's model call: %s", said)
	}
	if code := next.leave(9); code != 9 {
		t.Errorf("the next run ended with %d", code)
	}
	p.noKeyInLogs(token, providerKey)
}

// A supervisor that was killed and whose parent does not look is as dead as any
// other: its token ends, with the time for coming back at the latest.
func TestKilledSupervisorThatNobodyWaitsFor(t *testing.T) {
	t.Parallel() // it may wait
	p, _, port := mortal(t)
	p.gateway()
	cmd := exec.Command(p.binary, "agent", "run", "coder", "--", "sh", "-c", "echo $ANTHROPIC_AUTH_TOKEN; exec sleep 1000")
	cmd.Env, cmd.Dir = p.environ, p.home
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }() // only now: until then it is a zombie
	defer func() { _ = cmd.Process.Kill() }()
	line := make([]byte, 256)
	n, err := out.Read(line)
	token := strings.TrimSpace(string(line[:n]))
	if err != nil || !strings.HasPrefix(token, "oca_") {
		t.Fatalf("no token: %q %v", token, err)
	}
	_ = cmd.Process.Kill()
	soon(t, "the token's death", func() bool {
		status, _ := p.post(port, "/v1/messages", token, nil)
		return status == http.StatusUnauthorized
	})
}

// kill -9 of the cage's own first process ends the run as a signal ends a
// command, and the gateway hears of it.
func TestCageInitKilled(t *testing.T) {
	t.Parallel()
	p, _, port := mortal(t)
	p.gateway()
	c := p.cage("coder")
	token := c.token()
	before := c.inside()
	_, parent := processes(t)
	i := slices.IndexFunc(before, func(one process) bool { return parent[one.pid] == c.pid() })
	if i < 0 {
		t.Fatalf("no first process: %+v", before)
	}
	if err := syscall.Kill(before[i].pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := c.wait(); code != 128+int(syscall.SIGKILL) {
		t.Errorf("the run ended with %d: %s", code, c.errors())
	}
	soon(t, "the death of the cage", func() bool { return len(c.survivors(before)) == 0 })
	soon(t, "the run's end", func() bool {
		runs := p.runs("coder")
		return len(runs) == 1 && runs[0].Exit == "signal 9"
	})
	if status, _ := p.post(port, "/v1/messages", token, nil); status != http.StatusUnauthorized {
		t.Errorf("the dead run's token gets %d", status)
	}
}

// After kill -9 of the gateway the cage keeps refusing and the model is out of
// reach. A new gateway starts over what the old one left, knows the run again,
// takes its token, and is told of every refusal that was made meanwhile: as
// often as it was made.
func TestGatewayKilledAndBack(t *testing.T) {
	t.Parallel()
	p, u, port := mortal(t)
	first := p.gateway()
	c := p.cage("coder")
	key := filepath.Join(p.home, ".ssh", "id_ed25519")
	token := c.token()
	c.refuses(p, key, 3)
	p.eventually("the first refusals", func() bool { return p.refusedReads(key) == 3 })
	if worked, said := c.callsModel(); !worked {
		t.Fatalf("the model call: %s", said)
	}
	known := 3
	for round, gap := range []int{17, 5} {
		calls := u.calls.Load()
		if round == 0 {
			first.kill()
		} else if err := syscall.Kill(p.gatewayPID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if said := p.openclaw("gateway", "status"); said.code != 1 {
			t.Errorf("status says %d: %s", said.code, said.out)
		} else {
			says(t, said.errors, "no gateway runs", "openclaw gateway")
		}
		c.refuses(p, key, gap)
		if worked, said := c.callsModel(); worked || !strings.Contains(said, "curl: (") {
			t.Errorf("a model call without a gateway: %s", said)
		}
		if u.calls.Load() != calls {
			t.Error("the provider was reached without a gateway")
		}
		for _, left := range []string{"gateway.lock", "gateway.sock"} {
			if _, err := os.Lstat(filepath.Join(p.home, ".openclaw", "run", left)); err != nil {
				t.Errorf("the killed gateway cleaned up: %v", err)
			}
		}

		p.gateway()
		p.eventually("the run's return", func() bool {
			runs := p.runs("coder")
			return len(runs) == 1 && runs[0].Ended.IsZero() && runs[0].PID == c.pid()
		})
		known += gap // what was refused under the gateway before is listed still
		p.eventually("the refusals of the meantime", func() bool { return p.refusedReads(key) >= known })
		if worked, said := c.callsModel(); !worked {
			t.Errorf("the model call of the run that came back: %s", said)
		}
		if status, body := p.post(port, "/v1/messages", token, nil); status != http.StatusOK {
			t.Errorf("the token of the run that came back: %d %s", status, body)
		}
		c.refuses(p, key, 2)
		known += 2
		p.eventually("the refusals after", func() bool { return p.refusedReads(key) >= known })
		if count := p.refusedReads(key); count != known {
			t.Errorf("%d refusals are known of %d", count, known)
		}
	}
	if code := c.leave(5); code != 5 {
		t.Errorf("the run ended with %d", code)
	}
	says(t, c.errors(), "the gateway was gone during the run: the cage kept refusing")
	runs := p.runs("coder")
	if len(runs) != 1 || runs[0].Exit != "exit 5" {
		t.Errorf("the gateway knows of %+v", runs)
	}
	if status, _ := p.post(port, "/v1/messages", token, nil); status != http.StatusUnauthorized {
		t.Errorf("the ended run's token gets %d", status)
	}
	if u.keyless.Load() != 0 {
		t.Errorf("%d calls reached the provider without the key", u.keyless.Load())
	}
	// The audit log has them all, over three gateways.
	if audited := p.auditedReads(key); audited != 3+17+2+5+2 {
		t.Errorf("the audit log counts %d refused reads", audited)
	}
	p.noKeyInLogs(token, providerKey)
}

// auditedReads sums what the audit log says of refused reads of a file.
func (p *person) auditedReads(file string) (count int) {
	p.t.Helper()
	said := p.says("audit", "search", "--since", "1h", "--event", "file_access")
	for decoder := json.NewDecoder(strings.NewReader(said)); decoder.More(); {
		var row struct {
			Path, Action, Result string
			Details              struct{ Count int }
		}
		if err := decoder.Decode(&row); err != nil {
			p.t.Fatalf("audit search: %v: %s", err, said)
		}
		if row.Path == file && row.Action == "open" && row.Result == "denied" {
			count += row.Details.Count
		}
	}
	return count
}

// spooled names the files that wait for a gateway.
func (p *person) spooled() (names []string) {
	p.t.Helper()
	entries, err := os.ReadDir(filepath.Join(p.home, ".openclaw", "state", "spool"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Fatal(err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue
		}
		if info.Mode() != 0o600 {
			p.t.Errorf("%s has mode %v", entry.Name(), info.Mode())
		}
		names = append(names, entry.Name())
	}
	return names
}

// spooledReads counts the refused reads of a file that wait for a gateway.
func (p *person) spooledReads(file string) (count int) {
	p.t.Helper()
	for _, name := range p.spooled() {
		text, err := os.ReadFile(filepath.Join(p.home, ".openclaw", "state", "spool", name))
		if err != nil {
			p.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var row struct{ Denial event.Denial }
			if json.Unmarshal([]byte(line), &row) == nil && row.Denial.Target == file && row.Denial.Operation == "open" {
				count += row.Denial.Count
			}
		}
	}
	return count
}

// auditedEnds counts the ends of a run that are on record.
func (p *person) auditedEnds(run string) (count int) {
	p.t.Helper()
	said := p.says("audit", "search", "--since", "1h", "--event", "run_end")
	for decoder := json.NewDecoder(strings.NewReader(said)); decoder.More(); {
		var row struct{ Details struct{ Run string } }
		if err := decoder.Decode(&row); err != nil {
			p.t.Fatalf("audit search: %v: %s", err, said)
		}
		if row.Details.Run == run {
			count++
		}
	}
	return count
}

// opensNothing reports that a call did not get through. A gateway that has just started
// does not know yet whether the run comes back.
func opensNothing(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusServiceUnavailable
}

// A run that ended while no gateway was there has no token at the next one, and
// what it was refused is on record there.
func TestRunThatEndedWithoutAGateway(t *testing.T) {
	t.Parallel()
	p, _, port := mortal(t)
	gateway := p.gateway()
	c := p.cage("coder")
	token := c.token()
	run := p.runs("coder")[0].ID
	gateway.kill()
	key := filepath.Join(p.home, ".ssh", "id_ed25519")
	c.refuses(p, key, 3)
	if code := c.leave(4); code != 4 {
		t.Errorf("the run ended with %d", code)
	}
	p.gateway()
	p.eventually("the record of what was refused without a gateway", func() bool { return p.auditedReads(key) == 3 && p.auditedEnds(run) == 1 })
	if shown := p.refusedReads(key); shown != 3 {
		t.Errorf("%d refusals of 3 are shown", shown)
	}
	p.eventually("an empty spool", func() bool { return len(p.spooled()) == 0 })
	p.noKeyInLogs(token, providerKey)
	if status, _ := p.post(port, "/v1/messages", token, nil); !opensNothing(status) {
		t.Errorf("the token gets %d", status)
	}
	for _, one := range p.runs("coder") { // from the audit log, if that had the end when it was read
		if one.ID != run || one.Ended.IsZero() || one.Exit != "exit 4" {
			t.Errorf("the new gateway knows of %+v", one)
		}
	}
}

// What a dead gateway can leave behind is in nobody's way: a lock that names a
// process which is alive and is no gateway, a socket file, half a line.
func TestGatewayStartsOverLeftovers(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	for range 2 { // the second time over its own leftovers
		gateway := p.gateway()
		gateway.kill()
	}
	run := filepath.Join(p.home, ".openclaw", "run")
	sleeper := exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sleeper.Wait() }()
	defer func() { _ = sleeper.Process.Kill() }()
	write(t, filepath.Join(run, "gateway.lock"), fmt.Sprintln(sleeper.Process.Pid))
	for _, name := range []string{"gateway.log", "audit.log"} {
		file, err := os.OpenFile(filepath.Join(p.home, ".openclaw", "logs", name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(`{"timestamp":"2026-01-01T0`); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	if status := p.openclaw("gateway", "status"); status.code != 1 {
		t.Errorf("status says %d: %s", status.code, status.out)
	}
	p.gateway()
	if verified := p.openclaw("audit", "verify"); verified.code != 0 {
		t.Errorf("the audit log: %s%s", verified.out, verified.errors)
	}
	if logged := p.openclaw("logs"); logged.code != 0 {
		t.Errorf("the log: %s", logged.errors)
	}
}

// Who is killed or interrupted while a gateway starts for them leaves no file.
func TestKilledWhileAGatewayStarts(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	state := filepath.Join(p.home, ".openclaw")
	for _, name := range []string{"run", "logs"} {
		if err := os.MkdirAll(filepath.Join(state, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := gateway.TakeLock(filepath.Join(state, "run", "gateway.lock")) // the one that is started ends, and who started it goes on to wait
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	for _, end := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		c := p.spawn(nil, nil, "agent", "run", "coder", "--", "true")
		p.eventually("the words of the gateway that ended", func() bool {
			for _, name := range openFiles(t, c.pid()) {
				if info, err := os.Stat(name); err == nil && info.Size() > 0 {
					return true
				}
			}
			return false
		})
		if err := c.cmd.Process.Signal(end); err != nil {
			t.Fatal(err)
		}
		<-c.ended
		entries, err := os.ReadDir(filepath.Join(state, "logs"))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), "gateway.stderr") {
				t.Errorf("%v left %s", end, entry.Name())
			}
		}
	}
}

// openFiles are the paths below /proc to what a process has open in a folder of logs,
// also where that has no name.
func openFiles(t *testing.T, pid int) (found []string) {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if to, err := os.Readlink(name); err == nil && strings.Contains(to, "/.openclaw/logs/") {
			found = append(found, name)
		}
	}
	return found
}
