package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// workSizes is how much there is to do.
type workSizes struct {
	repository int // files below git status
	tree       int // files below find and cat
	opens      int // in one round
	writes     int
	refusals   int
	bytes      int
}

func fullSizes() workSizes {
	return workSizes{repository: 5000, tree: 20000, opens: 2000, writes: 500, refusals: 100, bytes: 256 << 20}
}

func (w workSizes) scaled(by float64) workSizes {
	times := func(n int) int { return max(1, int(float64(n)*by)) }
	return workSizes{times(w.repository), times(w.tree), times(w.opens), times(w.writes), times(w.refusals), times(w.bytes)}
}

// workload is what a contestant does.
type workload struct {
	name    string
	key     string // on the command line
	unit    string
	command []string
	prints  bool // the command prints the number; otherwise its whole life is timed, in milliseconds
	rising  bool // more is better

	// What is asked of the own cage: at most (or with rising at least) this
	// many times bare, or this value; neither: nothing.
	ratio float64
	value float64

	skip map[string]bool // contestants that cannot do it
}

func (w workload) needsGit() bool { return slices.Contains(w.command, "git") }

// workloads are the goals of the cage's speed.
func (b *cageBench) workloads() []workload {
	tool := filepath.Join(b.project, "openclaw")
	none := map[string]bool{bare: true, "bubblewrap": true, "firejail": true, "sandbox-runtime": true}
	direct := map[string]bool{"bubblewrap": true, "firejail": true, "sandbox-runtime": true} // they give a command no direct connection
	all := []workload{
		{key: "true", name: "true", unit: "ms", command: []string{"true"}, value: 15},
		{
			key: "git", name: fmt.Sprintf("git status, %d files", b.sizes.repository), unit: "ms", ratio: 1.8,
			command: []string{"git", "-C", filepath.Join(b.project, "repository"), "status", "--short"},
		},
		{
			key: "inside", name: "true, from a running cage", unit: "ms", prints: true,
			command: []string{tool, "measure", "loop", "run", "10", "true"},
		},
		{
			key: "inside", name: "git status, from a running cage", unit: "ms", prints: true, ratio: 1.8,
			command: []string{tool, "measure", "loop", "run", "5", "git", "-C", filepath.Join(b.project, "repository"), "status", "--short"},
		},
		{
			key: "find", name: fmt.Sprintf("find and cat, %d files", b.sizes.tree), unit: "ms", ratio: 1.05,
			command: []string{"sh", "-c", "find " + filepath.Join(b.project, "tree") + " -type f -exec cat {} + >/dev/null"},
		},
		{
			key: "open", name: "allowed open", unit: "µs", ratio: 1.1, prints: true,
			command: []string{tool, "measure", "loop", "open", filepath.Join(b.project, "tree", "0", "0"), strconv.Itoa(b.sizes.opens)},
		},
		{
			key: "write", name: "file made, marked, moved, removed", unit: "µs", prints: true,
			command: []string{tool, "measure", "loop", "write", filepath.Join(b.project, "tree", "0"), strconv.Itoa(b.sizes.writes)},
		},
		{
			key: "refused", name: "refused open, denied path", unit: "µs", value: 40, prints: true, skip: none,
			command: []string{tool, "measure", "loop", "refused", filepath.Join(b.secret, "key"), strconv.Itoa(b.sizes.refusals)},
		},
		{
			key: "refused", name: "refused open, not allowed", unit: "µs", value: 40, prints: true, skip: none,
			command: []string{tool, "measure", "loop", "refused", filepath.Join(b.home, "private"), strconv.Itoa(b.sizes.refusals)},
		},
		{
			key: "download", name: "download over loopback", unit: "MB/s", ratio: 0.7, prints: true, rising: true, skip: direct,
			command: []string{tool, "measure", "loop", "download", b.download.address(), strconv.Itoa(b.sizes.bytes)},
		},
	}
	var chosen []workload
	for _, w := range all {
		if len(b.keys) == 0 || b.keys[w.key] {
			chosen = append(chosen, w)
		}
	}
	return chosen
}

// lay makes the files that are read.
func (b *cageBench) lay() error {
	if err := os.MkdirAll(b.secret, 0o700); err != nil {
		return err
	}
	for _, name := range []string{filepath.Join(b.secret, "key"), filepath.Join(b.home, "private")} {
		if err := os.WriteFile(name, []byte("secret\n"), 0o600); err != nil {
			return err
		}
	}
	if err := copyProgram(b.self, filepath.Join(b.project, "openclaw")); err != nil {
		return err
	}
	if err := makeFiles(filepath.Join(b.project, "tree"), b.sizes.tree); err != nil {
		return err
	}
	if b.lacksGit() != "" {
		return nil
	}
	repository := filepath.Join(b.project, "repository")
	if err := makeFiles(repository, b.sizes.repository); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "--quiet"}, {"add", "."},
		{"-c", "user.name=measure", "-c", "user.email=measure@localhost", "-c", "gc.auto=0", "commit", "--quiet", "--message", "all"}, {"status"},
	} {
		cmd := exec.Command("git", args...) //nolint:noctx // it ends by itself
		cmd.Dir, cmd.Env = repository, b.environ()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}

func (b *cageBench) lacksGit() string {
	if _, err := exec.LookPath("git"); err != nil {
		return "git is not found"
	}
	return ""
}

// makeFiles makes files of about a kilobyte, a hundred to a folder.
func makeFiles(root string, count int) error {
	text := []byte(strings.Repeat("one line of a source file\n", 40))
	for i := range count {
		dir := filepath.Join(root, strconv.Itoa(i/100))
		if i%100 == 0 {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
		}
		content := append(strconv.AppendInt(nil, int64(i), 10), text...)
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i%100)), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// copyProgram puts this program where every contestant can run it.
func copyProgram(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o700)
}
