// Package harden takes from the calling thread or process what a caged command
// must not have: privileges, other processes' signals and sockets, inherited
// descriptors, files without a limit.
//
// It owns one small function for each Linux mechanism. None can be taken back.
// NoNewPrivileges, DropCapabilities, RestrictScopes and RestrictToTree act on
// the calling thread and on what it starts or executes, so the caller executes
// the command from a thread of its own (OwnThread);
// CloseDescriptors, Limit, LimitFileSize, LetGoOfTerminal and NotDumpable act on the whole process.
// Each proves its effect by reading it back where the kernel allows that, and
// returns an *Error otherwise. The package starts nothing but that thread, logs
// nothing and holds no state.
//
// Order in a stage: DropCapabilities, NoNewPrivileges, RestrictScopes (a
// process under Landlock may not mount), then the seccomp filter, then the
// command.
package harden
