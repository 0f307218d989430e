package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// canary is a literal key that must never be shown.
const canary = "sk-ant-api03-CANARYCANARYCANARY"

// configFile is where this person's config lies.
func (p *person) configFile() string { return filepath.Join(p.home, ".openclaw", "config.yaml") }

// configure writes a config whose gateway listens on a free port, before the
// first start.
func (p *person) configure(rest string) (port int) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.configFile()), 0o700); err != nil {
		p.t.Fatal(err)
	}
	port = freePort(p.t)
	write(p.t, p.configFile(), fmt.Sprintf("gateway:\n  port: %d\n%s", port, rest))
	return port
}

// child is a program that the test started and can kill.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{}

	mu     sync.Mutex // guards said
	said   bytes.Buffer
	reaped error
}

// Write takes what the program says on standard error.
func (c *child) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.Write(text)
}

func (c *child) errors() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.String()
}

// spawn starts openclaw and ends it with the test at the latest.
func (p *person) spawn(stdin io.Reader, stdout io.Writer, args ...string) *child {
	p.t.Helper()
	c := &child{t: p.t, cmd: exec.Command(p.binary, args...), ended: make(chan struct{})}
	c.cmd.Env, c.cmd.Dir, c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = p.environ, p.home, stdin, stdout, c
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		c.reaped = c.cmd.Wait()
	}()
	p.t.Cleanup(func() {
		c.kill()
		if words := c.errors(); strings.Contains(words, "DATA RACE") || strings.Contains(words, "panic:") {
			p.t.Errorf("%q: %s", args, words)
		}
	})
	return c
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// kill is kill -9, and waits until the process is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}

// wait gives the exit status of a program that ends by itself.
func (c *child) wait() int {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.t.Fatalf("%q does not end: %s", c.cmd.Args, c.errors())
	}
	var exit *exec.ExitError
	if c.reaped != nil && !errors.As(c.reaped, &exit) {
		c.t.Fatal(c.reaped)
	}
	return c.cmd.ProcessState.ExitCode()
}

// gateway starts a gateway as a service manager does, and waits until it is
// ready.
func (p *person) gateway() *child {
	p.t.Helper()
	c := p.spawn(nil, nil, "gateway")
	p.eventually("the gateway's readiness", func() bool {
		select {
		case <-c.ended:
			p.t.Fatalf("the gateway ended: %s", c.errors())
		default:
		}
		conn, err := p.dial()
		if err != nil {
			return false
		}
		defer conn.Close()
		return p.gatewayPID() == c.pid()
	})
	return c
}

// dial connects to the person's gateway as the command line does.
func (p *person) dial() (*client.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return client.Dial(ctx, client.Options{Socket: filepath.Join(p.home, ".openclaw", "run", "gateway.sock"), Name: "cli", Version: "test"})
}

// ask calls one method of the person's gateway.
func (p *person) ask(method string, params, result any) {
	p.t.Helper()
	conn, err := p.dial()
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Call(p.t.Context(), method, params, result); err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
}

func (p *person) overview() (o event.Overview) {
	p.t.Helper()
	p.ask(wire.MethodOverview, nil, &o)
	return o
}

// runs are the runs of an agent that the gateway knows, ended ones too.
func (p *person) runs(agent string) []event.Run {
	p.t.Helper()
	var list wire.AgentsResult
	p.ask(wire.MethodAgents, nil, &list)
	for _, one := range list.Agents {
		if one.Name == agent {
			return one.Runs
		}
	}
	return nil
}

// says checks that words tell what happened and what to do, on the lines that
// the command line has for it, and show no key.
func says(t *testing.T, words string, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(words, text) {
			t.Errorf("it does not say %q:\n%s", text, words)
		}
	}
	if strings.Contains(words, "CANARY") {
		t.Errorf("it shows a key:\n%s", words)
	}
	if strings.Contains(words, "goroutine ") || strings.Contains(words, "panic:") {
		t.Errorf("it is a crash:\n%s", words)
	}
}

// refusedStart checks that a command ended with a code and an error that is
// whole.
func refusedStart(t *testing.T, got result, code int, want ...string) {
	t.Helper()
	if got.code != code {
		t.Errorf("it ended with %d, not %d: %s%s", got.code, code, got.out, got.errors)
	}
	if !strings.HasPrefix(got.errors, "openclaw: ") && !strings.Contains(got.errors, "\nopenclaw: ") {
		t.Errorf("no error of openclaw: %q", got.errors)
	}
	says(t, got.errors+got.out, want...)
}

// noKeyInLogs reads what the gateway wrote about what it was given.
func (p *person) noKeyInLogs(secrets ...string) {
	p.t.Helper()
	for _, name := range []string{"gateway.log", "audit.log"} {
		text, err := os.ReadFile(filepath.Join(p.home, ".openclaw", "logs", name))
		if err != nil {
			p.t.Error(err)
		}
		for _, secret := range append(secrets, "CANARY") {
			if bytes.Contains(text, []byte(secret)) {
				p.t.Errorf("%s holds %s", name, secret)
			}
		}
	}
	if verified := p.openclaw("audit", "verify"); verified.code != 0 {
		p.t.Errorf("the audit log is not whole: %s%s", verified.out, verified.errors)
	}
}

// post sends a model call to the gateway, as any local program can.
func (p *person) post(port int, path, token string, change func(*http.Request)) (status int, body string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), strings.NewReader(`{"model":"m","max_tokens":1,"messages":[]}`))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if change != nil {
		change(request)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil { // the caller judges what came
		text = append(text, err.Error()...)
	}
	return response.StatusCode, string(text)
}
