package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/tui"
)

// screenBench measures the screen of this very binary on a pseudo-terminal, over the
// protocol from a gateway that publishes so many events a second. The processor time
// is that of the screen's process alone.
type screenBench struct {
	*measurement
	sizes   screenSizes
	gateway *source
}

type screenSizes struct {
	Rate    int `json:"events_per_second"`
	Earlier int `json:"earlier"`
	Seconds int `json:"seconds"` // of each part
	Keys    int `json:"keys"`
}

// screenResult is one number.
type screenResult struct {
	Work  string  `json:"work"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal,omitempty"`
}

type screenOutcome struct {
	Sizes   screenSizes    `json:"sizes"`
	Load    string         `json:"load"` // of the machine, before and after
	Results []screenResult `json:"results"`
}

func (o *screenOutcome) add(work string, value float64, unit, goal string) {
	o.Results = append(o.Results, screenResult{work, value, unit, goal})
}

func measureScreenCommand(t *terminal) *cobra.Command {
	var s screenSizes
	var asJSON, serve bool
	cmd := &cobra.Command{
		Use: "screen", Short: "Measure the screen at rest, under events and on a slow line", Args: exactly(0),
		Long: "Measure the screen of this binary, 120x40, on a pseudo-terminal: at rest, and while a gateway publishes events, a tenth\n" +
			"of them denials and the rest lines of the log. The processor time is that of the screen's process alone. Before that come\n" +
			"so many events that it holds all it ever does: until then each is fresh memory. Then how long a key takes to its frame,\n" +
			"and a held request until it is in sight, what a filter over 100,000 lines takes, and how a line of 9,600 baud fares.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, unix.SIGTERM)
			defer stop()
			if serve {
				return t.serveEvents(ctx)
			}
			outcome, err := measureScreen(ctx, s)
			if err != nil {
				return err
			}
			if asJSON {
				return t.json(outcome)
			}
			for _, r := range outcome.Results {
				t.print("%-48s %12.2f %-10s %s", r.Work, r.Value, r.Unit, r.Goal)
			}
			t.print("load of the machine: %s", outcome.Load)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&s.Rate, "rate", 10_000, "events a second")
	flags.IntVar(&s.Earlier, "earlier", 120_000, "events that come before those that are measured")
	flags.IntVar(&s.Seconds, "seconds", 10, "how long each part is measured")
	flags.IntVar(&s.Keys, "keys", 100, "keys, and held requests, whose frame is waited for")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	flags.BoolVar(&serve, "serve", false, "be the gateway: publish as many events a second, or such a held request, as each line of the input says")
	_ = flags.MarkHidden("serve") // it is there
	return cmd
}

func measureScreen(ctx context.Context, sizes screenSizes) (*screenOutcome, error) {
	m, err := newMeasurement(1, "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(m.home)
	sizes.Rate, sizes.Seconds, sizes.Keys = max(sizes.Rate, 1), max(sizes.Seconds, 1), max(sizes.Keys, 1)
	b := &screenBench{measurement: m, sizes: sizes}
	outcome := &screenOutcome{Sizes: sizes, Load: load()}
	budget := tui.MeasureDrawing()
	outcome.add("draw, the slowest view, all lists full", ms(budget.Draw), "ms", "≤ 0.1")
	outcome.add("allocations of it, the most of any view", budget.Allocations, "", "≤ 60")
	outcome.add("filter over 100,000 lines, text", ms(budget.Filter), "ms", "< 10")
	outcome.add("filter over 100,000 lines, since:", ms(budget.Since), "ms", "< 10")
	outcome.add("filter over 10,000 denials, and its frame", ms(budget.List), "ms", "< 10")
	if b.gateway, err = b.source(ctx); err != nil {
		return nil, err
	}
	defer b.gateway.stop()
	for _, step := range []func(context.Context, *screenOutcome) error{b.fast, b.slow} {
		if err := step(ctx, outcome); err != nil {
			return nil, err
		}
	}
	outcome.Load += " before, " + load() + " after"
	return outcome, ctx.Err()
}

// load is the machine's, of the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	now, _, _ := strings.Cut(string(text), " ")
	return now
}

// source is a gateway that publishes events.
type source struct {
	cmd    *exec.Cmd
	rates  io.WriteCloser
	counts *bufio.Reader
}

