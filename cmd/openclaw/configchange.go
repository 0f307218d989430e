package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// inForceTimeout bounds the wait for a gateway to read a config that was written.
const inForceTimeout = 10 * time.Second

// changeConfig edits the config of the state folder, and says what was done once
// it is in force: the next command may stand on it.
func (t *terminal) changeConfig(ctx context.Context, change func(*configs.Document, *configs.Snapshot) error, done string) error {
	options, err := t.configOptions()
	if err != nil {
		return err
	}
	if _, err := configs.OpenStore(options.Layout, options); err != nil { // writes the first config
		return err
	}
	snapshot, err := configs.Load(options.Layout.Config(), options)
	if err != nil {
		return err
	}
	var refused *failure // it knows the cure, which the edit around it does not
	_, err = configs.Edit(options.Layout.Config(), options, func(document *configs.Document) error {
		err := change(document, snapshot)
		errors.As(err, &refused)
		return err
	})
	if refused != nil {
		return refused
	}
	var unfit *configs.Error
	if errors.As(err, &unfit) && len(unfit.Problems) > 0 { // the file as it is was read above
		return &failure{err: fmt.Errorf("change the config: %w", err), hint: "nothing was written"}
	}
	if err != nil {
		return fmt.Errorf("change the config: %w", err)
	}
	t.print("%s in %s", done, printable(options.Layout.Config()))
	return t.inForce(ctx, options.Layout)
}

// inForce has the gateway that runs here, if one does, read a config that was just
// written. Its watch would, some tenths of a second later.
func (t *terminal) inForce(ctx context.Context, layout configs.Layout) error {
	ctx, cancel := context.WithTimeout(ctx, inForceTimeout)
	defer cancel()
	c, err := dial(ctx, layout)
	if errors.Is(err, errNoGateway) {
		return nil
	}
	if err != nil {
		t.warn("the gateway that runs has not said that it read this: %v", err)
		return nil
	}
	defer c.Close()
	status, err := readAgain(ctx, c)
	if err != nil {
		t.warn("the gateway that runs has not said that it read this: %v", err)
		return nil
	}
	if status.Rejected {
		return t.rejected(status)
	}
	return nil
}

// readAgain has a gateway read its config.
func readAgain(ctx context.Context, c *client.Client) (event.ConfigStatus, error) {
	var status event.ConfigStatus
	err := c.Call(ctx, wire.MethodConfigReload, nil, &status)
	return status, err
}

// rejected says why a gateway keeps the config that it had.
func (t *terminal) rejected(status event.ConfigStatus) error {
	t.printProblems(status)
	return &failure{err: fmt.Errorf("the config is rejected; #%d stays active", status.Version), hint: "mend the lines above"}
}

func (t *terminal) printProblems(status event.ConfigStatus) {
	for _, p := range status.Problems {
		problem := configs.Problem{File: p.File, Line: p.Line, Column: p.Column, Key: p.Key, Message: p.Message, Warning: p.Warning}
		t.print("%s", printable(t.masked(problem.String())))
	}
}
