// Package gate serves what a cage may not reach.
//
// It owns one FUSE file system that stands for the whole host, of which the
// cage has sub-trees bound wherever the policy opens nothing natively. It
// promises that a path is served only when the policy allows exactly that
// path, judged anew at each operation, and that the file then opened is the one
// judged: it is opened beneath a held descriptor of the host's root and no
// symbolic link is followed on the way. What does not exist on the host, or
// ceased to more than 5 ms ago, answers ENOENT without a word; what exists and is
// refused answers EACCES, once the Refused callback has returned, and shows neither
// its size, nor its times, nor its owner. A folder that only leads to something
// allowed lists only that.
//
// What is served behaves as the host's file does: its contents, holes, sizes,
// names, modes, times, own extended attributes, locks against the host and other
// cages, and shared memory that is mapped. A file that another one replaces on the
// host is another file to the kernel, and whoever has the old one open keeps it. A
// program that is run again is not read again if its size and times say that it is
// what it was; to open it is judged all the same.
// What is open is judged again at each read, write and lock, and what the kernel has read of
// it goes when a policy comes that denies it; a program that runs goes on.
// What differs: a file of another user is shown as nobody's, or as this user's
// where this user may write it; one of another device than the home folder's has another
// inode number, for all that is served is one device; one that is mapped shows what the host writes only
// when it is read or opened again; a socket or a pipe has both ends in the cage;
// O_TMPFILE is refused, and so are lists of access (ACL), to cut a part out of a file or push
// one in (FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE), and to open a file that has no name
// any more by /proc/self/fd; O_DIRECT takes any offset; waiting for a record lock finds no
// dead-lock, nobody is told which process holds one, and a lock of
// an open file (flock) ends a moment after the last close. What the host does in a folder is
// no event of a watch (inotify) there, nor, to a watch that was set on a new folder before it
// was bound, what is done in it afterwards. Whatever is
// done for a cage is done without this process's capabilities.
//
// A yes to what the policy asks about is to the process whose call waited, for a moment
// (grantTime), and to whoever is given what it opened. Every other process is asked for
// itself; one that has the same number later is another. The kernel has one set of
// attributes of a file for all: while one process may use it, another can have its size and
// times from there, without a question here (statx, AT_STATX_DONT_SYNC).
//
// Callbacks run on the goroutine of the request, which the caller in the cage
// waits for; no lock is held then. Until Enforce nothing is refused and nothing
// but names is served, so that the cage can be built. When the serving process
// ends, every access answers ENOTCONN.
//
// What a cage can make this process keep is bounded: open files and record locks by
// their number, listings by the bytes of all that are open (past 64 MiB listing
// answers ENOMEM), and names by what the kernel itself keeps of them.
//
// It never touches the cage's own view of the tree and never waits for the
// cage.
package gate
