package approve

import (
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// Request is one call of a caged program that waits for an answer. Agent and
// Run are the gateway's own knowledge, the rest is what the cage saw.
type Request struct {
	Agent       string
	Run         string
	PID         int
	Program     string
	CommandLine string // the agent's own words
	Class       policy.Class
	Operation   string
	Target      string
	Rule        string
	Origin      policy.Origin
	Mechanism   string
	Connection  string // that is held, as the screen lists it once it is allowed; empty: none

	Timeout     time.Duration  // until it is denied, on a clock that Pause stops; 0 is 60 s
	Home        string         // of the person: never allowed as a whole from here
	NeverAlways []policy.Class // of the agent's policy
}

// Verdict is the answer to a Request.
type Verdict struct {
	ID     string // of the row; empty when no row was made
	Allow  bool
	Reason string // of a denial, as its rule says it
	Seen   int    // of a yes for once: the requests that it is to, of those that Alike counts; 0: to all
}

// Reasons of denials. That of a missed one names its time; the note of an answer
// follows ReasonDenied.
const (
	ReasonDenied      = "ask: denied by you"
	ReasonGone        = "ask: the program is gone"
	ReasonLimited     = "ask: more than 20 asks in a minute"
	ReasonTooMany     = "ask: too many wait for an answer"
	ReasonNotRecorded = "ask: the answer could not be recorded"
)

// ReasonMissed is the reason of a denial because nobody answered in time; it
// names the time as the config writes it: "60s", "5m".
func ReasonMissed(timeout time.Duration) string {
	text := timeout.String()
	switch {
	case timeout%time.Minute == 0 && timeout > time.Minute:
		text = strconv.Itoa(int(timeout/time.Minute)) + "m"
	case timeout%time.Second == 0:
		text = strconv.Itoa(int(timeout/time.Second)) + "s"
	}
	return "ask: no answer in " + text
}

// Scope is how long an answer holds.
type Scope string

// The scopes: for what waits now, until the run ends, or as a rule of the
// config.
const (
	Once   Scope = "once"
	Run    Scope = "run"
	Always Scope = "always"
)

// Match is how far an answer for Run or Always reaches.
type Match string

// The matches: the target as it was asked for; every port of its host; its
// folder with all below it.
const (
	Exact  Match = "exact"
	Host   Match = "host"
	Folder Match = "folder"
)

// domain reports whether a match is a domain with all that is below it, as
// allowed_domains writes it: "*.example.com".
func (m Match) domain() bool { return strings.HasPrefix(string(m), wildcard) && len(m) > len(wildcard) }

const wildcard = "*."

// Decision is a person's answer.
type Decision struct {
	Allow bool
	Scope Scope // empty: Once
	Match Match // empty: Exact
	Note  string
	By    string // the client that answered, for people
	From  string // where it came from, for the audit log
}

// key is what makes two asks alike.
type key struct {
	agent     string
	class     policy.Class
	operation string
	target    string
	program   string // a person who sees one has not said yes to another
}

func keyOf(r *Request) key { return key{r.Agent, r.Class, r.Operation, r.Target, r.Program} }

// domainsOf are the domains above a host, nearest first, up to the one that
// somebody can own: the public suffix list (publicsuffix.org) says that everybody
// below "co.uk" or "github.io" is somebody else.
func domainsOf(host string) []string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	owned, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return nil
	}
	var list []string
	for host != owned && len(list) < maxDomains {
		_, above, _ := strings.Cut(host, ".")
		if above == "" {
			break
		}
		list, host = append(list, wildcard+above), above
	}
	return list
}

// maxDomains bounds the steps to a wider domain.
const maxDomains = 4

// matches lists how far an answer to a request may reach, narrowest first.
func matches(r *Request) []string {
	switch r.Class {
	case policy.ClassNet:
		list := []string{string(Exact)}
		if _, _, err := net.SplitHostPort(r.Target); err == nil {
			list = append(list, string(Host))
		}
		return append(list, domainsOf(hostOf(r.Target))...)
	case policy.ClassPathRead, policy.ClassPathWrite, policy.ClassExec:
		if folder := folderOf(r); strings.HasPrefix(folder, "/") && !under(path.Join("/", r.Home), folder) {
			return []string{string(Exact), string(Folder)}
		}
	case policy.ClassLimit: // never asked about
	}
	return []string{string(Exact)}
}

// folderOf is the folder that a wider answer is about: the target itself where
// it was opened as one.
func folderOf(r *Request) string {
	if r.Operation == "opendir" {
		return r.Target
	}
	return path.Dir(r.Target)
}

// under reports whether name is folder or lies below it.
func under(name, folder string) bool {
	return name == folder || folder == "/" || strings.HasPrefix(name, folder+"/")
}

func hostOf(target string) string {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return target
	}
	return host
}

// noAlways says why "always" is not offered; empty: it is.
func noAlways(r *Request) string {
	switch {
	case r.Class == policy.ClassLimit:
		return "a limit is raised where it stands in the config"
	case r.Class == policy.ClassExec:
		return "the config has no list of allowed programs: allow the folder with allowed_paths"
	case slices.Contains(r.NeverAlways, r.Class):
		return "never_always of agent " + r.Agent + " lists " + string(r.Class)
	case strings.ContainsRune(r.Target, '\uFFFD'):
		return "the name is not UTF-8 and cannot be written into the config"
	}
	return ""
}

// show makes the row of a new ask, without the secrets that an agent's words and the
// rule may hold. A wider answer whose name holds one is not offered.
func (i *Inbox) show(r *Request, now time.Time) event.Ask {
	offered := slices.DeleteFunc(matches(r), func(match string) bool { return i.o.Mask(match) != match })
	return event.Ask{
		State: event.AskWaiting, First: now, Last: now, Agent: r.Agent, Run: r.Run, PID: r.PID,
		Program: i.o.Mask(r.Program), CommandLine: i.o.Mask(r.CommandLine), Class: r.Class, Operation: r.Operation,
		Target: i.o.Mask(r.Target), Rule: i.o.Mask(r.Rule), Origin: r.Origin, Mechanism: r.Mechanism, Matches: offered, NoAlways: noAlways(r),
	}
}
