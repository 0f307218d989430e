package escape_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// sizeLimit is the max_file_size of these attempts, in bytes.
const sizeLimit = 64 << 10

func limited(w *world) {
	size := int64(sizeLimit)
	w.perms.MaxFileSize = &size
}

// limitedHere is limited where the kernel's own file system is in the cage: no
// gate stands before it.
func limitedHere(w *world) {
	limited(w)
	w.perms.DeniedPaths = nil
}

func grown(w *world) error {
	info, err := os.Stat(w.path("project/big"))
	if err == nil && info.Size() <= sizeLimit {
		err = errors.New("within the limit")
	}
	return err
}

// taken is grown by what a file takes of the disk, whatever size it says.
func taken(w *world) error {
	var stat unix.Stat_t
	err := unix.Stat(w.path("project/big"), &stat)
	if err == nil && stat.Blocks*512 <= sizeLimit {
		err = errors.New("within the limit")
	}
	return err
}

// big makes a file and hands it on. The signal of the limit is ignored, as an
// attacker would.
func big(p place, do func(fd int) error) error {
	signal.Ignore(syscall.SIGXFSZ)
	fd, err := open(p.path("project/big"), unix.O_CREAT|unix.O_RDWR)
	if err != nil {
		return err
	}
	return do(fd)
}

func writeBig(fd int) error {
	for range 3 {
		if _, err := unix.Write(fd, make([]byte, sizeLimit)); err != nil {
			return err
		}
	}
	return nil
}

func sizeAttempts() []try {
	return []try{
		{name: "write past the size limit", prepare: limited, check: grown, run: func(p place) error { return big(p, writeBig) }},
		{name: "write far past the size limit", prepare: limited, check: grown, run: func(p place) error {
			return big(p, func(fd int) error { _, err := unix.Pwrite(fd, []byte("x"), 10*sizeLimit); return err })
		}},
		{name: "extend past the size limit", prepare: limited, check: grown, run: func(p place) error {
			return big(p, func(fd int) error { return unix.Ftruncate(fd, 2*sizeLimit) })
		}},
		{name: "extend past the size limit by name", prepare: limited, check: grown, run: func(p place) error {
			return big(p, func(int) error { return unix.Truncate(p.path("project/big"), 2*sizeLimit) })
		}},
		{name: "reserve past the size limit", prepare: limited, check: grown, run: func(p place) error {
			return big(p, func(fd int) error { return unix.Fallocate(fd, 0, 0, 2*sizeLimit) })
		}},
		{name: "reserve behind the end, past the size limit", prepare: limitedHere, check: taken, run: func(p place) error {
			return big(p, func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, 4*sizeLimit) })
		}},
		{name: "reserve and clear behind the end, past the size limit", prepare: limitedHere, check: taken, run: func(p place) error {
			return big(p, func(fd int) error {
				return unix.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, sizeLimit, 4*sizeLimit)
			})
		}},
		{name: "insert a range past the size limit", prepare: limitedHere, check: grown, run: func(p place) error {
			return big(p, func(fd int) error {
				if _, err := unix.Write(fd, make([]byte, sizeLimit)); err != nil {
					return err
				}
				return unix.Fallocate(fd, unix.FALLOC_FL_INSERT_RANGE, 0, sizeLimit)
			})
		}},
		{name: "copy past the size limit by the kernel", prepare: limited, check: grown, run: func(p place) error {
			return big(p, func(to int) error {
				from, err := unix.Open("/proc/self/exe", unix.O_RDONLY, 0)
				if err != nil {
					return err
				}
				for total := 0; total < 2*sizeLimit; {
					n, err := unix.CopyFileRange(from, nil, to, nil, 2*sizeLimit, 0)
					if errors.Is(err, unix.EXDEV) || n == 0 {
						n, err = unix.Sendfile(to, from, nil, 2*sizeLimit)
					}
					if err != nil {
						return err
					}
					total += n
				}
				return nil
			})
		}},
		{name: "splice past the size limit", prepare: limited, check: grown, run: func(p place) error {
			return big(p, func(fd int) error {
				var pipe [2]int
				if err := unix.Pipe(pipe[:]); err != nil {
					return err
				}
				for range 40 {
					if _, err := unix.Write(pipe[1], make([]byte, 4096)); err != nil {
						return err
					}
					if _, err := unix.Splice(pipe[0], nil, fd, nil, 4096, 0); err != nil {
						return err
					}
				}
				return nil
			})
		}},
		{name: "raise the size limit", prepare: limited, check: grown, run: func(p place) error {
			return big(p, func(fd int) error {
				_ = unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
				return writeBig(fd)
			})
		}},
		{name: "raise the size limit of a child", prepare: limited, check: grown, run: func(p place) error {
			return exec.Command("/bin/sh", "-c", `ulimit -f unlimited; trap '' XFSZ; exec head -c 200000 /dev/zero > "$1"`, "sh", p.path("project/big")).Run()
		}},
		{name: "raise the size limit by its descriptor's owner", prepare: limited, check: grown, run: func(p place) error {
			return big(p, func(fd int) error {
				limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
				_ = unix.Prlimit(os.Getpid(), unix.RLIMIT_FSIZE, &limit, nil)
				return writeBig(fd)
			})
		}},
	}
}
