package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"openclaw/keychain"
)

const agentName = "measured"

// cageBench measures the cage beside bare and its peers, in one run, in turn.
type cageBench struct {
	*measurement
	project  string // what the contestants may use
	secret   string // below project, and denied
	sizes    workSizes
	download *download
	only     map[string]bool // contestants; empty: all
	keys     map[string]bool // workloads; empty: all
}

type cageOptions struct {
	runs    int
	modules string
	folder  string
	only    []string
	keys    []string
	scale   float64
	asJSON  bool
}

func measureCageCommand(t *terminal) *cobra.Command {
	var o cageOptions
	cmd := &cobra.Command{
		Use: "cage", Short: "Measure the cage beside bare, bubblewrap, firejail and the sandbox runtime", Args: exactly(0),
		Long: "Measure the cage beside bare, bubblewrap, firejail and the sandbox runtime, in turn, in one run.\n" +
			"It installs nothing: a peer that is not in PATH is named as missing. It makes its files in a temporary folder,\n" +
			"with a gateway of its own, and removes them.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Interrupted, it still ends its gateway and removes its files.
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, unix.SIGTERM)
			defer stop()
			outcome, err := measureCage(ctx, o)
			if err != nil {
				return err
			}
			if o.asJSON {
				return t.json(outcome)
			}
			outcome.print(t)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.runs, "runs", 20, "how often each is repeated; the median and the least are printed")
	flags.StringVar(&o.modules, "node-modules", "", "a node_modules folder with @anthropic-ai/sandbox-runtime in it")
	flags.StringVar(&o.folder, "folder", "", "where the files are made; empty: the home folder. Not /tmp or /var/tmp, which a contestant may have of its own")
	flags.Float64Var(&o.scale, "scale", 1, "so many times as many files and bytes")
	flags.StringSliceVar(&o.keys, "work", nil, "only these: true, git, inside, find, open, write, refused, download, memory")
	flags.StringSliceVar(&o.only, "contestant", nil, "only these: bare, openclaw, bubblewrap, …")
	flags.BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

// cageOutcome is what is printed.
type cageOutcome struct {
	Kernel      string       `json:"kernel"`
	Processors  int          `json:"processors"`
	User        int          `json:"user"`
	Runs        int          `json:"runs"`
	Contestants []contestant `json:"contestants"`
	Results     []cageResult `json:"results"`
}

type cageResult struct {
	Work       string  `json:"work"`
	Contestant string  `json:"contestant"`
	Unit       string  `json:"unit"`
	Median     float64 `json:"median"`
	Best       float64 `json:"best"` // the least, or with MB/s the most
	Ratio      float64 `json:"ratio,omitempty"`
	Goal       string  `json:"goal,omitempty"`
	Met        *bool   `json:"met,omitempty"`
	Failed     string  `json:"failed,omitempty"`
}

func measureCage(ctx context.Context, o cageOptions) (*cageOutcome, error) {
	b := &cageBench{sizes: fullSizes().scaled(o.scale), only: setOf(o.only), keys: setOf(o.keys)}
	var err error
	if o.folder == "" {
		if o.folder, err = os.UserHomeDir(); err != nil {
			return nil, err
		}
	}
	if b.download, err = newDownload(); err != nil {
		return nil, err
	}
	defer b.download.listener.Close()
	if b.measurement, err = newMeasurement(o.runs, o.folder); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.home)
	b.project = filepath.Join(b.home, "project")
	b.secret = filepath.Join(b.project, "secret")
	config := fmt.Sprintf("agents:\n  %s:\n    permissions:\n      allowed_paths: [%q]\n      denied_paths: [%q]\n      network: {allowed_ips: [%q]}\n",
		agentName, b.project, b.secret, b.download.address())
	if err := b.configure(config); err != nil {
		return nil, err
	}
	if err := b.lay(); err != nil {
		return nil, fmt.Errorf("make files to measure with: %w", err)
	}
	gateway, err := b.gateway(ctx)
	if err != nil {
		return nil, err
	}
	defer b.stop(gateway)

	outcome := &cageOutcome{Processors: runtime.NumCPU(), User: os.Getuid(), Runs: b.runs}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		outcome.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	if outcome.Contestants, err = b.contestants(ctx, o.modules); err != nil {
		return nil, err
	}
	for _, w := range b.workloads() {
		if w.needsGit() && b.lacksGit() != "" {
			outcome.Results = append(outcome.Results, cageResult{Work: w.name, Contestant: own, Unit: w.unit, Failed: b.lacksGit()})
			continue
		}
		results, err := b.compete(ctx, w, outcome.Contestants)
		if err != nil {
			return nil, err
		}
		outcome.Results = append(outcome.Results, results...)
	}
	if len(b.keys) == 0 || b.keys["memory"] {
		outcome.Results = append(outcome.Results, b.memory(ctx, outcome.Contestants)...)
	}
	return outcome, nil
}

