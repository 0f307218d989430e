package main

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// answerOf is what a cage on this machine answers. The kernel follows links: what counts
// is where a path leads, and that each link on the way may be read.
func (t *terminal) answerOf(p *policy.Policy, request policy.Request) policy.Decision {
	seen := sandbox.PreviewOf(p)
	if seen.Refused != nil {
		return policy.Decision{Effect: policy.Deny, Rule: "the agent does not start: " + seen.Refused.Error(), Origin: p.Default}
	}
	if request.Path == "" {
		return t.inPlace(&seen, request)
	}
	real, links := followed(request.Path)
	if real == "" {
		return policy.Decision{Effect: policy.Deny, Rule: "more links are on its way than the kernel follows", Origin: policy.Origin{BuiltIn: "links that lead nowhere"}}
	}
	for _, link := range links {
		if way := seen.Follows(link.path, link.target); way.Effect != policy.Allow {
			way.Rule = "the link " + link.path + " may not be read: " + way.Rule
			return way
		}
	}
	request.Path = withoutUp(request.Path)
	if real == request.Path {
		return t.inPlace(&seen, request)
	}
	named := seen.Policy.Explain(request)
	closed := notOpened(seen.Unmet, request.Path, &named)
	request.Path = real
	decision := t.inPlace(&seen, request)
	switch {
	case named.Rule == policy.RuleSystem: // the name that a program is started by counts, too
		return named
	case closed != nil && decision.Effect == policy.Deny && decision.Rule == policy.RuleNone:
		decision.Rule, decision.Origin = closed.String(), closed.Origin
	case closed != nil || decision.Effect != named.Effect:
		decision.Rule = "it leads to " + real + ": " + decision.Rule
	case decision.Effect == policy.Allow:
		return named
	}
	return decision
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

// wayLink is a link on the way of a path.
type wayLink struct{ path, target string }

// followed is where a path leads, one name after the other, as far as it exists, and the
// links on the way. It leads nowhere when these are too many.
func followed(name string) (real string, links []wayLink) {
	const most = 40 // links, as the kernel's MAXSYMLINKS
	at, rest := "/", strings.Split(name, "/")
	for len(rest) > 0 {
		next := filepath.Join(at, rest[0]) // an empty name is none, and .. is the folder above
		rest = rest[1:]
		target, err := os.Readlink(next)
		if err != nil {
			at = next
			continue
		}
		if links = append(links, wayLink{next, target}); len(links) > most {
			return "", nil
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, links
}

// withoutUp is a clean name of an absolute path. A .. in it is the folder above where the
// path leads so far, as for the kernel.
func withoutUp(name string) string {
	if at := strings.LastIndex(name+"/", "/../"); at >= 0 {
		so, _ := followed(name[:at+len("/..")])
		return filepath.Join(so, name[at+len("/.."):])
	}
	return filepath.Clean(name)
}

// inPlace is the decision about a path with no link in it or about a connection, beside
// what no policy knows: which files are there, and where the gateway listens.
func (t *terminal) inPlace(seen *sandbox.Preview, request policy.Request) policy.Decision {
	decision := seen.Policy.Explain(request)
	if request.Class != policy.ClassNet {
		return onDisk(seen, request, decision)
	}
	snapshot, err := t.loadConfig()
	if err != nil || !request.Address.IsValid() || snapshot.Config.Gateway.Port != int(request.Port) {
		return decision
	}
	if host, err := netip.ParseAddr(snapshot.Config.Gateway.Host); err == nil && host == request.Address && host.IsLoopback() {
		decision.Effect, decision.Rule = policy.Allow, "built-in: the gateway's agent endpoint"
		decision.Origin = policy.Origin{BuiltIn: "the gateway's agent endpoint"}
	}
	return decision
}

// onDisk is a decision beside which files are there, here and in a cage.
func onDisk(seen *sandbox.Preview, request policy.Request, decision policy.Decision) policy.Decision {
	info, err := os.Lstat(request.Path)
	allowed, reads := decision.Effect == policy.Allow, request.Class == policy.ClassPathRead
	switch {
	case seen.Own(request.Path) && allowed && request.Class != policy.ClassPathWrite && err == nil && emptyInCage(request.Path):
		decision.Effect, decision.Rule = policy.Deny, "it is not there: the cage has a folder of its own in its place, which begins empty"
		decision.Origin = policy.Origin{BuiltIn: "the cage's own folder"}
	case allowed && request.Class == policy.ClassPathWrite && errors.Is(err, fs.ErrNotExist):
		folder := policy.Request{Class: policy.ClassPathRead, Path: filepath.Dir(request.Path)}
		readable := seen.Policy.Decide(folder)
		folder.Class = policy.ClassPathWrite
		if readable.Effect == policy.Allow && seen.Policy.Decide(folder).Effect != policy.Allow && !seen.Served(folder.Path) {
			decision.Effect, decision.Origin = policy.Deny, readable.Origin
			decision.Rule = "it does not exist, and a folder that may only be read takes no new file: " + readable.Rule
		}
	case allowed && request.Class == policy.ClassExec && err == nil && info.IsDir():
		decision.Effect, decision.Rule = policy.Deny, "it is a folder, which nobody can run"
		decision.Origin = policy.Origin{BuiltIn: "a folder is no program"}
	case !allowed && reads && err == nil && info.IsDir() && seen.Leads(request.Path):
		decision.Effect, decision.Rule = policy.Allow, "a folder on the way to what is allowed: the agent sees that of it, and nothing else"
		decision.Origin = policy.Origin{BuiltIn: "the way to what is allowed"}
	}
	if decision.Effect == policy.Allow && !seen.Own(request.Path) && refusedToAll(request.Class, request.Path) {
		decision.Effect, decision.Rule = policy.Deny, "its own permissions refuse it to you as well, without a cage"
		decision.Origin = policy.Origin{BuiltIn: "the permissions of the file"}
	}
	return decision
}

// emptyInCage reports whether a name lies in a folder that each cage has of its own and
// that holds nothing as it begins.
func emptyInCage(name string) bool {
	for _, folder := range []string{"/tmp/", "/run/", "/dev/shm/"} {
		if strings.HasPrefix(name, folder) {
			return true
		}
	}
	return false
}
