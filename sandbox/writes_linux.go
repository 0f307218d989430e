package sandbox

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// Words of a denial by max_file_size.
const (
	operationOutgrow = "outgrow" // no refusal was seen: the file has no room left
	oneOfItsFiles    = "(a file that it had open: the kernel does not say which)"
)

// watchSizes hears of files that reach max_file_size, until the run's end.
func (j *judge) watchSizes() {
	p := j.process
	if p.spec.Policy.MaxFileSize <= 0 {
		return
	}
	j.grown = newGrown(p.spec.Policy.MaxFileSize, j.atGrown)
	p.services.Go(func() { j.grown.run(p.over) })
	if j.ends = newEnds(j.atEnd); j.ends != nil {
		p.services.Go(func() { j.ends.run(p.over) })
	}
}

// executes is told of a program that a process is let load.
func (j *judge) executes(call seccomp.Call) {
	if j.grown == nil {
		return
	}
	pid, waits := call.Process()
	if !waits {
		return
	}
	j.callers.forget(refused{pid: pid})
	j.grown.executes(pid, call.Path)
	if j.ends != nil {
		j.ends.follow(pid, call.Path)
	}
}

// writes is told of a call that changes a path and is let go on.
func (j *judge) writes(call seccomp.Call) seccomp.Verdict {
	if j.grown == nil {
		return seccomp.Verdict{}
	}
	switch call.Operation {
	case "open", "create":
		flags := int(call.Flags)
		if call.Name == "creat" {
			flags = unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC
		}
		if real, ok := j.writable(call); ok {
			j.opens(call, real, flags)
		}
	case "truncate":
		if real, ok := j.writable(call); ok {
			return j.atTruncateByName(call, real)
		}
	case "unlink", "rename":
		for _, name := range []string{call.Written, call.Written2} {
			if name != "" {
				real, _, _ := j.lookup(call.TID, name, false)
				j.grown.left(real)
			}
		}
	}
	return seccomp.Verdict{}
}

// writable finds the file of a call. ok is false where the gate will refuse it.
func (j *judge) writable(call seccomp.Call) (real string, ok bool) {
	real, _, region := j.region(call, call.Written, follows(call))
	switch region {
	case mounts.Read:
		return "", false
	case mounts.Gate:
		return real, j.policy.Load().Decide(policy.Request{Class: policy.ClassPathWrite, Path: real}).Effect == policy.Allow
	case mounts.Write, mounts.Private:
	}
	return real, true
}

// opens remembers a file that a program is let open, if that is for writing.
func (j *judge) opens(call seccomp.Call, real string, flags int) {
	if j.grown == nil || flags&unix.O_ACCMODE == unix.O_RDONLY || flags&unix.O_PATH != 0 || flags&unix.O_TMPFILE == unix.O_TMPFILE {
		return
	}
	pid, waits := call.Process()
	if !waits {
		return
	}
	file := written{target: real, folder: unix.AT_FDCWD, name: real, by: j.callers.find(j.process.identity, refused{pid: pid}, time.Now())}
	if j.fromHere(real) != real {
		var err error
		if file.folder, file.name, err = j.ownPlace(real); err != nil {
			return
		}
	}
	j.grown.opened(file, flags&unix.O_TRUNC != 0, flags&unix.O_APPEND != 0)
}

// ownPlace finds a file in a folder that the cage has of its own.
func (j *judge) ownPlace(real string) (folder int, name string, err error) {
	for _, root := range []string{"/tmp", "/dev/shm", "/run"} {
		if below, ok := strings.CutPrefix(real, root+"/"); ok {
			folder, err = j.grown.root(root, j.fromHere(root))
			return folder, below, err
		}
	}
	return -1, "", unix.ENOENT // no folder for files
}

// atGrown reports a file that has reached max_file_size.
func (j *judge) atGrown(file written) {
	j.process.reporter.add(j.sizeDenial(file.by, operationOutgrow, file.target))
}

// atEnd hears of the end of a program, killed if that was for max_file_size.
func (j *judge) atEnd(pid int, program string, killed bool) {
	if killed {
		j.ended(caller{pid: pid, program: program})
		return
	}
	j.grown.ended(pid)
}

// ended reports a program that was ended for max_file_size.
func (j *judge) ended(by caller) {
	target := oneOfItsFiles
	if j.grown != nil {
		if found := j.grown.killed(by.pid); found != "" {
			target = found
		}
	}
	j.process.reporter.add(j.sizeDenial(by, "write", target))
}

// sizeDenial names who is not there to be asked any more.
func (j *judge) sizeDenial(by caller, operation, target string) Denial {
	d := j.denial(0, policy.ClassPathWrite, operation, target, "limit", j.sizeDecision())
	d.PID, d.Program, d.CommandLine = by.pid, by.program, by.commandLine
	return d
}
