package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
)

// edits changes the config as an editor does, by a new file in the old one's place,
// and waits each time until every part of the gateway lives by it: that is when
// the change is told.
func (b *gatewayBench) edits(ctx context.Context, add addResult) error {
	path := b.layout().Config()
	original, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	c, err := dial(ctx, b.layout())
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := client.NewBackend(c, nil).Events(ctx)
	if err != nil {
		return err
	}
	busy, rest := context.WithCancel(ctx)
	var writer sync.WaitGroup
	defer writer.Wait()
	defer rest()
	var took, whileBusy []float64
	for n := range 2 * b.sizes.Edits {
		name := fmt.Sprintf("edited-%d", n)
		if n == b.sizes.Edits { // from here on, another file of the folder is written all the time
			writer.Go(func() { keepBusy(busy, path+".other") })
		}
		text := fmt.Appendf(slices.Clip(original), "agents:\n  %s: {command: [\"true\"]}\n", name)
		if err := os.WriteFile(path+".new", text, 0o600); err != nil {
			return err
		}
		begin := time.Now()
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
		if err := applied(events, name); err != nil {
			return err
		}
		if n < b.sizes.Edits {
			took = append(took, ms(time.Since(begin)))
		} else {
			whileBusy = append(whileBusy, ms(time.Since(begin)))
		}
	}
	if len(took) == 0 {
		return nil
	}
	add("config edit to applied, p50", own, middle(took), "ms", "≤ 300")
	add("config edit to applied, slowest", own, slices.Max(took), "ms", "≤ 300")
	add("the same in a busy folder, p50", own, middle(whileBusy), "ms", "≤ 300")
	return os.WriteFile(path, original, 0o600)
}

// keepBusy writes a file again and again, until ctx ends.
func keepBusy(ctx context.Context, path string) {
	defer os.Remove(path)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = os.WriteFile(path, nil, 0o600) // it is there to be seen, no more
		}
	}
}

// applied waits for the event of a change that names what was added.
func applied(events <-chan []event.Event, name string) error {
	patience := time.After(launchTimeout)
	for {
		select {
		case batch, open := <-events:
			if !open {
				return errors.New("the gateway left in the middle of an edit")
			}
			for _, e := range batch {
				switch {
				case e.Config == nil || e.Kind != event.KindConfig:
				case e.Config.Rejected:
					return fmt.Errorf("the edit was rejected: %v", e.Config.Problems)
				case strings.Contains(strings.Join(e.Config.Changes, "\n"), name):
					return nil
				}
			}
		case <-patience:
			return errors.New("an edit of the config is never applied")
		}
	}
}
