package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// gatewayBench measures the gateway beside a direct call, nginx and a plain Go
// proxy, in one run, in turn. Everything is on: authentication, limits, the audit
// log, redaction.
type gatewayBench struct {
	*measurement
	sizes gatewaySizes
	where []target
	token string
}

// target is where requests are sent.
type target struct {
	name string
	url  string
	pids []int // whose CPU is counted
}

type gatewaySizes struct {
	Rounds       int `json:"rounds"`
	Single       int `json:"requests_of_one"`  // one after the other, a round
	Together     int `json:"requests_of_many"` // 64 at a time, a round
	Streams      int `json:"streams"`          // of 200 events that come at once, in all
	Paced        int `json:"paced_streams"`    // of 50 events a second, for two seconds
	Calls        int `json:"socket_calls"`
	Sockets      int `json:"sockets"`
	SocketRounds int `json:"socket_rounds"`
	Soak         int `json:"soak_requests"`
	Edits        int `json:"config_edits"`
}

// gatewayResult is one number.
type gatewayResult struct {
	Work  string  `json:"work"`
	Of    string  `json:"of"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal,omitempty"`
}

type gatewayOutcome struct {
	Sizes   gatewaySizes    `json:"sizes"`
	Missing []string        `json:"missing,omitempty"`
	Results []gatewayResult `json:"results"`
}

