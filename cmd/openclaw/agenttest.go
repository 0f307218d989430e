package main

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// answerOf is what a cage on this machine answers: the kernel follows links, so that a
// name is refused for what it leads to as well.
func (t *terminal) answerOf(p *policy.Policy, request policy.Request) policy.Decision {
	seen := sandbox.PreviewOf(p)
	if seen.Refused != nil {
		return policy.Decision{Effect: policy.Deny, Rule: "the agent does not start: " + seen.Refused.Error(), Origin: p.Default}
	}
	decision := t.inPlace(seen.Policy, request, seen.Policy.Explain(request))
	real := followed(request.Path)
	if request.Path == "" || real == request.Path {
		return decision
	}
	closed := notOpened(seen.Unmet, request.Path, &decision)
	request.Path = real
	behind := t.inPlace(seen.Policy, request, seen.Policy.Explain(request))
	order := []policy.Effect{policy.Deny, policy.Ask, policy.Allow}
	switch {
	case closed == nil && slices.Index(order, behind.Effect) >= slices.Index(order, decision.Effect):
		return decision
	case closed != nil && behind.Effect == policy.Deny && behind.Rule == policy.RuleNone:
		behind.Rule, behind.Origin = closed.String(), closed.Origin
		return behind
	}
	behind.Rule = "it leads to " + real + ": " + behind.Rule
	return behind
}

// notOpened finds why the rule by which a path is allowed opens nothing.
func notOpened(list []policy.Unmet, name string, decision *policy.Decision) *policy.Unmet {
	for i := range list {
		u := &list[i]
		within := name == u.Path || strings.HasPrefix(name, strings.TrimSuffix(u.Path, "/")+"/")
		if u.Kind == policy.UnmetLink && decision.Effect == policy.Allow && decision.Origin == u.Origin && within {
			return u
		}
	}
	return nil
}

// followed is where a path leads, one name after the other, as far as it exists.
func followed(name string) string {
	const most = 40 // links, as the kernel's MAXSYMLINKS
	at, rest := "/", strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0]) // an empty name is none, and .. is the folder above
		rest = rest[1:]
		target, err := os.Readlink(next)
		if err != nil {
			at = next
			continue
		}
		if links++; links > most {
			return name
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at
}

// inPlace is a decision beside what no policy knows: which files are there, and
// where the gateway listens.
func (t *terminal) inPlace(p *policy.Policy, request policy.Request, decision policy.Decision) policy.Decision {
	switch request.Class {
	case policy.ClassPathWrite:
		folder := policy.Request{Class: policy.ClassPathRead, Path: filepath.Dir(request.Path)}
		readable := p.Decide(folder)
		folder.Class = policy.ClassPathWrite
		if _, err := os.Lstat(request.Path); decision.Effect == policy.Allow && errors.Is(err, fs.ErrNotExist) &&
			readable.Effect == policy.Allow && p.Decide(folder).Effect != policy.Allow {
			decision.Effect, decision.Origin = policy.Deny, readable.Origin
			decision.Rule = "it does not exist, and a folder that may only be read takes no new file: " + readable.Rule
		}
	case policy.ClassNet:
		snapshot, err := t.loadConfig()
		if err != nil || !request.Address.IsValid() || snapshot.Config.Gateway.Port != int(request.Port) {
			break
		}
		if host, err := netip.ParseAddr(snapshot.Config.Gateway.Host); err == nil && host == request.Address && host.IsLoopback() {
			decision.Effect, decision.Rule = policy.Allow, "built-in: the gateway's agent endpoint"
			decision.Origin = policy.Origin{BuiltIn: "the gateway's agent endpoint"}
		}
	case policy.ClassPathRead, policy.ClassExec, policy.ClassLimit:
	}
	return decision
}