func setOf(list []string) map[string]bool {
	set := map[string]bool{}
	for _, item := range list {
		set[item] = true
	}
	return set
}

// compete lets the contestants take turns. The first turn is not counted: it
// fills caches and shows who cannot do it at all.
func (b *cageBench) compete(ctx context.Context, w workload, all []contestant) ([]cageResult, error) {
	samples := map[string][]float64{}
	failed := map[string]string{}
	for turn := range b.runs + 1 {
		for i := range all {
			c := all[(i+turn)%len(all)]
			if c.Missing != "" || w.skip[c.Name] || failed[c.Name] != "" {
				continue
			}
			number, err := b.once(ctx, w, c)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil:
				failed[c.Name] = err.Error()
			case turn > 0:
				samples[c.Name] = append(samples[c.Name], number)
			}
		}
	}
	var results []cageResult
	base := 0.0
	for _, c := range all {
		r := cageResult{Work: w.name, Contestant: c.Name, Unit: w.unit, Failed: failed[c.Name]}
		numbers := samples[c.Name]
		if len(numbers) == 0 && r.Failed == "" {
			continue
		}
		if r.Failed == "" {
			slices.Sort(numbers)
			r.Median, r.Best = numbers[len(numbers)/2], numbers[0]
			if w.rising {
				r.Best = numbers[len(numbers)-1]
			}
			if c.Name == bare {
				base = r.Median
			} else if base > 0 {
				r.Ratio = r.Median / base
			}
		}
		if c.Name == own || c.Name == ownInner {
			w.judge(&r)
		}
		results = append(results, r)
	}
	return results, nil
}

// judge compares a result with what is asked of the own cage.
func (w workload) judge(r *cageResult) {
	met := false
	switch {
	case w.ratio == 0 && w.value == 0:
		return
	case w.ratio > 0 && w.rising:
		r.Goal, met = fmt.Sprintf("≥ %.2f × bare", w.ratio), r.Ratio >= w.ratio
	case w.ratio > 0:
		r.Goal, met = fmt.Sprintf("≤ %.2f × bare", w.ratio), r.Ratio > 0 && r.Ratio <= w.ratio
	default:
		r.Goal, met = fmt.Sprintf("≤ %.0f %s", w.value, w.unit), r.Median <= w.value
	}
	met = met && r.Failed == ""
	r.Met = &met
}

// once runs a command and takes its time, or reads the number that it prints.
func (b *cageBench) once(ctx context.Context, w workload, c contestant) (float64, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer read.Close()
	said := make(chan []byte, 1)
	go func() {
		var text bytes.Buffer
		_, _ = text.ReadFrom(read)
		said <- text.Bytes()
	}()
	var words bytes.Buffer
	begin := time.Now()
	if c.wrap == nil {
		err = b.caged(ctx, w.command, write)
	} else {
		cmd := b.outside(ctx, c.wrap(w.command))
		cmd.Stdout, cmd.Stderr = write, &words
		err = cmd.Run()
	}
	took := ms(time.Since(begin))
	_ = write.Close()
	text := <-said
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, bytes.TrimSpace(last(words.Bytes(), 300)))
	}
	if !w.prints {
		return took, nil
	}
	return strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
}

