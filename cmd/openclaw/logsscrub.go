package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/gateway/wire"
	"openclaw/keychain/redact"
)

func logsScrubCommand(t *terminal) *cobra.Command {
	var dry, asJSON bool
	cmd := &cobra.Command{
		Use: "scrub", Short: "Take out of the log on the disk what is secret by now", Args: exactly(0),
		Long: "Put every line that is in the gateway's log already, its older pieces too, and in the kept outputs of runs (agent run\n" +
			"--detach) through the redaction of now: the built-in rules, logging.redact_patterns, and the values of all stored\n" +
			"secrets. For when a pattern is new, or a value became secret after it was logged. The audit log is never rewritten:\n" +
			"that would break its chain, so what it records is redacted before it is written.",
		Example: "  openclaw logs scrub --dry-run\n  openclaw logs scrub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				var done wire.LogsScrubbed
				if err := call(wire.MethodLogsScrub, wire.LogsScrubParams{DryRun: dry}, &done); err != nil {
					return err
				}
				if asJSON {
					return t.json(done)
				}
				word := "changed"
				if dry {
					word = "would change"
				}
				total := 0
				for _, f := range done.Files {
					total += f.Changed
					t.print("%s: %d of %d lines %s", printable(f.Path), f.Changed, f.Lines, word)
				}
				for _, name := range done.Unread {
					t.warn("the secret %s could not be read, so its value was not looked for", printable(name))
				}
				if total > 0 {
					t.print("copies elsewhere (backups, a journal, a log server) still hold them: rotate those secrets at their providers")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "count only, change nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// scrubLogs redacts the log on the disk with all that can be known: what this
// gateway has seen, and for the time of the scrub the values of all secrets.
func (h *house) scrubLogs(ctx context.Context, dry bool) (wire.LogsScrubbed, error) {
	mask, unread, err := h.everything(ctx)
	if err != nil {
		return wire.LogsScrubbed{}, err
	}
	out := wire.LogsScrubbed{Files: []wire.ScrubbedFile{}, Unread: unread}
	done, err := h.log.Scrub(mask, dry)
	for _, one := range done {
		out.Files = append(out.Files, wire.ScrubbedFile(one))
	}
	if err != nil {
		return out, err
	}
	written := []string{filepath.Join(h.layout.Logs(), "gateway.stderr"), screenCrash(h.layout)}
	outputs := filepath.Dir(h.layout.Output("any")) // older pieces stand beside them
	entries, err := os.ReadDir(outputs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("scrub the outputs of runs: %w", err)
	}
	for _, entry := range entries {
		written = append(written, filepath.Join(outputs, entry.Name()))
	}
	for _, name := range written {
		said, err := scrubInPlace(name, mask, dry)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return out, err
		}
		if err == nil {
			out.Files = append(out.Files, said)
		}
	}
	return out, nil
}

// mostSaid bounds what a gateway says at its death, and a piece of a run's output,
// in bytes.
const mostSaid = 16 << 20

// scrubInPlace redacts a file that a process may still write to, such as a run's
// output or a gateway's last words: it cannot be replaced. What is added to it in
// the moment between may be lost.
func scrubInPlace(path string, mask func([]byte) []byte, dry bool) (wire.ScrubbedFile, error) {
	out := wire.ScrubbedFile{Path: path}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return out, errors.Join(err, fs.ErrNotExist)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return out, fmt.Errorf("scrub log: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostSaid))
	if err != nil {
		return out, fmt.Errorf("scrub log: %w", err)
	}
	masked := mask(text)
	out.Lines, out.Changed = countLines(text), changedLines(text, masked)
	if dry || out.Changed == 0 {
		return out, nil
	}
	if _, err := file.WriteAt(masked, 0); err != nil {
		return out, fmt.Errorf("scrub log: %w", err)
	}
	return out, errors.Join(file.Truncate(int64(len(masked))), file.Sync())
}

// tellSlow warns of patterns for which every line waits.
func (h *house) tellSlow() {
	for _, slow := range h.masker.Slow() {
		h.log.Logger().Warn("a pattern of logging.redact_patterns is slow", slog.String("pattern", slow.Pattern),
			slog.String("speed", fmt.Sprintf("%.1f MB/s", slow.Speed)), slog.String("hint", slow.Hint))
	}
}

// slowPatterns are warnings of a config's patterns, each measured here.
func slowPatterns(snapshot *configs.Snapshot) []configs.Problem {
	masker, err := redact.New(redact.Options{Patterns: snapshot.Config.Logging.RedactPatterns})
	if err != nil {
		return nil // the config's own check has said it
	}
	var out []configs.Problem
	for _, slow := range masker.Slow() {
		key := "logging.redact_patterns"
		for i, pattern := range snapshot.Config.Logging.RedactPatterns {
			if pattern == slow.Pattern {
				key = fmt.Sprintf("logging.redact_patterns[%d]", i)
			}
		}
		line, column := snapshot.Where(key)
		out = append(out, configs.Problem{
			File: snapshot.Path, Line: line, Column: column, Key: key, Warning: true,
			Message: fmt.Sprintf("every log line waits for this pattern: %.1f MB/s on this machine", slow.Speed), Hint: slow.Hint,
		})
	}
	return out
}

func countLines(text []byte) int {
	n := 0
	for range bytes.Lines(text) {
		n++
	}
	return n
}

// changedLines is how many lines of text are others in masked; a secret of
// several lines counts as one.
func changedLines(text, masked []byte) int {
	kept := map[string]int{}
	for line := range bytes.Lines(masked) {
		kept[string(line)]++
	}
	n := 0
	for line := range bytes.Lines(text) {
		if kept[string(line)] == 0 {
			n++
			continue
		}
		kept[string(line)]--
	}
	return n
}
