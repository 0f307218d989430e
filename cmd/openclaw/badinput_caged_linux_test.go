package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const providerKey = "sk-ant-api03-KEY-OF-THE-PROVIDER-0123456789"

// upstream is a provider that misbehaves as the query of a call asks.
type upstream struct {
	*httptest.Server
	calls   atomic.Int64 // that came
	open    atomic.Int64 // that have not ended
	written atomic.Int64 // bytes of endless answers
	keyless atomic.Int64 // calls without the key of the config
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(u)
	t.Cleanup(func() {
		u.CloseClientConnections()
		u.Close()
	})
	return u
}

// providers is the config that leads to it.
func (u *upstream) providers() string {
	return fmt.Sprintf("providers:\n  anthropic:\n    base_url: %s\n    api_key: ${KEY_OF_THE_PROVIDER}\n", u.URL)
}

const (
	goodAnswer  = `{"id":"msg_1","type":"message","role":"assistant","content":[]}`
	ownFailure  = `{"type":"error","error":{"type":"api_error","message":"of the provider itself"},"request_id":"req_7"}`
	streamEvent = "event: ping\ndata: {\"type\":\"ping\"}\n\n"
)

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.calls.Add(1)
	u.open.Add(1)
	defer u.open.Add(-1)
	if r.Header.Get("X-Api-Key") != providerKey {
		u.keyless.Add(1)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	flush := func() { _ = http.NewResponseController(w).Flush() }
	switch r.URL.Query().Get("does") {
	case "hang":
		<-r.Context().Done()
	case "hang later":
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, streamEvent)
		flush()
		<-r.Context().Done()
	case "reset":
		u.reset(w, "")
	case "reset later":
		u.reset(w, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"+fmt.Sprintf("%x\r\n%s\r\n", len(streamEvent), streamEvent))
	case "close":
		u.reset(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"type\":\"mess")
	case "garbage":
		u.reset(w, "220 mail.example ESMTP\r\n")
	case "500":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Request-Id", "req_7")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, ownFailure)
	case "endless":
		w.Header().Set("Content-Type", "text/event-stream")
		events := strings.Repeat(streamEvent, 100)
		for r.Context().Err() == nil {
			n, err := io.WriteString(w, events)
			u.written.Add(int64(n))
			if err != nil {
				return
			}
			flush()
		}
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, goodAnswer)
	}
}

// reset answers with raw bytes and then cuts the connection: with a RST where
// there are none.
func (u *upstream) reset(w http.ResponseWriter, raw string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	if raw != "" {
		_, _ = io.WriteString(conn, raw)
		return
	}
	if tcp, is := conn.(interface{ SetLinger(int) error }); is {
		_ = tcp.SetLinger(0)
	}
}

// modelCall is the shell's words for one model call from a cage; does is what
// the provider then does.
func modelCall(does string, flags string) string {
	return fmt.Sprintf(`curl -sSN -m 10 %s "$ANTHROPIC_BASE_URL/v1/messages?does=%s" -H "authorization: Bearer $ANTHROPIC_AUTH_TOKEN" `+
		`-H 'anthropic-version: 2023-06-01' -H 'content-type: application/json' -d '{"model":"m","max_tokens":1,"messages":[]}' </dev/null`, flags, strings.ReplaceAll(does, " ", "+"))
}

// caged is a shell in a cage that does what it is told, line by line.
type caged struct {
	*child
	stdin io.WriteCloser
	lines chan string
	mark  string // an argument that every process of this cage can carry
}

// cage starts a shell in an agent's cage.
func (p *person) cage(agent string) *caged {
	p.t.Helper()
	stdin, in, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	mark := "openclaw-mark-" + filepath.Base(p.home) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	c := &caged{child: p.spawn(stdin, stdout, "agent", "run", agent, "--", "sh", "-s", mark), stdin: in, lines: make(chan string, 1024), mark: mark}
	stdin.Close()
	stdout.Close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(c.lines)
		defer out.Close()
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			c.lines <- scanner.Text()
		}
	}()
	p.t.Cleanup(func() {
		in.Close()
		c.kill()
		for range c.lines {
		}
		<-read
	})
	c.do("true")
	return c
}

// do runs shell words in the cage and gives what they print, standard error
// too.
func (c *caged) do(script string) string {
	c.t.Helper()
	const end = "-- that was it --"
	if _, err := fmt.Fprintf(c.stdin, "{ %s\n} 2>&1\necho; echo '%s'\n", script, end); err != nil {
		c.t.Fatalf("tell the cage %q: %v; it said %s", script, err, c.errors())
	}
	var said []string
	late := time.After(patience)
	for {
		select {
		case line, more := <-c.lines:
			switch {
			case !more:
				c.t.Fatalf("the cage ended at %q: %q; %s", script, said, c.errors())
			case line == end:
				return strings.TrimSpace(strings.Join(said, "\n"))
			default:
				said = append(said, line)
			}
		case <-late:
			c.t.Fatalf("the cage does not answer %q: %q; %s", script, said, c.errors())
		}
	}
}

// leave ends the shell and gives the status of the run.
func (c *caged) leave(status int) int {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.stdin, "exit %d\n", status); err != nil {
		c.t.Fatal(err)
	}
	c.stdin.Close()
	return c.wait()
}

// process is one process of the machine, told from a later one with its number.
type process struct {
	pid   int
	start string
	line  string
}

// processes are all of them, with their parents.
func processes(t *testing.T) (all map[int]process, parent map[int]int) {
	t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	all, parent = map[int]process{}, map[int]int{}
	for _, name := range entries {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it ended meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, found := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), ") ")
		fields := strings.Fields(rest)
		if !found || len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
			continue // a dead one that waits to be noticed
		}
		line, err := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			continue
		}
		all[pid] = process{pid, fields[19], strings.ReplaceAll(string(line), "\x00", " ")}
		if parent[pid], err = strconv.Atoi(fields[1]); err != nil {
			t.Fatal(err)
		}
	}
	return all, parent
}

// inside are the processes of the cage: all that descend from its supervisor,
// however they detached themselves.
func (c *caged) inside() []process {
	c.t.Helper()
	all, parent := processes(c.t)
	var found []process
	for pid := range all {
		for up := parent[pid]; up > 1; up = parent[up] {
			if up == c.pid() {
				found = append(found, all[pid])
				break
			}
		}
	}
	return found
}

// survivors are those of the processes that still run, and all others that
// carry the cage's mark.
func (c *caged) survivors(before []process) []process {
	c.t.Helper()
	all, _ := processes(c.t)
	var found []process
	for _, one := range before {
		if now, there := all[one.pid]; there && now.start == one.start {
			found = append(found, now)
		}
	}
	for _, one := range all {
		if strings.Contains(one.line, c.mark) && one.pid != os.Getpid() {
			found = append(found, one)
		}
	}
	return found
}

// mounts are the mounts of this machine below the person's home.
func (p *person) mounts() string {
	p.t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		p.t.Fatal(err)
	}
	var found []string
	for line := range strings.SplitSeq(string(table), "\n") {
		if strings.Contains(line, p.home) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "\n")
}
