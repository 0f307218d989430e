package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// follow hands each event to show until ctx ends or the gateway goes.
func follow(ctx context.Context, c *client.Client, show func(event.Event) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case pushed, open := <-c.Events():
			if !open {
				return &failure{err: errors.New("the gateway ended"), hint: "start it with 'openclaw tui' or 'openclaw gateway'"}
			}
			if pushed.Event != wire.EventName {
				continue
			}
			var e event.Event
			if err := json.Unmarshal(pushed.Payload, &e); err != nil {
				return err
			}
			if err := show(e); err != nil {
				return err
			}
		}
	}
}

func followDenials(ctx context.Context, t *terminal, c *client.Client, agent string, asJSON bool, first []event.Denial) error {
	line := func(d event.Denial) error {
		if asJSON {
			return t.jsonLine(d)
		}
		row := denialRow(d)
		for i := range row {
			row[i] = printable(row[i])
		}
		t.print("%s", strings.Join(row, "  "))
		return nil
	}
	if asJSON {
		for _, d := range first {
			if err := line(d); err != nil {
				return err
			}
		}
	}
	return follow(ctx, c, func(e event.Event) error {
		if e.Denial == nil || (agent != "" && e.Denial.Agent != agent) {
			return nil
		}
		return line(*e.Denial)
	})
}
