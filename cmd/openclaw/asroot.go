package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// agree asks a person; whatever is not a yes is a no.
func (t *terminal) agree(question string) error {
	info, err := t.in.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &failure{err: errors.New("nobody is there to ask"), hint: "repeat it with --yes", code: exitRefused}
	}
	fmt.Fprintf(t.out, "%s [y/N] ", question)
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") && !strings.EqualFold(strings.TrimSpace(answer), "yes") {
		return &failure{err: errors.New("nothing was changed"), code: exitRefused}
	}
	return nil
}

// runAsRoot runs this program once more under sudo, on the same terminal.
func (t *terminal) runAsRoot(ctx context.Context, command []string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Stdin, c.Stdout, c.Stderr = t.in, t.out, t.err
	if err := c.Run(); err != nil {
		if status, ok := errors.AsType[*exec.ExitError](err); ok {
			return &failure{err: fmt.Errorf("%s ended with status %d", command[0], status.ExitCode()), hint: "nothing more was done"}
		}
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	return nil
}
