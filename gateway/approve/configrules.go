package approve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"openclaw/configs"
	"openclaw/sandbox/policy"
)

// ConfigStore is the live config; *configs.Store is one.
type ConfigStore interface {
	Current() *configs.Snapshot
	Preview(func(*configs.Document) error) (*configs.Snapshot, error)
	Edit(func(*configs.Document) error) error
}

// ConfigRules writes rules into the config file, where comments and layout
// stay. It writes nothing that would not allow what was asked, and nothing that
// would take something else away.
type ConfigRules struct{ Store ConfigStore }

// Preview says what Add would write.
func (c ConfigRules) Preview(r Rule) (Written, error) {
	written, _, err := c.plan(r)
	return written, err
}

// Add writes the rule and returns when the new config is in force.
func (c ConfigRules) Add(ctx context.Context, r Rule) (Written, error) {
	var written Written
	err := beside(ctx, func() error {
		planned, change, err := c.plan(r)
		if err == nil {
			written, err = planned, c.Store.Edit(change)
		}
		return err
	})
	if err != nil {
		return Written{}, reasonOf(err)
	}
	// The file may have been edited by somebody else since the plan.
	if after := c.Store.Current(); after.Written(written.List) {
		written.locate(after)
	}
	return written, nil
}

// saveTime is how long an editor that saves the config is waited for, and saveEach how
// often it is looked whether it has.
const (
	saveTime = 2 * time.Second
	saveEach = 50 * time.Millisecond
)

// beside changes the config beside a person's editor: where that saves at this very
// moment, which for some is to take the file away and write it anew, once more after it.
func beside(ctx context.Context, change func() error) error {
	var err error
	for range saveTime / saveEach {
		if err = change(); !errors.Is(err, configs.ErrChanged) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(saveEach):
		}
	}
	return err
}

// Remove takes the rule away, and what was made for it as far as nothing else
// stands in it by now.
func (c ConfigRules) Remove(ctx context.Context, w Written) error {
	change := func(d *configs.Document) error {
		index, length := d.Find(w.List, w.Item)
		switch {
		case index < 0:
			return errors.New("the rule does not stand in the config any more")
		case len(w.Made) == 0 || length > 1:
			return d.Remove(configs.ItemKey(w.List, index))
		}
		for i, key := range w.Made {
			if i > 0 && !d.Hollow(key) {
				break
			}
			if err := d.Remove(key); err != nil {
				return err
			}
		}
		return nil
	}
	return reasonOf(beside(ctx, func() error { return c.Store.Edit(change) }))
}

