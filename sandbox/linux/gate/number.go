//go:build linux

package gate

import (
	"hash/fnv"
	"sync"

	"golang.org/x/sys/unix"
)

// An inode number tells a file from the others of one device, and to a cage all that the
// gate serves is one device. Two files with the same number are one to a program: cp says
// that they are the same file, find and ls that a folder is its own parent (each
// sub-volume of a btrfs begins with 256). So a file has its number on the host where it
// is on the device of the home folder, and elsewhere one with the device in it; what is
// veiled has one made of its path, for its own would tell.
//
// All stay below 2^53, which JavaScript counts exactly, and a device changes nothing of
// the low 32 bits, by which git knows that a file is as it was.
const (
	deviceShift = 44
	maxDevices  = 1 << 8 // what comes later shares the last one
	veiledBit   = 1 << 52
)

// devices are those that the cage came upon, in that order.
type devices struct {
	mu    sync.RWMutex
	order map[uint64]uint64
}

// newDevices begins with the device of a folder, if it has one.
func newDevices(home string) *devices {
	d := &devices{order: map[uint64]uint64{}}
	var stat unix.Stat_t
	if home != "" && unix.Stat(home, &stat) == nil {
		d.order[uint64(stat.Dev)] = 0 //nolint:unconvert // not the same on every architecture
	}
	return d
}

// number is the number of a file in the cage.
func (d *devices) number(file identity) uint64 {
	d.mu.RLock()
	at, known := d.order[file.device]
	d.mu.RUnlock()
	if !known {
		d.mu.Lock()
		if at, known = d.order[file.device]; !known {
			if at = uint64(len(d.order)); at < maxDevices {
				d.order[file.device] = at
			}
		}
		d.mu.Unlock()
	}
	return file.inode ^ min(at, maxDevices-1)<<deviceShift
}

// veiledNumber is the number of what shows nothing but its name and kind.
func veiledNumber(name string) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name)) // it has no error
	return sum.Sum64()%veiledBit | veiledBit
}