// outside is a command line as a person would type it in the project. Its memory
// is hidden: what is not hidden says so, for which it reads all the rules that take
// secrets out of what it says.
func (b *cageBench) outside(ctx context.Context, words []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = b.project
	cmd.Env = slices.DeleteFunc(b.environ(), func(entry string) bool { return strings.HasPrefix(entry, keychain.TraceableVariable+"=") })
	return cmd
}

func (o *cageOutcome) print(t *terminal) {
	t.print("Linux %s, %d processors, user %d, %d runs each, in turn", o.Kernel, o.Processors, o.User, o.Runs)
	for _, c := range o.Contestants {
		switch {
		case c.Missing != "":
			t.print("  %-22s %s", c.Name, c.Missing)
		case c.Version != "":
			t.print("  %-22s %s", c.Name, c.Version)
		}
	}
	var rows [][]string
	for _, r := range o.Results {
		row := []string{r.Work, r.Contestant, fmt.Sprintf("%.1f", r.Median), fmt.Sprintf("%.1f", r.Best), r.Unit, "", r.Goal, ""}
		if r.Ratio > 0 {
			row[5] = fmt.Sprintf("%.2f × bare", r.Ratio)
		}
		if r.Met != nil {
			row[7] = map[bool]string{true: "met", false: "not met"}[*r.Met]
		}
		if r.Failed != "" {
			row[2], row[3], row[7] = "-", "-", "failed: "+r.Failed
		}
		rows = append(rows, row)
	}
	t.table("WORK\tCONTESTANT\tMEDIAN\tBEST\tUNIT\tRATIO\tGOAL\t", rows)
}

// memory looks at each contestant while its command waits for input.
func (b *cageBench) memory(ctx context.Context, all []contestant) []cageResult {
	const name = "memory, first process"
	var results []cageResult
	for _, c := range all {
		if c.Missing != "" || c.wrap == nil || c.Name == bare {
			continue
		}
		r := cageResult{Work: name, Contestant: c.Name, Unit: "MB"}
		rest := cageResult{Work: "memory, the others but the command", Contestant: c.Name, Unit: "MB"}
		first, others, err := b.resident(ctx, c)
		if err != nil {
			r.Failed, rest.Failed = err.Error(), err.Error()
		}
		r.Median, r.Best, rest.Median, rest.Best = first, first, others, others
		if c.Name == own {
			workload{unit: "MB", value: 25}.judge(&r)
		}
		results = append(results, r, rest)
	}
	return results
}

// resident starts a command that echoes one line, and looks once it did.
func (b *cageBench) resident(ctx context.Context, c contestant) (first, others float64, err error) {
	cmd := b.outside(ctx, c.wrap([]string{"cat"}))
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = in.Close()
		err = errors.Join(err, cmd.Wait())
	}()
	if _, err := in.Write([]byte("x\n")); err != nil {
		return 0, 0, err
	}
	if _, err := out.Read(make([]byte, 2)); err != nil {
		return 0, 0, fmt.Errorf("the command did not answer: %w", err)
	}
	time.Sleep(time.Second) // it has started, and freed what that took
	if first, err = residentMB(cmd.Process.Pid); err != nil {
		return 0, 0, err
	}
	for _, pid := range descendants(cmd.Process.Pid) {
		program, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err != nil || strings.TrimSpace(string(program)) == "cat" {
			continue
		}
		if size, err := residentMB(pid); err == nil {
			others += size
		}
	}
	return first, others, nil
}

// descendants lists the processes below one.
func descendants(root int) []int {
	all := []int{root}
	for at := 0; at < len(all); at++ {
		lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[at]))
		if err != nil {
			continue
		}
		for _, list := range lists {
			text, err := os.ReadFile(list)
			if err != nil {
				continue
			}
			for field := range strings.FieldsSeq(string(text)) {
				if pid, err := strconv.Atoi(field); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all[1:]
}
