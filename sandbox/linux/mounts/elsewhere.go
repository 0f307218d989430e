//go:build linux

package mounts

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"openclaw/sandbox/policy"
)

// mounted is one of the host's mounts.
type mounted struct {
	device string // major:minor
	root   string // the folder of the file system that is mounted
	at     string

	kind, source, options string // of the file system
}

// mountTable reads the host's mounts (proc_pid_mountinfo(5)).
func mountTable() ([]mounted, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	return parseMounts(text), nil
}

func parseMounts(text []byte) []mounted {
	var list []mounted
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) < 5 {
			continue
		}
		m := mounted{device: fields[2], root: unescaped(fields[3]), at: unescaped(fields[4])}
		if end := slices.Index(fields, "-"); end >= 0 && len(fields) > end+3 { // fields that may be there or not end so
			m.kind, m.source, m.options = fields[end+1], unescaped(fields[end+2]), fields[end+3]
		}
		list = append(list, m)
	}
	return list
}

// unescaped takes \040 and the like for the bytes that they stand for.
func unescaped(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// elsewhere finds the other paths at which the host has a real path mounted: a
// bind mount of the folder that it lies in, of one above it, or of one below.
func elsewhere(mounts []mounted, real string) []string {
	own := -1
	for i, m := range mounts {
		if under(real, m.at) && (own < 0 || len(m.at) >= len(mounts[own].at)) { // of two at one place the later is on top
			own = i
		}
	}
	if own < 0 {
		return nil
	}
	inside := below(mounts[own].root, real, mounts[own].at)
	var paths []string
	for i, m := range mounts {
		switch {
		case i == own || m.device != mounts[own].device:
		case under(inside, m.root):
			paths = append(paths, below(m.at, inside, m.root))
		case under(m.root, inside):
			paths = append(paths, m.at)
		}
	}
	return paths
}

// below puts what comes after folder in name after another folder.
func below(other, name, folder string) string {
	if folder == "/" {
		return path.Join(other, name)
	}
	return path.Join(other, name[len(folder):])
}

// deniedElsewhere denies what is denied under its other names as well.
func (pl *planner) deniedElsewhere() error {
	rules := pl.policy.Paths
	for i := range rules {
		rule := &rules[i]
		if rule.Effect == policy.Allow || rule.Glob {
			continue
		}
		for _, name := range elsewhere(pl.finder.mounts, rule.Path) {
			if pl.policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect != policy.Allow {
				continue
			}
			place, err := pl.lookups.resolve(name)
			if err != nil {
				return err
			}
			if !place.exists || place.real != name {
				continue
			}
			same := *rule
			same.Path, same.Except = name, nil
			pl.found(same)
			pl.boundary(name, same, place)
			pl.warn("%s is denied: %s is mounted there", name, rule.Path)
		}
	}
	return nil
}
