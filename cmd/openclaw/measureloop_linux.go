package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// measureLoopCommand is what a contestant runs to measure what goes on inside
// of it. It prints one number.
func measureLoopCommand(t *terminal) *cobra.Command {
	cmd := group("loop", "What runs inside a contestant of 'measure cage'",
		&cobra.Command{
			Use: "open PATH COUNT", Short: "Print microseconds for each open and close of a file", Args: exactly(2),
			RunE: func(_ *cobra.Command, args []string) error {
				return t.loop(args[1], func(count int) (float64, error) { return timeOpens(args[0], count, nil) })
			},
		},
		&cobra.Command{
			Use: "write FOLDER COUNT", Short: "Print microseconds for each file that is made, marked, moved and removed", Args: exactly(2),
			RunE: func(_ *cobra.Command, args []string) error {
				return t.loop(args[1], func(count int) (float64, error) { return timeWrites(args[0], count) })
			},
		},
		&cobra.Command{
			Use: "refused PATH COUNT", Short: "Print microseconds for each open that is refused with EACCES", Args: exactly(2),
			RunE: func(_ *cobra.Command, args []string) error {
				return t.loop(args[1], func(count int) (float64, error) { return timeOpens(args[0], count, unix.EACCES) })
			},
		},
		&cobra.Command{
			Use: "run COUNT PROGRAM [ARGUMENT…]", Short: "Print milliseconds for each run of a program", Args: cobra.MinimumNArgs(2),
			DisableFlagParsing: true,
			RunE: func(cmd *cobra.Command, args []string) error {
				return t.loop(args[0], func(count int) (float64, error) { return timeRuns(cmd.Context(), args[1:], count) })
			},
		},
		&cobra.Command{
			Use: "download ADDRESS BYTES", Short: "Print megabytes a second of a download", Args: exactly(2),
			RunE: func(cmd *cobra.Command, args []string) error {
				return t.loop(args[1], func(count int) (float64, error) { return timeDownload(cmd.Context(), args[0], count) })
			},
		},
	)
	cmd.Hidden = true
	return cmd
}

func (t *terminal) loop(count string, measured func(count int) (float64, error)) error {
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 {
		return usage("write how often, in digits", "not a count: %q", count)
	}
	number, err := measured(n)
	if err != nil {
		return err
	}
	t.print("%.3f", number)
	return nil
}

// timeOpens opens a file for reading, in rounds; the median round counts, so
// that a moment in which something else ran does not.
func timeOpens(name string, count int, want error) (float64, error) {
	const rounds = 11
	var all []float64
	for range rounds {
		begin := time.Now()
		for range count {
			fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if !errors.Is(err, want) {
				return 0, fmt.Errorf("open %s: %w, expected: %w", name, orNone(err), orNone(want))
			}
			if err == nil {
				_ = unix.Close(fd)
			}
		}
		all = append(all, float64(time.Since(begin).Nanoseconds())/1000/float64(count))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// timeWrites does with new files what unpacking and building do; the median round
// counts, as of opens.
func timeWrites(folder string, count int) (float64, error) {
	const rounds = 5
	var all []float64
	for range rounds {
		begin := time.Now()
		for i := range count {
			name := filepath.Join(folder, fmt.Sprintf("new-%d", i))
			fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
			if err != nil {
				return 0, fmt.Errorf("make %s: %w", name, err)
			}
			_ = unix.Close(fd)
			if err := errors.Join(unix.Chmod(name, 0o700), unix.Rename(name, name+"."), unix.Unlink(name+".")); err != nil {
				return 0, fmt.Errorf("change %s: %w", name, err)
			}
		}
		all = append(all, float64(time.Since(begin).Nanoseconds())/1000/float64(count))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

func orNone(err error) error {
	if err == nil {
		return errors.New("it worked")
	}
	return err
}

// timeRuns runs a program again and again, as an agent does in its cage.
func timeRuns(ctx context.Context, words []string, count int) (float64, error) {
	var all []float64
	for range count {
		begin := time.Now()
		if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%s: %w: %s", words[0], err, out)
		}
		all = append(all, ms(time.Since(begin)))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

func timeDownload(ctx context.Context, address string, size int) (float64, error) {
	begin := time.Now()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "%d\n", size); err != nil {
		return 0, err
	}
	buffer, got := make([]byte, 256<<10), 0
	for {
		n, err := conn.Read(buffer)
		got += n
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	if got != size {
		return 0, fmt.Errorf("download: %d bytes instead of %d", got, size)
	}
	return float64(got) / 1e6 / time.Since(begin).Seconds(), nil
}

// download answers each connection with as many bytes as it asks for.
type download struct{ listener net.Listener }

func newDownload() (*download, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it lives as long as the measurement
	if err != nil {
		return nil, err
	}
	d := &download{listener}
	go d.serve()
	return d, nil
}

func (d *download) address() string { return d.listener.Addr().String() }

func (d *download) serve() {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			var size int
			if _, err := fmt.Fscanf(conn, "%d\n", &size); err != nil {
				return
			}
			block := make([]byte, 256<<10)
			for size > 0 {
				n, err := conn.Write(block[:min(len(block), size)])
				if err != nil {
					return
				}
				size -= n
			}
		}()
	}
}
