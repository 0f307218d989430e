//go:build linux && (amd64 || arm64)

package spawn

import _ "unsafe" // for go:linkname

// What package syscall calls around its own fork: no signal reaches the thread
// from before the clone until the child has its own handlers, which are the
// kernel's. The runtime keeps these names for those who fork themselves
// (go.dev/issue/67401).

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// call makes a system call. The thread keeps what it runs on: nothing else may be
// done by it meanwhile. It may be a clone that shares this memory.
//
//go:noescape
func call(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, errno uintptr)