// plan finds what to write and proves on a copy that it does what it is for.
func (c ConfigRules) plan(r Rule) (Written, func(*configs.Document) error, error) {
	refuse := func(hint, format string, args ...any) (Written, func(*configs.Document) error, error) {
		return Written{}, nil, &Error{Op: "write rule", Kind: KindRefused, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	now := c.Store.Current()
	compiled, err := now.Policy(r.Agent)
	if err != nil {
		return refuse("", "the config has no agent %s", r.Agent)
	}
	list, item, err := entry(r, compiled.Home)
	if err != nil {
		return refuse("", "%w", err)
	}
	if allows(compiled, r) {
		return refuse("", "the config allows it already")
	}
	switch kind := kindOf(r); {
	case kind == fs.ModeSymlink:
		return refuse("answer for this once, and always where it leads", "it is a link, and a rule opens what a link leads to")
	case kind == fs.ModeDir && !r.Below:
		return refuse("answer with match folder where its listing is asked about, or write it into allowed_paths", "it is a folder, and a rule opens a folder with all below it")
	}
	// A list that only the role has counts whole. An own one would be cut with it.
	role := now.Config.Agents[r.Agent].Role
	keys := keysOf(r.Agent, list)
	own := keys[0]
	roles := configs.KeyOf("roles", role, "permissions") + "." + list
	if role != "" && now.Written(roles) && !now.Written(own) {
		line, _ := now.Where(roles)
		return refuse("add it there, for every agent of the role", "%s of agent %s stands in role %s (%s:%d)", list, r.Agent, role, filepath.Base(now.Path), line)
	}
	change := func(d *configs.Document) error { return d.Append(own, item) }
	after, err := c.Store.Preview(change)
	if err != nil {
		return Written{}, nil, reasonOf(err) // of who saves just now, too: see beside
	}
	next, err := after.Policy(r.Agent)
	if err != nil {
		return Written{}, nil, reasonOf(err)
	}
	if d := decide(next, r); d.Effect != policy.Allow {
		return refuse("change that rule in the config", "the rule would have no effect, because of %s (%s)", d.Rule, d.Origin.String())
	}
	written := Written{File: filepath.Base(after.Path), List: own, Item: item}
	for _, key := range keys {
		if now.Written(key) {
			break
		}
		written.Made = append(written.Made, key)
	}
	written.locate(after)
	_, diff := configs.Diff(now, after)
	written.Lines = slices.DeleteFunc(diff, func(line string) bool { return line[0] != '+' && line[0] != '-' })
	return written, change, nil
}

// kindOf is what a rule on a path would be of now, as far as it opens more than that one
// name, which is all that the question said: behind a link is what it leads to, and below
// a folder is all that is in it.
func kindOf(r Rule) fs.FileMode {
	if r.Class == policy.ClassNet {
		return 0
	}
	info, err := os.Lstat(r.Target)
	if err != nil {
		return 0 // it is to be made
	}
	return info.Mode().Type()
}

// keysOf are the key of an agent's list and those above it, the innermost first.
func keysOf(agent, list string) []string {
	names := append([]string{"agents", agent, "permissions"}, strings.Split(list, ".")...)
	keys := make([]string, 0, len(names))
	for n := len(names); n > 0; n-- {
		keys = append(keys, configs.KeyOf(names[:n]...))
	}
	return keys
}

// locate finds the place of the newest item of the list.
func (w *Written) locate(in *configs.Snapshot) {
	last := -1
	for in.Written(configs.ItemKey(w.List, last+1)) {
		last++
	}
	if last < 0 {
		return
	}
	w.Line, _ = in.Where(configs.ItemKey(w.List, last))
	if lines := strings.Split(string(in.Text), "\n"); w.Line > 0 && w.Line <= len(lines) {
		w.Text = strings.TrimSpace(lines[w.Line-1])
	}
}

// entry is the list of the permissions and what is added to it.
func entry(r Rule, home string) (list string, item any, err error) {
	switch r.Class {
	case policy.ClassPathRead:
		return "allowed_paths", policy.PathEntry{Path: configs.WrittenPath(r.Target, home), Access: policy.AccessRead}, nil
	case policy.ClassPathWrite:
		return "allowed_paths", configs.WrittenPath(r.Target, home), nil
	case policy.ClassNet:
		host, _ := splitTarget(r.Target)
		if _, err := netip.ParseAddr(host); err == nil {
			return "network.allowed_ips", r.Target, nil
		}
		return "network.allowed_domains", r.Target, nil
	case policy.ClassExec, policy.ClassLimit:
	}
	return "", nil, errors.New("the config has no list of allowed programs")
}

// splitTarget reads host:port, or a host alone.
func splitTarget(target string) (host string, port uint16) {
	host, text, err := net.SplitHostPort(target)
	if err != nil {
		return target, 0
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return host, 0
	}
	return host, uint16(number)
}

func allows(p *policy.Policy, r Rule) bool { return decide(p, r).Effect == policy.Allow }

func decide(p *policy.Policy, r Rule) policy.Decision { return Judge(p, r.Class, r.Asked) }

// Judge is what a policy says of the target of an ask.
func Judge(p *policy.Policy, class policy.Class, target string) policy.Decision {
	if class != policy.ClassNet {
		return p.Decide(policy.Request{Class: class, Path: target})
	}
	host, port := splitTarget(target)
	return p.DecideName(host, port)
}

// reasonOf puts the first problem of a config's error in front.
func reasonOf(err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if errors.Is(err, configs.ErrChanged) {
		return &Error{Op: "edit config", Err: err, Hint: "somebody is saving it just now: close the file in the editor, and answer again with scope always"}
	}
	known, ok := errors.AsType[*configs.Error](err)
	if !ok || len(known.Problems) == 0 {
		return &Error{Op: "edit config", Err: err}
	}
	return &Error{Op: "edit config", Err: &problem{known.Problems[0].String(), known}, Hint: known.Hint}
}

// problem is the first one of an error of the config.
type problem struct {
	text string
	of   *configs.Error
}

func (p *problem) Error() string { return p.text }
func (p *problem) Unwrap() error { return p.of }
