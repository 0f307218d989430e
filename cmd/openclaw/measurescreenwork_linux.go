package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"openclaw/tui/pane"
)

// frameMark begins each frame of the screen.
const frameMark = "\x1b[?2026h"

// screenRun is a screen on a pseudo-terminal.
type screenRun struct {
	cmd      *exec.Cmd
	terminal *os.File
	ended    chan struct{}
	piece    int           // bytes that are read at once
	pause    time.Duration // after each byte

	mu     sync.Mutex
	came   *sync.Cond
	screen *pane.Emulator
	seam   []byte // the newest bytes that came, in which a mark may have begun
	bytes  int64
	frames int64
	over   bool
}

// open starts a screen whose line lets so many bytes a second through; 0: all.
func (b *screenBench) open(ctx context.Context, rate, columns, rows int) (*screenRun, error) {
	terminal, line, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer line.Close()
	r := &screenRun{cmd: b.command(ctx, "tui"), terminal: terminal, ended: make(chan struct{}), piece: 64 << 10, screen: pane.NewEmulator(columns, rows)}
	r.came = sync.NewCond(&r.mu)
	if rate > 0 {
		r.piece, r.pause = max(rate/10, 1), time.Second/time.Duration(rate)
		if err := setSpeed(line, rate*10); err != nil {
			return nil, err
		}
	}
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: uint16(rows), Cols: uint16(columns)}); err != nil {
		return nil, err
	}
	r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr = line, line, line
	r.cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go r.read()
	return r, nil
}

// setSpeed tells a line its speed in bits a second, as a serial line's driver does.
func setSpeed(line *os.File, bits int) error {
	settings, err := unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS2)
	if err != nil {
		return err
	}
	settings.Cflag = settings.Cflag&^unix.CBAUD | unix.BOTHER
	settings.Ispeed, settings.Ospeed = uint32(bits), uint32(bits)
	return unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS2, settings)
}

func (r *screenRun) read() {
	defer close(r.ended)
	piece := make([]byte, r.piece)
	for {
		n, err := r.terminal.Read(piece)
		r.mu.Lock()
		_, _ = r.screen.Write(piece[:n])
		r.seam = append(r.seam, piece[:n]...)
		r.frames += int64(bytes.Count(r.seam, []byte(frameMark)))
		r.seam = append(r.seam[:0], r.seam[max(len(r.seam)-len(frameMark)+1, 0):]...)
		r.bytes += int64(n)
		r.over = err != nil
		r.came.Broadcast()
		r.mu.Unlock()
		if err != nil {
			return
		}
		if r.pause > 0 {
			time.Sleep(time.Duration(n) * r.pause)
		}
	}
}

func (r *screenRun) stop() {
	_ = r.cmd.Process.Signal(os.Interrupt)
	late := time.AfterFunc(launchTimeout, func() { _ = r.cmd.Process.Kill() })
	_ = r.cmd.Wait()
	late.Stop()
	_ = r.terminal.Close()
	<-r.ended
}

// press sends a key and waits until a text is in sight that it brings there; it returns how long that took, and after how many bytes.
func (r *screenRun) press(ctx context.Context, key, text string) (took time.Duration, after int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := r.bytes
	patience, cancel := context.WithTimeout(ctx, 2*launchTimeout)
	defer cancel()
	stop := context.AfterFunc(patience, r.came.Broadcast)
	defer stop()
	begin := time.Now()
	if _, err := r.terminal.WriteString(key); err != nil {
		return 0, 0, err
	}
	for !strings.Contains(r.text(), text) {
		if r.over || patience.Err() != nil {
			return 0, 0, fmt.Errorf("the screen never showed %q after %q:\n%s", text, key, r.text())
		}
		r.came.Wait()
	}
	return time.Since(begin), r.bytes - from, nil
}