func measureGatewayCommand(t *terminal) *cobra.Command {
	s := gatewaySizes{}
	var asJSON bool
	var serve, to string
	cmd := &cobra.Command{
		Use: "gateway", Short: "Measure the gateway beside a direct call, nginx and a plain Go proxy", Args: exactly(0),
		Long: "Measure the gateway beside a direct call, nginx as a proxy that puts the key in, and a tuned httputil.ReverseProxy,\n" +
			"in turn, in one run: medians of rounds. Then its sockets, its memory, whether a soak leaves anything, and edits of\n" +
			"the config. All traffic is loopback's. A peer that is not in PATH is named as missing.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, unix.SIGTERM)
			defer stop()
			if serve != "" {
				return servePeer(ctx, t, serve, to)
			}
			outcome, err := measureGateway(ctx, s)
			if err != nil {
				return err
			}
			if asJSON {
				return t.json(outcome)
			}
			for _, missing := range outcome.Missing {
				t.print("missing: %s", missing)
			}
			for _, r := range outcome.Results {
				digits := 1
				if r.Unit == "×" {
					digits = 2
				}
				t.print("%-44s %-9s %10.*f %-10s %s", r.Work, r.Of, digits, r.Value, r.Unit, r.Goal)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&s.Rounds, "rounds", 5, "rounds in which all take their turn")
	flags.IntVar(&s.Single, "single", 500, "requests one after the other, of each, a round")
	flags.IntVar(&s.Together, "together", 3000, "requests of 64 at a time, of each, a round")
	flags.IntVar(&s.Streams, "streams", 10_000, "streams through the gateway whose events come at once")
	flags.IntVar(&s.Paced, "paced", 64, "streams of 50 events a second")
	flags.IntVar(&s.Calls, "calls", 20_000, "calls of health over one socket")
	flags.IntVar(&s.Sockets, "sockets", 5000, "idle sockets")
	flags.IntVar(&s.SocketRounds, "socket-rounds", 4, "how often they come and go")
	flags.IntVar(&s.Soak, "soak", 0, "requests of the soak, such as 1000000")
	flags.IntVar(&s.Edits, "edits", 11, "edits of the config")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	flags.StringVar(&serve, "serve", "", "be a peer: upstream or proxy")
	flags.StringVar(&to, "to", "", "with --serve proxy: where the upstream is")
	_ = flags.MarkHidden("serve") // they are there
	_ = flags.MarkHidden("to")
	return cmd
}

const benchKey = "sk-ant-the-real-key-of-the-measurement"

func measureGateway(ctx context.Context, sizes gatewaySizes) (*gatewayOutcome, error) {
	m, err := newMeasurement(1, "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(m.home)
	b := &gatewayBench{measurement: m, sizes: sizes, token: auth.GenerateToken()}
	m.more = []string{"BENCH_TOKEN=" + b.token, "BENCH_KEY=" + benchKey}
	outcome := &gatewayOutcome{Sizes: sizes}
	upstream, address, err := b.peer(ctx, "upstream", "")
	if err != nil {
		return nil, err
	}
	defer m.stop(upstream)
	if err := m.configure(fmt.Sprintf("  gateway_token: ${BENCH_TOKEN}\n  rate_limiting: {enabled: true, max_connections_per_ip: 20000, max_requests_per_minute: 10000000}\nproviders:\n  anthropic: {api_key: \"${BENCH_KEY}\", base_url: \"http://%s\"}\n", address)); err != nil {
		return nil, err
	}
	begin := time.Now()
	gateway, err := m.gateway(ctx)
	if err != nil {
		return nil, err
	}
	defer m.stop(gateway)
	ready := time.Since(begin)
	proxy, proxyAddress, err := b.peer(ctx, "proxy", address)
	if err != nil {
		return nil, err
	}
	defer m.stop(proxy)
	b.where = []target{
		{name: "direct", url: "http://" + address},
		{name: own, url: fmt.Sprintf("http://127.0.0.1:%d", m.port), pids: []int{gateway.Process.Pid}},
		{name: "go proxy", url: "http://" + proxyAddress, pids: []int{proxy.Process.Pid}},
	}
	if nginx, where, err := b.nginx(ctx, address); err != nil {
		outcome.Missing = append(outcome.Missing, "nginx: "+err.Error())
	} else {
		defer m.stop(nginx)
		b.where = append(b.where, where)
	}
	add := func(work, of string, value float64, unit, goal string) {
		outcome.Results = append(outcome.Results, gatewayResult{work, of, value, unit, goal})
	}
	time.Sleep(settle)
	add("start to ready", own, ms(ready), "ms", "≤ 100")
	idle, err := residentMB(gateway.Process.Pid)
	if err != nil {
		return nil, err
	}
	add("resident, idle", own, idle, "MB", "≤ 40")
	for _, step := range []func(context.Context, func(work, of string, value float64, unit, goal string)) error{b.requests, b.streams, b.sockets, b.soak, b.edits} {
		if err := step(ctx, add); err != nil {
			return nil, err
		}
	}
	return outcome, ctx.Err()
}

// peer starts this program as an upstream or a plain proxy, and returns where it
// listens.
func (b *gatewayBench) peer(ctx context.Context, kind, to string) (*exec.Cmd, string, error) {
	cmd := b.command(ctx, "measure", "gateway", "--serve", kind, "--to", to)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	var address string
	if _, err := fmt.Fscanln(out, &address); err != nil {
		b.stop(cmd)
		return nil, "", fmt.Errorf("start %s: %w", kind, err)
	}
	return cmd, address, nil
}

// nginx starts Debian's as a proxy that puts the key in.
func (b *gatewayBench) nginx(ctx context.Context, upstream string) (*exec.Cmd, target, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
		if _, err := os.Stat(program); err != nil {
			return nil, target{}, errors.New("not found: install Debian's package nginx-light")
		}
	}
	folder := filepath.Join(b.home, "nginx")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, target{}, err
	}
	port, err := freePortNumber()
	if err != nil {
		return nil, target{}, err
	}
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "  %s_temp_path %s/%s;\n", kind, folder, kind)
	}
	config := filepath.Join(folder, "nginx.conf")
	text := fmt.Sprintf("daemon off; pid %[1]s/pid; error_log %[1]s/errors; worker_processes 1;\nevents { worker_connections 4096; }\nhttp {\n  access_log off; keepalive_requests 1000000;\n%[2]s  upstream u { server %[3]s; keepalive 256; }\n  server { listen 127.0.0.1:%[4]d; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header X-Api-Key %[5]s; proxy_buffering off; } }\n}\n",
		folder, temporary.String(), upstream, port, benchKey)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, target{}, err
	}
	cmd := exec.CommandContext(ctx, program, "-e", filepath.Join(folder, "errors"), "-c", config)
	if err := cmd.Start(); err != nil {
		return nil, target{}, err
	}
	where := target{name: "nginx", url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	for end := time.Now().Add(launchTimeout); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if b.once(ctx, &http.Client{}, where) == nil {
			where.pids = append(children(cmd.Process.Pid), cmd.Process.Pid)
			return cmd, where, nil
		}
	}
	b.stop(cmd)
	return nil, target{}, errors.New("it never answered")
}

// children are the processes that a process started.
func children(pid int) (out []int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	for field := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			out = append(out, child)
		}
	}
	return out
}

// cpu is the processor time that processes took so far.
func cpu(pids []int) (total time.Duration) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			continue
		}
		for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
			ticks, _ := strconv.Atoi(field)
			total += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return total
}

func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// overview asks the measured gateway for itself.
func (b *gatewayBench) overview(ctx context.Context) (event.Overview, error) {
	var o event.Overview
	c, err := dial(ctx, b.layout())
	if err != nil {
		return o, err
	}
	defer c.Close()
	return o, c.Call(ctx, wire.MethodOverview, nil, &o)
}
