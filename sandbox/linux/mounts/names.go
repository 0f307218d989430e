//go:build linux

package mounts

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// Bounds of the look for second names, in files: about 2 µs each.
const (
	maxDeniedLooked  = 20_000
	maxAllowedLooked = 200_000
	maxNamesTold     = 20
)

// SecondNames looks for files that are denied and have another name (a hard
// link), which was made before the run and which the policy allows: nothing can
// tell the two apart. It returns what to tell the person. It takes up to half a
// second and ends early with ctx.
func (plan *Plan) SecondNames(ctx context.Context) []string {
	p := plan.Policy
	s := nameSearch{ctx: ctx, policy: p, denied: map[fileNumber]string{}}
	s.left = maxDeniedLooked
	for i := range p.Paths {
		if rule := &p.Paths[i]; rule.Effect != policy.Allow && !rule.Glob && !plan.missing[rule.Path] {
			s.walk(rule.Path, nil, s.isDenied)
		}
	}
	deniedLeft := s.left
	if s.left = maxAllowedLooked; hasPattern(p) { // what a pattern denies lies in the allowed folders
		s.allowed(true, s.isDenied)
	}
	if len(s.denied) > 0 {
		s.left = maxAllowedLooked
		s.allowed(false, s.isSecond)
	}
	if ctx.Err() != nil {
		return nil
	}
	if s.told > maxNamesTold {
		s.warnings = append(s.warnings, fmt.Sprintf("%d more names of denied files are reachable", s.told-maxNamesTold))
	}
	if s.left < 0 || deniedLeft < 0 {
		s.warnings = append(s.warnings, "not every file was looked at for second names of denied ones: there are too many")
	}
	return s.warnings
}

func hasPattern(p *policy.Policy) bool {
	for i := range p.Paths {
		if p.Paths[i].Glob && p.Paths[i].Effect != policy.Allow {
			return true
		}
	}
	return false
}

type fileNumber struct{ device, inode uint64 }

type nameSearch struct {
	ctx      context.Context
	policy   *policy.Policy
	denied   map[fileNumber]string // those with more than one name
	left     int
	told     int
	warnings []string
}

// allowed walks through what people opened; with onlyDenied it looks at what is denied
// there alone, since to ask the policy costs less than to look at a file.
func (s *nameSearch) allowed(onlyDenied bool, visit func(string, fileNumber)) {
	for i := range s.policy.Paths {
		rule := &s.policy.Paths[i]
		if rule.Effect != policy.Allow || rule.Glob || rule.System {
			continue
		}
		var inside *policy.Policy
		if onlyDenied {
			inside = s.policy.Inside(rule.Path)
		}
		s.walk(rule.Path, inside, visit)
	}
}

// walk visits every file with more than one name, unless deniedBy is there and does not
// deny it.
func (s *nameSearch) walk(start string, deniedBy *policy.Policy, visit func(string, fileNumber)) {
	var own unix.Stat_t
	if lstat(start, &own) != nil {
		return
	}
	if typeOf(own.Mode) != fs.ModeDir { // as most of what is denied
		if s.left--; typeOf(own.Mode).IsRegular() && own.Nlink > 1 {
			visit(start, fileNumber{own.Dev, own.Ino})
		}
		return
	}
	_ = filepath.WalkDir(start, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return skipFolder(entry)
		}
		if s.left--; s.left < 0 || s.ctx.Err() != nil {
			return fs.SkipAll
		}
		if !entry.Type().IsRegular() || deniedBy != nil && decide(deniedBy, name) != policy.Deny {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // it has gone
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink > 1 {
			visit(name, fileNumber{stat.Dev, stat.Ino})
		}
		return nil
	})
}

func skipFolder(entry fs.DirEntry) error {
	if entry != nil && entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func decide(p *policy.Policy, name string) policy.Effect {
	return p.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect
}

func (s *nameSearch) isDenied(name string, file fileNumber) {
	if _, known := s.denied[file]; !known && decide(s.policy, name) == policy.Deny {
		s.denied[file] = name
	}
}

func (s *nameSearch) isSecond(name string, file fileNumber) {
	denied, ok := s.denied[file]
	if !ok || decide(s.policy, name) != policy.Allow {
		return
	}
	if s.told++; s.told <= maxNamesTold {
		s.warnings = append(s.warnings, fmt.Sprintf("%s is readable and another name of %s, which is denied: a hard link, made before this run; remove it, or deny it too", name, denied))
	}
}