func (b *screenBench) source(ctx context.Context) (*source, error) {
	cmd := b.command(ctx, "measure", "screen", "--serve")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	rates, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	counts, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &source{cmd, rates, bufio.NewReader(counts)}
	for end := time.Now().Add(launchTimeout); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if b.healthy(ctx) {
			return s, nil
		}
	}
	s.stop()
	return nil, errors.New("the gateway never answered")
}

func (s *source) stop() {
	_ = s.rates.Close() // it ends by that
	_ = s.cmd.Wait()
}

// publish has so many events published a second from now on, and returns how many
// were so far.
func (s *source) publish(rate int) (so int, err error) {
	if _, err := fmt.Fprintln(s.rates, rate); err != nil {
		return 0, err
	}
	_, err = fmt.Fscanln(s.counts, &so)
	return so, err
}

// ask has a request published that is held, with a number.
func (s *source) ask(n int) error {
	_, err := fmt.Fprintln(s.rates, askLine, n)
	return err
}

// askLine begins a line of the input that is about a request.
const askLine = "ask"

// serveEvents is the child behind source.
func (t *terminal) serveEvents(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	rates, asks := make(chan int), make(chan int)
	go func() {
		defer stop()
		for in := bufio.NewScanner(t.in); in.Scan(); {
			number, ask := strings.CutPrefix(in.Text(), askLine+" ")
			n, err := strconv.Atoi(number)
			if err != nil {
				return
			}
			to := rates
			if ask {
				to = asks
			}
			select {
			case to <- n:
			case <-ctx.Done():
				return
			}
		}
	}()
	return t.runGateway(ctx, func(ctx context.Context, h *house) {
		var rate, sent int
		step := time.NewTicker(5 * time.Millisecond)
		defer step.Stop()
		for last, owed := time.Now(), 0.0; ; {
			select {
			case <-ctx.Done():
				return
			case rate = <-rates:
				t.print("%d", sent)
				last, owed = time.Now(), 0
			case n := <-asks:
				h.bus.Publish(measuredAsk(n, time.Now()))
			case now := <-step.C:
				owed += now.Sub(last).Seconds() * float64(rate)
				last = now
				for ; owed >= 1; owed-- {
					sent++
					h.bus.Publish(measuredEvent(sent, now))
				}
			}
		}
	})
}

// measuredEvent is a line of the log, or, each tenth, one of 500 denials again.
func measuredEvent(n int, at time.Time) event.Event {
	if n%10 == 0 {
		target := "host" + strconv.Itoa(n/10%500) + ".example.test:443"
		return event.Event{Kind: event.KindDenial, Denial: &event.Denial{
			ID: target, First: at, Last: at, Count: n/5000 + 1, Agent: "coder", Run: "r-20261122-1", PID: 4711, Program: "/usr/bin/node",
			CommandLine: "node /home/ada/project/node_modules/.bin/install", Class: "net", Operation: "connect", Target: target,
			Rule: "not in allowed_domains", Mechanism: "egress",
		}}
	}
	id := strconv.Itoa(n)
	return event.Event{Kind: event.KindLog, Log: &event.LogLine{
		Time: at, Level: "INFO", Source: "gateway", Message: "request", Text: "agent=coder route=/v1/messages status=200 id=" + id,
		Raw: `{"time":"` + at.Format(time.RFC3339Nano) + `","level":"INFO","source":"gateway","msg":"request","agent":"coder","route":"/v1/messages","status":200,"id":` + id + `}`,
	}}
}

// measuredAsk is a held request with a number of its own, or, of a negative number, its end.
func measuredAsk(n int, at time.Time) event.Event {
	state := event.AskWaiting
	if n < 0 {
		n, state = -n, event.AskGone
	}
	return event.Event{Kind: event.KindAsk, Ask: &event.Ask{
		ID: "a-" + strconv.Itoa(n), State: state, First: at, Last: at, Count: 1, Waiting: 1, Deadline: at.Add(time.Hour),
		Agent: "coder", Run: "r-20261122-1", PID: 4711, Program: "/usr/bin/node", CommandLine: "node install.js",
		Class: "net", Operation: "connect", Target: askedHost(n), Rule: "not in allowed_domains", Mechanism: "egress",
	}}
}

func askedHost(n int) string { return "asked" + strconv.Itoa(n) + ".example.test:443" }

// dropped is how many events watchers were too slow for.
func (b *screenBench) dropped(ctx context.Context) (uint64, error) {
	c, err := dial(ctx, b.layout())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var o event.Overview
	err = c.Call(ctx, wire.MethodOverview, nil, &o)
	return o.Dropped, err
}
