//go:build linux

package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// barred refuses a call with an errno. Where there is a Listener the call is handed over
// to it: it reads the same rule over the same registers, which no other thread changes,
// refuses whatever the Handler would say, and tells of it.
func barred(o Options, e unix.Errno) []unix.SockFilter {
	if o.Notify && !o.judging {
		return notify(o)
	}
	return errno(e)
}

func bar(e unix.Errno) rule {
	return func(o Options) []unix.SockFilter { return barred(o, e) }
}

// bars are the rules that bar calls, by the call's number.
type bars map[int]barring

type barring struct {
	name string
	rule []unix.SockFilter // answers with an errno what is barred
}

// barsOf makes the bars of all filters for an architecture: of the options, the strictest
// count. What another filter lets through it does not hand over.
func barsOf(arch string, reduced bool) bars {
	o := Options{Arch: arch, Notify: true, Reduced: reduced, NoScopes: true, judging: true}
	silent := o
	silent.judging = false
	out := bars{}
	for _, r := range table() {
		if body := r.rule(o); r.number(arch) != none && !slices.Equal(body, r.rule(silent)) {
			out[r.number(arch)] = barring{r.name, body}
		}
	}
	return out
}

// refuse reports whether a call is barred, and with which errno.
func (b bars) refuse(number int, arguments *[6]uint64) (e unix.Errno, name string, barred bool) {
	k, ok := b[number]
	if !ok {
		return 0, "", false
	}
	value := evaluate(k.rule, arguments)
	if value&unix.SECCOMP_RET_ACTION_FULL != unix.SECCOMP_RET_ERRNO {
		return 0, k.name, false
	}
	return unix.Errno(value & unix.SECCOMP_RET_DATA), k.name, true
}

// evaluate runs the rule of one call as the kernel does. What it does not know refuses.
func evaluate(rule []unix.SockFilter, arguments *[6]uint64) uint32 {
	const cannot = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	var a uint32
	for at := 0; at < len(rule); at++ {
		in := rule[at]
		var yes bool
		switch in.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			n := int(in.K) - int(offsetArgument(0))
			if n < 0 || n%8 != 0 || n/8 >= len(arguments) {
				return cannot
			}
			a = uint32(arguments[n/8])
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= in.K
			continue
		case unix.BPF_RET | unix.BPF_K:
			return in.K
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			yes = a == in.K
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			yes = a&in.K != 0
		default:
			return cannot
		}
		if yes {
			at += int(in.Jt)
		} else {
			at += int(in.Jf)
		}
	}
	return cannot
}

// BarredCalls are the names of the calls that a Listener can be told of as barred.
func BarredCalls(arch string, reduced bool) []string {
	var names []string
	for _, k := range barsOf(arch, reduced) {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names
}

// barredShapes are the calls about an open file that nobody but the bars looks at.
func barredShapes() map[string]shape {
	file := shape{"", policy.ClassPathWrite, -1, -1, -1, -1, -1, 0}
	return map[string]shape{"fcntl": file, "ioctl": file}
}

// bar tells of a call that is barred. It returns false when nobody waits for the answer
// any more.
func (l *Listener) bar(n *notification, name string) (waits bool) {
	k, decodes := l.calls[int(n.number)]
	if s, ok := barredShapes()[name]; ok {
		k, decodes = known{name: name, shape: s}, true
	}
	call := Call{TID: int(n.tid), Class: policy.ClassExec}
	if decodes && !k.handlerOnly && l.barred != nil {
		call, _ = k.decode(n) // refused also where nothing can be read of what it is about
	}
	call.Syscall, call.Name, call.Arguments = int(n.number), name, n.arguments
	if call.Operation == "" {
		call.Operation = name
	}
	l.complete(&call, n)
	if !call.Valid() {
		return false
	}
	if l.barred != nil {
		l.barred(call)
	}
	return true
}

// complete adds what is known of every call.
func (l *Listener) complete(call *Call, n *notification) {
	if !l.late || call.Class != policy.ClassPathWrite {
		call.PID = processOf(call.TID)
	}
	call.Valid = func() bool { return l.valid(n.id) }
	call.Install = func(descriptor int, closeOnExec bool) (int, error) { return l.install(n.id, descriptor, closeOnExec) }
}
