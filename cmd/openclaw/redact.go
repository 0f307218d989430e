package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"openclaw/keychain/redact"
)

func redactCommand(t *terminal) *cobra.Command {
	var known string
	var unbuffered bool
	cmd := &cobra.Command{
		Use: "redact", Short: "Filter standard input as the log would be", Args: exactly(0),
		Long: "Copy standard input to standard output with every secret replaced, by the built-in rules, the config's\n" +
			"logging.redact_patterns and, with --known, the exact values in a file, one a line.",
		Example: "  journalctl | openclaw redact --known ./values.txt",
		RunE: func(*cobra.Command, []string) error {
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			logging := snapshot.Config.Logging
			masker, err := redact.New(redact.Options{Patterns: logging.RedactPatterns, Replacement: logging.RedactReplacement})
			if err != nil {
				return err
			}
			if known != "" {
				if err := addKnown(masker, known); err != nil {
					return err
				}
			}
			var out io.WriteCloser = masker.Writer(t.out)
			if unbuffered {
				out = masker.Eager(t.out)
			}
			_, err = io.Copy(out, t.in)
			return errors.Join(err, out.Close())
		},
	}
	cmd.Flags().StringVar(&known, "known", "", "a file of exact values to replace, one a line")
	cmd.Flags().BoolVar(&unbuffered, "unbuffered", false, "pass on words as they come and do not wait for whole lines")
	return cmd
}

func addKnown(masker *redact.Masker, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read known values: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 && !masker.Add(fmt.Sprintf("%s:%d", path, number), line) {
			return fmt.Errorf("%s:%d: too short or too common to replace safely", path, number)
		}
	}
	return lines.Err()
}
