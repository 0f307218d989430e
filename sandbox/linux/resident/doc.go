// Package resident gives back memory that a process which has started needs no more.
//
// It owns one thing: the pages of the program's own file. A Go program is mapped from
// its file and goes through much of it as it starts, and the kernel counts what was
// touched as the process's (RssFile), for as long as it lives. Of what builds a cage
// that is most: 12 of 16 MB of a cage's init, 17 of 18 of a supervisor's.
//
// It promises that nothing is lost: what the process has changed stays, and the rest
// comes back from the file, or the page cache, when it is next touched. Where the
// kernel does not say what is changed, all stays. It may be called at any time, from
// any goroutine; what runs meanwhile waits for a page here and there.
//
// Sources: madvise(2) for MADV_DONTNEED, by which a private mapping of a file has the
// file's content again afterwards; proc_pid_smaps(5) for Anonymous, the pages that are
// the process's own and not the file's any more.
package resident
