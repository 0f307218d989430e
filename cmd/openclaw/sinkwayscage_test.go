package main

// waysOfTheCage are those of the packages below sandbox, which never hold a secret (TestWalls):
// what they write, and by what. What a cage says of its run, denials and accesses, reaches the
// gateway through callbacks, and is masked there.
var waysOfTheCage = map[string]struct{ writes, by string }{ //nolint:gochecknoglobals // a table
	"sandbox":                {"a run's own terminal and pipes, what it is asked to run, cgroup and probe files, and the cage's sockets, and names and modes in the run's own folder; a signal to a thread of this process, and what it does, to the kernel", "exec.Command exec.CommandContext net.Dialer.DialContext net.Listen net.ListenConfig.Listen os.MkdirTemp os.NewFile os.OpenFile os.OpenRoot os.Root.Chmod os.Root.FS os.Stdout os.TempDir os.WriteFile unix.Gettid unix.Link unix.Open unix.Openat2 unix.RawSyscall6 unix.Rename unix.Socket unix.Syscall unix.Tgkill"},
	"sandbox/darwin/stage":   {"the profile, the command, and the gateway's proxy", "net.Dialer.DialContext os.NewFile os.OpenFile syscall.Exec"},
	"sandbox/egress":         {"the connection that the policy let through", "net.Dialer.DialContext"},
	"sandbox/linux/apparmor": {"a profile, made here, for apparmor_parser", "exec.CommandContext os.CreateTemp"},
	"sandbox/linux/cgroup":   {"limits and process ids, to the kernel", "os.NewFile os.OpenFile unix.Open"},
	"sandbox/linux/control":  {"descriptors and plans, between the cage's own processes", "os.NewFile unix.Sendmsg unix.SendmsgN"},
	"sandbox/linux/emulate":  {"what the caged command itself asked for; a signal to a thread of this process", "unix.Fchdir unix.Getpid unix.Gettid unix.Open unix.Openat unix.Openat2 unix.Syscall unix.Syscall6 unix.Tgkill unix.Umask unix.Unshare"},
	"sandbox/linux/gate":     {"what the caged command itself writes, to its own files", "fuse.NewServer log.New os.OpenFile unix.Mknodat unix.Open unix.Openat unix.Openat2 unix.Setxattr unix.Symlinkat"},
	"sandbox/linux/harden":   {"rules, to the kernel", "unix.Getpid unix.Gettid unix.Open unix.Syscall unix.Syscall6"},
	"sandbox/linux/keeper":   {"the caged command itself, and what it says to its own terminal", "exec.Command os.NewFile unix.Connect unix.Exec unix.Open unix.Socket"},
	"sandbox/linux/mounts":   {"places of files, to the kernel", "os.NewFile unix.Open unix.Openat unix.Openat2 unix.Symlinkat"},
	"sandbox/linux/network":  {"addresses and rules, to the kernel; sockets of the cage", "net.FileListener net.FilePacketConn netlink.RuleAdd nftables.New os.NewFile unix.Connect unix.Open unix.Sendto unix.Socket"},
	"sandbox/linux/resident": {"nothing: advice on memory, to the kernel", "unix.Syscall"},
	"sandbox/linux/seccomp":  {"a filter, to the kernel", "unix.Open unix.Syscall"},
	"sandbox/linux/stage":    {"answers to calls, into the caged command itself; to a socket that nobody has, nothing; a nice value, to the kernel", "os.OpenFile unix.Connect unix.Getpriority unix.Open unix.ProcessVMWritev unix.RawSyscall6 unix.Socket"},
	"sandbox/terminal":       {"a run's own terminal; to the person's what that shows, and a line about what is held, which is masked where it is made", "os.OpenFile pty.Open unix.Open"},
}
