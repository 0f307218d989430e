package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"openclaw/configs"
	"openclaw/gateway/client"
)

// launchTimeout bounds the wait for a gateway that was started here. Ready
// takes well under a second; a locked keyring that asks takes three.
const launchTimeout = 15 * time.Second

// What a client of the gateway calls itself, which lists, answers and the audit log name.
const (
	asCommand = "cli"
	asScreen  = "openclaw-tui"
)

// dial connects a command to this state folder's gateway.
func dial(ctx context.Context, layout configs.Layout) (*client.Client, error) {
	return dialAs(ctx, layout, asCommand)
}

// dialAs connects to this state folder's gateway over its unix socket. That none
// runs is errNoGateway.
func dialAs(ctx context.Context, layout configs.Layout, name string) (*client.Client, error) {
	c, err := client.Dial(ctx, client.Options{Socket: layout.Socket(), Name: name, Version: version})
	var unreachable *client.Error
	if errors.As(err, &unreachable) && unreachable.Kind == client.KindUnreachable {
		return nil, &failure{err: errNoGateway, hint: "start it with 'openclaw tui' or 'openclaw gateway'"}
	}
	return c, err
}

// ask makes one call to the gateway that runs; it starts none.
func (t *terminal) ask(ctx context.Context, method string, params, result any) error {
	c, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Call(ctx, method, params, result)
}

var errNoGateway = errors.New("no gateway runs")

// dialOrLaunchHere connects, and starts a gateway of its own process first where
// none runs. The gateway outlives this program.
func (t *terminal) dialOrLaunchHere(ctx context.Context, layout configs.Layout, name string) (*client.Client, error) {
	c, err := dialAs(ctx, layout, name)
	if err == nil || !errors.Is(err, errNoGateway) {
		return c, err
	}
	return t.launch(ctx, layout, name)
}

// launch starts `openclaw gateway` in a session of its own and waits until it
// answers. When it ends instead, its own words are the error.
func (t *terminal) launch(ctx context.Context, layout configs.Layout, name string) (*client.Client, error) {
	if err := layout.Make(); err != nil {
		return nil, &failure{err: fmt.Errorf("make the state folder: %w", err), hint: "check the owner, the mode and the space of " + layout.Root}
	}
	// A file of its own: of many that start a gateway at once each hears why its
	// own ended. The one that runs keeps the file, for what it says at its death.
	output, err := newWords("the gateway", filepath.Join(layout.Logs(), "gateway.stderr"))
	if err != nil {
		return nil, fmt.Errorf("open the gateway's output: %w", err)
	}
	defer output.close()
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program itself: %w", err)
	}
	cmd := exec.Command(self, "gateway") //nolint:noctx // it outlives this program on purpose
	words, err := t.configWords(layout)
	if err != nil {
		return nil, err
	}
	if words != nil {
		cmd.Args = append(cmd.Args, "--passphrase-fd", "0")
		cmd.Stdin = words
		defer words.Close()
	}
	cmd.Stderr, cmd.Stdout = output.file, output.file
	cmd.Dir, cmd.Env = layout.Root, withoutManager(os.Environ())
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the gateway: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its words are in the file
		close(ended)
	}()

	deadline := time.NewTimer(launchTimeout)
	defer deadline.Stop()
	for wait := 2 * time.Millisecond; ; wait = min(wait*2, 50*time.Millisecond) {
		c, err := dialAs(ctx, layout, name)
		if err == nil {
			if pid, err := os.ReadFile(layout.Lock()); err == nil && strings.TrimSpace(string(pid)) == strconv.Itoa(cmd.Process.Pid) {
				output.keep()
			}
			return c, nil
		}
		if !errors.Is(err, errNoGateway) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			return nil, &failure{err: fmt.Errorf("the gateway did not answer within %s", launchTimeout), hint: "its log: " + layout.GatewayLog()}
		case <-ended:
			words := output.said()
			if strings.Contains(words.Error(), "already runs") { // it was quicker, and answers soon
				return dialFor(ctx, layout, name, launchTimeout)
			}
			return nil, words
		case <-time.After(wait):
		}
	}
}

// dialFor tries for a while.
func dialFor(ctx context.Context, layout configs.Layout, name string, patience time.Duration) (*client.Client, error) {
	for end := time.Now().Add(patience); ; {
		c, err := dialAs(ctx, layout, name)
		if err == nil || time.Now().After(end) {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
