package escape_test

import (
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// floodTime is how long a flood lasts.
const floodTime = 300 * time.Millisecond

// flood keeps a supervisor as busy as it can, while look is tried over and over.
func flood(threads int, work func(worker, round int), look func() error) error {
	var stop atomic.Bool
	var workers sync.WaitGroup
	for worker := range threads {
		workers.Go(func() {
			for round := 0; !stop.Load(); round++ {
				work(worker, round)
				runtime.Gosched() // outside, where nothing holds it up, others must come to look
			}
		})
	}
	defer func() { stop.Store(true); workers.Wait() }()
	var last error
	for until := time.Now().Add(floodTime); ; time.Sleep(time.Millisecond) { // once at least, however long the workers took to start
		if last = look(); last == nil || time.Now().After(until) {
			return last
		}
	}
}

// floodAttempts wear the supervisor out, so that something might open.
func floodAttempts() []try {
	return []try{
		{name: "flood: refused opens", run: func(p place) error {
			return flood(64, func(int, int) { _, _ = os.ReadFile(p.path(".ssh/config")) }, func() error { return reads(p.path(".ssh/id_ed25519")) })
		}},
		{name: "flood: names that are not there", run: func(p place) error {
			return flood(32, func(worker, round int) { _, _ = os.Lstat(p.path("other/" + itoa(uint64(worker<<32+round)))) },
				func() error { return reads(p.path("other/notes.txt")) })
		}},
		{name: "flood: calls that are handed over", check: sharedChanged, run: func(p place) error {
			return flood(64, func(int, int) { _ = unix.Chmod(p.path("project/main.go"), 0o600) },
				func() error { return os.WriteFile(p.path("shared/lib.txt"), []byte("x"), 0o600) })
		}},
		{name: "flood: more calls than are held at a time", check: sharedChanged, run: func(p place) error {
			return flood(1500, func(int, int) { _ = unix.Unlink(p.path("shared/nothing")) },
				func() error { return os.WriteFile(p.path("shared/lib.txt"), []byte("x"), 0o600) })
		}},
		{name: "flood: programs, then one that may not be run", prepare: noCommands, run: func(place) error {
			return flood(64, func(int, int) { _ = executeCall(unix.SYS_EXECVE, 0, "/nothing", 0) },
				func() error { return executeCall(unix.SYS_EXECVE, 0, "/bin/true", 0) })
		}},
		{name: "flood: connections", network: true, prepare: twoServices, run: func(p place) error {
			_, refused := p.addresses()
			return flood(64, func(int, int) {
				if conn, err := net.DialTimeout("tcp", "203.0.113.9:443", 100*time.Millisecond); err == nil {
					_ = conn.Close()
				}
			}, func() error { return hears("tcp", refused) })
		}},
		{name: "flood: connections that stay open", network: true, prepare: twoServices, run: func(p place) error {
			allowed, refused := p.addresses()
			var lock sync.Mutex
			var kept []net.Conn
			return flood(16, func(int, int) {
				if conn, err := net.DialTimeout("tcp", allowed, time.Second); err == nil {
					lock.Lock()
					if kept = append(kept, conn); len(kept) > 900 { // below one's own limit
						for _, one := range kept {
							_ = one.Close()
						}
						kept = nil
					}
					lock.Unlock()
				}
			}, func() error { return hears("tcp", refused) })
		}},
		{name: "flood: queries", network: true, prepare: twoServices, run: func(p place) error {
			_, refused := p.addresses()
			return flood(32, func(int, int) {
				if conn, err := net.Dial("udp", "127.0.0.1:53"); err == nil {
					_, _ = conn.Write([]byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1})
					_ = conn.Close()
				}
			}, func() error { return hears("tcp", refused) })
		}},
		{name: "flood: broken queries", network: true, prepare: twoServices, run: func(p place) error {
			_, refused := p.addresses()
			return flood(8, func(worker, round int) {
				if conn, err := net.Dial("udp", "127.0.0.1:53"); err == nil {
					broken := make([]byte, round%600)
					for i := range broken {
						broken[i] = byte(worker * round * i)
					}
					_, _ = conn.Write(broken)
					_ = conn.Close()
				}
			}, func() error { return hears("tcp", refused) })
		}},
		{name: "flood: folders that are listed", run: func(p place) error {
			return flood(32, func(int, int) { _, _ = os.ReadDir(p.home) }, func() error { return reads(p.path(".ssh/id_ed25519")) })
		}},
		{name: "flood: processes that end while they ask", run: func(p place) error {
			return flood(8, func(int, int) {
				child, err := os.StartProcess("/bin/cat", []string{"cat", p.path(".ssh/config")}, &os.ProcAttr{})
				if err == nil {
					time.Sleep(time.Millisecond)
					_ = child.Kill()
					_, _ = child.Wait()
				}
			}, func() error { return reads(p.path(".ssh/id_ed25519")) })
		}},
	}
}
