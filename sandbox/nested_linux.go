package sandbox

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/cgroup"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// atNamespace refuses a call that would make namespaces. The filter hands over
// none that it would let go on.
func (j *judge) atNamespace(call seccomp.Call) seccomp.Verdict {
	current := j.policy.Load()
	flags := call.Arguments[0]
	decision := policy.Decision{Effect: policy.Deny, Rule: ruleNested, Origin: current.NestedFrom}
	if j.process.spec.Policy.Nested && flags&unix.CLONE_NEWCGROUP != 0 {
		decision = policy.Decision{
			Effect: policy.Deny, Rule: "nested: no cgroup namespace, because its control group is the user's own",
			Origin: policy.Origin{BuiltIn: "it would let the agent end or freeze what runs beside the cage"},
		}
	}
	return j.refuse(call, policy.ClassExec, namespaceWords(flags), decision, unix.EPERM)
}

// namespaceWords names what a call would have made.
func namespaceWords(flags uint64) string {
	var names []string
	for _, kind := range []struct {
		flag uint64
		name string
	}{
		{unix.CLONE_NEWUSER, "user"}, {unix.CLONE_NEWNS, "mount"}, {unix.CLONE_NEWPID, "process"}, {unix.CLONE_NEWNET, "network"},
		{unix.CLONE_NEWIPC, "IPC"}, {unix.CLONE_NEWUTS, "host name"}, {unix.CLONE_NEWCGROUP, "cgroup"}, {unix.CLONE_NEWTIME, "time"},
	} {
		if flags&kind.flag != 0 {
			names = append(names, kind.name)
		}
	}
	return "a sandbox of its own (new " + strings.Join(names, ", ") + " namespace)"
}

// elsewhere reports whether a thread sees another tree than the cage's: one
// that a nested sandbox made. The names that it uses are not the cage's then.
func (j *judge) elsewhere(thread int) bool {
	if !j.process.spec.Policy.Nested {
		return false
	}
	theirs, err := os.Readlink("/proc/" + strconv.Itoa(thread) + "/ns/mnt")
	return err != nil || theirs != j.process.identity.mountNamespace()
}

// atCallElsewhere judges a call of a nested sandbox by what does not depend on
// names; mounts, the gate and the network are its walls as well.
func (j *judge) atCallElsewhere(call seccomp.Call) seccomp.Verdict {
	if call.Class == policy.ClassExec {
		name := path.Join("/usr/bin", path.Base(call.Path))
		current := j.policy.Load()
		decision := current.Decide(policy.Request{Class: policy.ClassExec, Path: name})
		if decision.Effect == policy.Deny && !current.Exec.System && decision.Origin == current.Exec.SystemFrom {
			return j.refuse(call, policy.ClassExec, call.Path, decision, unix.EACCES)
		}
	}
	return seccomp.Verdict{}
}

// nestedSocket refuses a socket whose path is in a tree that the cage does not
// know.
func nestedSocket() policy.Decision {
	return policy.Decision{
		Effect: policy.Deny, Rule: "nested: no socket with a path is reached from a nested sandbox, but below the cage's own /tmp",
		Origin: policy.Origin{BuiltIn: "the path is in a tree of the program's own, and the policy has no word on it"},
	}
}

// nestedWarnings are what the report of a run with nested sandboxes says.
func nestedWarnings(p *policy.Policy, cgroups bool) []string {
	if !p.Nested {
		return nil
	}
	list := []string{fmt.Sprintf("nested: true (%s) opens much of the kernel to every program of this run: openclaw agent show %s lists what", p.NestedFrom, p.Agent)}
	if !cgroups {
		list = append(list, "nested: cgroup namespaces are refused, because this user may change the control group that one would show (bwrap --unshare-all needs one; name the others)")
	}
	return list
}

// cgroupNamespaces reports whether a cgroup namespace of the cage shows nothing
// that matters outside: the run's own group, or groups that this user may not
// change.
func (b *bounds) cgroupNamespaces() bool {
	return cgroup.NamespaceSafe(b.group != nil)
}

// mountNamespace names the cage's own mount namespace.
func (i *identity) mountNamespace() string {
	name, err := os.Readlink("/proc/" + strconv.Itoa(i.init) + "/ns/mnt")
	if err != nil {
		return ""
	}
	return name
}