// text is what stands on the terminal.
func (r *screenRun) text() string {
	var text strings.Builder
	for _, line := range r.screen.Picture().Lines {
		for _, span := range line.Spans {
			text.WriteString(span.Text)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// used is what a screen took since it was asked last.
type used struct {
	processor     float64 // per cent of one
	bytes, frames float64 // a second
}

// during is what the screen takes for a while.
func (r *screenRun) during(ctx context.Context, while time.Duration) (used, error) {
	count := func() (time.Duration, int64, int64, error) {
		took, err := processorTime(r.cmd.Process.Pid)
		r.mu.Lock()
		defer r.mu.Unlock()
		return took, r.bytes, r.frames, err
	}
	begin := time.Now()
	processor, bytes, frames, err := count()
	if err != nil {
		return used{}, err
	}
	select {
	case <-ctx.Done():
		return used{}, ctx.Err()
	case <-time.After(while):
	}
	seconds := time.Since(begin).Seconds()
	processor2, bytes2, frames2, err := count()
	return used{(processor2 - processor).Seconds() / seconds * 100, float64(bytes2-bytes) / seconds, float64(frames2-frames) / seconds}, err
}

// processorTime is what all threads of a process took so far, to the nanosecond.
func processorTime(pid int) (time.Duration, error) {
	const whole = 2 // CPUCLOCK_SCHED of a process: see clock_getcpuclockid(3)
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|whole), &at); err != nil {
		return 0, fmt.Errorf("read the processor time of process %d: %w", pid, err)
	}
	return time.Duration(at.Nano()), nil
}

// fast is the screen on a terminal that takes all there is.
func (b *screenBench) fast(ctx context.Context, o *screenOutcome) error {
	r, err := b.open(ctx, 0, 120, 40)
	if err != nil {
		return err
	}
	defer r.stop()
	while := time.Duration(b.sizes.Seconds) * time.Second
	if _, _, err := r.press(ctx, "", "running"); err != nil {
		return err
	}
	time.Sleep(settle)
	rest, err := r.during(ctx, while)
	if err != nil {
		return err
	}
	o.add("at rest, of one processor", rest.processor, "%", "< 0.5")
	o.add("at rest, bytes a second", rest.bytes, "", "")
	if err := b.fill(ctx, o); err != nil {
		return err
	}
	before, err := b.gateway.publish(b.sizes.Rate)
	if err != nil {
		return err
	}
	begin := time.Now()
	for _, view := range []struct{ key, tab, name string }{{"5", "[5 Logs]", "Logs"}, {"3", "[3 Denials", "Denials"}, {"1", "[1 Overview]", "Overview"}} {
		if _, _, err := r.press(ctx, view.key, view.tab); err != nil {
			return err
		}
		under, err := r.during(ctx, while)
		if err != nil {
			return err
		}
		o.add("under events, "+view.name+", of one processor", under.processor, "%", "< 6")
		o.add("under events, "+view.name+", frames a second", under.frames, "", "≤ 15 of a stream")
		o.add("under events, "+view.name+", bytes of a frame", under.bytes/max(under.frames, 1), "", "")
	}
	sent, err := b.gateway.publish(b.sizes.Rate)
	if err != nil {
		return err
	}
	o.add("events a second that were published", float64(sent-before)/time.Since(begin).Seconds(), "", "")
	if err := b.asks(ctx, r, o); err != nil {
		return err
	}
	if err := b.keys(ctx, r, o); err != nil {
		return err
	}
	if _, err := b.gateway.publish(0); err != nil {
		return err
	}
	dropped, err := b.dropped(ctx)
	o.add("events dropped, and counted", float64(dropped), "", "")
	return err
}

// fill sends what comes before the measured events, as fast as the screen surely takes it.
func (b *screenBench) fill(ctx context.Context, o *screenOutcome) error {
	const rate = 15_000
	before, err := b.gateway.publish(rate)
	if err != nil {
		return err
	}
	begin, sent := time.Now(), 0
	for sent < b.sizes.Earlier {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		so, err := b.gateway.publish(rate)
		if err != nil {
			return err
		}
		sent = so - before
	}
	o.add("events that came before those that are measured", float64(sent), "", "")
	o.add("they took", time.Since(begin).Seconds(), "s", "")
	return nil
}

// asks is how long held requests take until they are in sight, in the middle of events.
func (b *screenBench) asks(ctx context.Context, r *screenRun, o *screenOutcome) error {
	var took []float64
	for n := 1; n <= b.sizes.Keys; n++ {
		begin := time.Now()
		if err := b.gateway.ask(n); err != nil {
			return err
		}
		if _, _, err := r.press(ctx, "", askedHost(n)); err != nil {
			return err
		}
		took = append(took, ms(time.Since(begin)))
		if err := b.gateway.ask(-n); err != nil {
			return err
		}
		time.Sleep(time.Duration(103+7*(n%11)) * time.Millisecond) // at no fixed place between two frames
	}
	o.percentiles("a held request to its frame, under events", took)
	return nil
}

// keys is how long the keys take to their frames, those of a filter too, when each of
// them looks at all lines anew.
func (b *screenBench) keys(ctx context.Context, r *screenRun, o *screenOutcome) error {
	var took []float64
	for i := range b.sizes.Keys {
		view := [...][2]string{{"5", "[5 Logs]"}, {"1", "[1 Overview]"}}[i%2]
		one, _, err := r.press(ctx, view[0], view[1])
		if err != nil {
			return err
		}
		took = append(took, ms(one))
		time.Sleep(time.Duration(23+7*(i%11)) * time.Millisecond) // at no fixed place between two frames
	}
	o.percentiles("key to frame, under events", took)
	if _, _, err := r.press(ctx, "5", "[5 Logs]"); err != nil {
		return err
	}
	if _, _, err := r.press(ctx, "/", "typing"); err != nil {
		return err
	}
	took = nil
	const line = "since:1m agent:coder level:info+ -status=500"
	for i := range line {
		if line[i] == ' ' {
			continue // it is not seen
		}
		begin := i
		for begin > 0 && line[begin-1] == ' ' {
			begin--
		}
		one, _, err := r.press(ctx, line[begin:i+1], line[:i+1])
		if err != nil {
			return err
		}
		took = append(took, ms(one))
		time.Sleep(37 * time.Millisecond)
	}
	o.percentiles("a filter's key to frame, under events", took)
	return nil
}

func (o *screenOutcome) percentiles(work string, took []float64) {
	slices.Sort(took)
	o.add(work+", p50", took[len(took)/2], "ms", "< 30")
	o.add(work+", p99", took[len(took)*99/100], "ms", "")
}

// slow is the screen at the end of a line of 9,600 baud.
func (b *screenBench) slow(ctx context.Context, o *screenOutcome) error {
	r, err := b.open(ctx, 960, 80, 24)
	if err != nil {
		return err
	}
	defer r.stop()
	if _, _, err := r.press(ctx, "", "running"); err != nil {
		return err
	}
	if _, _, err := r.press(ctx, "5", "[5 Logs]"); err != nil {
		return err
	}
	if _, err := b.gateway.publish(b.sizes.Rate); err != nil {
		return err
	}
	under, err := r.during(ctx, time.Duration(b.sizes.Seconds)*time.Second)
	if err != nil {
		return err
	}
	o.add("9,600 baud, 80x24, frames a second", under.frames, "", "≤ 15")
	o.add("9,600 baud, of one processor", under.processor, "%", "< 6")
	var bytes []float64
	for i := range min(b.sizes.Keys, 6) {
		view := [...][2]string{{"3", "[3 Denials"}, {"5", "[5 Logs]"}}[i%2]
		_, after, err := r.press(ctx, view[0], view[1])
		if err != nil {
			return err
		}
		bytes = append(bytes, float64(after))
	}
	slices.Sort(bytes)
	o.add("9,600 baud, key to frame, the most", bytes[len(bytes)-1]/960, "s", "")
	_, err = b.gateway.publish(0)
	return err
}
