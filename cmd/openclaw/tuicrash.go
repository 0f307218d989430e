package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"openclaw/configs"
	"openclaw/tui"
	"openclaw/tui/view"
)

// screenCrash is the file of where a screen failed last, beside the logs.
func screenCrash(layout configs.Layout) string {
	return filepath.Join(layout.Logs(), "screen.stderr")
}

// keepCrash writes where the screen failed, for whoever mends it: the stack is no text for
// the terminal that the screen has just given back. Any other error it leaves alone.
func (t *terminal) keepCrash(layout configs.Layout, err error) error {
	crash, is := errors.AsType[*tui.Panic](err)
	if !is {
		return err
	}
	err = errors.New(view.Printable(crash.Error(), view.MaxText)) // a panic's own words may hold anything
	path := screenCrash(layout)
	text := fmt.Sprintf("%s openclaw %s: %s\n\n%s", time.Now().UTC().Format(time.RFC3339), version, err, crash.Stack)
	_ = os.MkdirAll(layout.Logs(), 0o700) // writing says it
	if failed := os.WriteFile(path, []byte(t.masked(text)), 0o600); failed != nil {
		return errors.Join(err, fmt.Errorf("keep where it failed: %w", failed))
	}
	return &failure{err: err, hint: "it is a defect of openclaw: where it failed stands in " + path + ", and openclaw doctor --bundle takes that along"}
}
