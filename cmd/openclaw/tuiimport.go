package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"openclaw/tui"
	"openclaw/tui/view"
)

// importPatience bounds one search, or one move, of keys for the screen.
const importPatience = 2 * time.Minute

// importer has this program's own command look for keys that stand in clear and move
// them, in a process of its own: their values are never in the screen's. The project is the
// folder that the screen was opened in; empty: none.
func (t *terminal) importer(project string) *tui.Importer {
	command := func(ctx context.Context, args ...string) (out []byte, err error) {
		program, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find openclaw: %w", err)
		}
		line := []string{"secrets", "import"}
		if project != "" {
			folder, err := os.Getwd()
			if err != nil {
				return nil, fmt.Errorf("find this folder: %w", err)
			}
			line = append(line, "--project", folder)
		}
		// One that moves a key is not stopped in the middle by a screen that is left.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), importPatience)
		defer cancel()
		var said bytes.Buffer
		cmd := exec.CommandContext(ctx, program, append(line, args...)...)
		cmd.Stderr = &said
		out, err = cmd.Output()
		if text := strings.TrimSpace(said.String()); err != nil && text != "" {
			err = errors.New(text)
		}
		return out, err
	}
	return &tui.Importer{
		Find: func(ctx context.Context) (found view.Literals, err error) {
			out, err := command(ctx, "--dry-run", "--json")
			if err != nil {
				return found, err
			}
			var rows literalRows
			if err := json.Unmarshal(out, &rows); err != nil {
				return found, fmt.Errorf("read what was found: %w", err)
			}
			for _, r := range rows.Literals {
				found.List = append(found.List, view.Literal{
					Place: r.Place, Key: view.Printable(r.Key, maxImportLine), Characters: r.Characters, Secret: r.Secret, ByHand: view.Printable(r.ByHand, maxImportLine),
				})
			}
			for _, note := range rows.Notes {
				found.Notes = append(found.Notes, view.Printable(note, maxImportLine))
			}
			return found, nil
		},
		Move: func(ctx context.Context, places []string) (said []string, err error) {
			out, err := command(ctx, append([]string{"--yes", "--"}, places...)...)
			for line := range strings.Lines(string(out)) {
				if line = strings.TrimSpace(line); line != "" && !strings.Contains(line, hiddenValue) { // the list is on the screen
					said = append(said, view.Printable(line, maxImportLine))
				}
			}
			return said, err
		},
	}
}

// maxImportLine bounds a line of the command on the screen, in bytes.
const maxImportLine = 600
