package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/creack/pty"
	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/keychain"
)

// measureCommand is hidden: it is for us, and for who doubts our numbers. It
// measures this very binary in a state folder of its own.
func measureCommand(t *terminal) *cobra.Command {
	var runs int
	cmd := &cobra.Command{
		Use: "measure", Short: "Measure start-up and memory of this binary", Hidden: true, Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := newMeasurement(runs, "")
			if err != nil {
				return err
			}
			defer os.RemoveAll(m.home)
			return m.all(cmd.Context(), t)
		},
	}
	cmd.Flags().IntVar(&runs, "runs", 20, "how often each start is repeated; the median is printed")
	cmd.AddCommand(measureCageCommand(t), measureLoopCommand(t), measureGatewayCommand(t), measureScreenCommand(t))
	return cmd
}

type measurement struct {
	self string
	home string
	port int
	runs int
	more []string // variables
}

// newMeasurement makes a person's home in a folder; empty: the system's own for
// temporary files.
func newMeasurement(runs int, folder string) (*measurement, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp(folder, "openclaw-measure-")
	if err != nil {
		return nil, err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a look at a free port
	if err != nil {
		return nil, err
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	m := &measurement{self: self, home: home, port: port, runs: max(runs, 1)}
	if err := m.configure(""); err != nil {
		os.RemoveAll(home)
		return nil, err
	}
	return m, nil
}

// configure writes the configuration: the gateway's port, and more.
func (m *measurement) configure(more string) error {
	layout := configs.Layout{Root: filepath.Join(m.home, ".openclaw")}
	if err := layout.Make(); err != nil {
		return err
	}
	return os.WriteFile(layout.Config(), fmt.Appendf(nil, "gateway:\n  port: %d\n%s", m.port, more), 0o600)
}

func (m *measurement) all(ctx context.Context, t *terminal) error {
	if err := m.time(ctx, t, "openclaw version", 30*time.Millisecond, m.version); err != nil {
		return err
	}
	if err := m.time(ctx, t, "gateway ready", 150*time.Millisecond, m.gatewayReady); err != nil {
		return err
	}
	if err := m.time(ctx, t, "screen drawn, gateway launched by it", 300*time.Millisecond, m.screenAndGateway); err != nil {
		return err
	}
	gateway, err := m.gateway(ctx)
	if err != nil {
		return err
	}
	defer m.stop(gateway)
	time.Sleep(settle)
	resident, err := residentMB(gateway.Process.Pid)
	if err != nil {
		return err
	}
	t.print("%-40s %8.1f MB   (goal < 40 MB)", "gateway idle, resident", resident)
	return m.time(ctx, t, "screen drawn, gateway running", 300*time.Millisecond, m.screen)
}

// settle lets a gateway finish what it does after its start.
const settle = 3 * time.Second

// time prints the median of a start, beside its goal.
func (m *measurement) time(ctx context.Context, t *terminal, name string, goal time.Duration, start func(context.Context) (time.Duration, error)) error {
	median, least, err := m.median(ctx, start)
	if err != nil {
		return fmt.Errorf("measure %s: %w", name, err)
	}
	t.print("%-40s %8.1f ms   least %.1f   (goal < %d ms, %d runs)", name, ms(median), ms(least), goal.Milliseconds(), m.runs)
	return nil
}

func (m *measurement) median(ctx context.Context, start func(context.Context) (time.Duration, error)) (median, least time.Duration, err error) {
	var all []time.Duration
	for range m.runs {
		d, err := start(ctx)
		if err != nil {
			return 0, 0, err
		}
		all = append(all, d)
	}
	slices.Sort(all)
	return all[len(all)/2], all[0], nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// environ is a fresh person's: no keychain, no colours, a home of its own. What is
// measured may be looked into, to count its memory and descriptors.
func (m *measurement) environ() []string {
	return append([]string{
		"HOME=" + m.home, "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8", keychain.TraceableVariable + "=1",
	}, m.more...)
}

func (m *measurement) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, m.self, args...)
	cmd.Env = m.environ()
	return cmd
}

func (m *measurement) version(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	err := m.command(ctx, "version").Run()
	return time.Since(begin), err
}

// gateway starts one and waits until /health answers.
func (m *measurement) gateway(ctx context.Context) (*exec.Cmd, error) {
	cmd := m.command(ctx, "gateway")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(launchTimeout); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if m.healthy(ctx) {
			return cmd, nil
		}
	}
	m.stop(cmd)
	return nil, errors.New("the gateway never answered")
}

func (m *measurement) healthy(ctx context.Context) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port)))
	if err != nil {
		return false
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n", m.port)
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	return err == nil && bytes.Contains(answer[:n], []byte("200 OK"))
}

func (m *measurement) stop(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
}

func (m *measurement) stopRunning(ctx context.Context) {
	_ = m.command(ctx, "gateway", "stop").Run()
}

func (m *measurement) gatewayReady(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	cmd, err := m.gateway(ctx)
	if err != nil {
		return 0, err
	}
	took := time.Since(begin)
	m.stop(cmd)
	return took, nil
}

// screen starts the screen on a terminal and waits for its first whole frame.
func (m *measurement) screen(ctx context.Context) (time.Duration, error) {
	cmd := m.command(ctx, "tui")
	begin := time.Now()
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 36, Cols: 120})
	if err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = terminal.Close()
		_ = cmd.Wait()
	}()
	_ = terminal.SetReadDeadline(time.Now().Add(launchTimeout))
	var seen []byte
	buffer := make([]byte, 32<<10)
	for {
		n, err := terminal.Read(buffer)
		seen = append(seen, buffer[:n]...)
		if bytes.Contains(seen, []byte("running")) {
			return time.Since(begin), nil
		}
		if err != nil {
			return 0, fmt.Errorf("the screen never showed a running gateway: %w: %q", err, last(seen, 400))
		}
	}
}

func (m *measurement) screenAndGateway(ctx context.Context) (time.Duration, error) {
	took, err := m.screen(ctx)
	m.stopRunning(ctx)
	return took, err
}

// residentMB reads a process's resident memory.
func residentMB(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("read resident memory: not in /proc")
}

func last(text []byte, n int) []byte { return text[max(0, len(text)-n):] }
