package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// proberName is the name under which this program is only ProbeApart's process.
const proberName = "openclaw-probe"

// ProbeApart is Probe in a process of its own, for a program that hides its memory:
// the kernel does not let such a process map the users of a namespace.
func ProbeApart(ctx context.Context) (Capabilities, error) {
	c := exec.CommandContext(ctx, "/proc/self/exe")
	c.Args = []string{proberName}
	c.Env = stageEnvironment()
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := c.Output()
	if err != nil {
		return Capabilities{}, &Error{Op: "probe the machine", Err: err}
	}
	var found Capabilities
	if err := json.Unmarshal(out, &found); err != nil {
		return Capabilities{}, &Error{Op: "probe the machine", Err: fmt.Errorf("read its answer: %w", err)}
	}
	return found, nil
}

// prober is the inside of ProbeApart.
func prober() int {
	if err := json.NewEncoder(os.Stdout).Encode(Probe(context.Background())); err != nil {
		return 1
	}
	return 0
}
