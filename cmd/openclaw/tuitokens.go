package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/tui"
	"openclaw/tui/view"
)

// tokenMaker makes clients' tokens for the screen, as 'openclaw client add' does: over the
// unix socket of this machine's own gateway.
func (t *terminal) tokenMaker(p place) *tui.TokenMaker {
	return &tui.TokenMaker{
		Scopes: []string{"read", "write", "approvals", "questions", "pairing", "talk", "talk.secrets", "admin"},
		Make: func(ctx context.Context, plan view.TokenPlan) ([]byte, error) {
			c, err := p.dial(ctx)
			if err != nil {
				return nil, err
			}
			defer c.Close()
			return t.makeToken(ctx, c, plan)
		},
	}
}

// makeToken makes a token and puts it where the plan says; one that could not be put
// there is revoked. Only one that is to be shown is returned.
func (t *terminal) makeToken(ctx context.Context, c *client.Client, plan view.TokenPlan) ([]byte, error) {
	params, err := clientParams(plan.Name, plan.Scopes, plan.For)
	if err != nil {
		return nil, err
	}
	path := ""
	if plan.Place == view.TokenFile {
		if path, err = t.newTokenFile(plan.Path); err != nil {
			return nil, err
		}
	}
	var added wire.ClientAdded
	if err := c.Call(ctx, wire.MethodClientAdd, params, &added); err != nil {
		return nil, err
	}
	token := []byte(added.Token)
	switch plan.Place {
	case view.TokenShown:
		return token, nil
	case view.TokenFile:
		line := append(token, '\n') //nolint:gocritic // wiped below
		err = writeNew(path, line)
		clear(line)
	case view.TokenStored:
		err = c.Call(ctx, wire.MethodSecretSet, wire.SecretSetParams{Name: event.TokenSecret(plan.Name), Value: token}, nil)
	}
	clear(token)
	if err == nil {
		return nil, nil
	}
	if left := c.Call(context.WithoutCancel(ctx), wire.MethodClientRevoke, wire.ClientRevokeParams{Name: plan.Name}, nil); left != nil {
		err = errors.Join(err, fmt.Errorf("revoke the token that nobody has: %w", left))
	}
	return nil, err
}

// newTokenFile is the path of a file for a token, which is not there yet.
func (t *terminal) newTokenFile(written string) (string, error) {
	path := written
	if below, is := strings.CutPrefix(written, "~/"); is {
		path = filepath.Join(t.getenv("HOME"), below)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("look for %s: %w", written, err)
	}
	no := func(hint, format string, values ...any) error {
		return &tui.Error{Op: "write the token", Err: fmt.Errorf(format, values...), Hint: hint}
	}
	switch _, err := os.Lstat(path); {
	case err == nil:
		return "", no("take another name: no file is written over", "%s is there already", path)
	case !errors.Is(err, fs.ErrNotExist):
		return "", no("", "%w", err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return "", no("make it first, or take another", "there is no folder %s", filepath.Dir(path))
	}
	return path, nil
}
