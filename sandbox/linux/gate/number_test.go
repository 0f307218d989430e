//go:build linux

package gate

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Files of the home folder's device have the host's numbers. Those of others have none of
// theirs, keep the low 32 bits, by which git knows a file again, and stay what JavaScript
// can count, as what is veiled does. More devices than there is room for do no harm.
func TestNumbers(t *testing.T) {
	home := t.TempDir()
	var stat unix.Stat_t
	if err := unix.Stat(home, &stat); err != nil {
		t.Fatal(err)
	}
	own := uint64(stat.Dev) //nolint:unconvert // not the same on every architecture
	d := newDevices(home)
	seen := map[uint64]bool{}
	for device := range uint64(maxDevices + 10) {
		number := d.number(identity{own + device, 12345})
		if device == 0 && number != 12345 || uint32(number) != 12345 || number >= 1<<53 || device < maxDevices && seen[number] {
			t.Errorf("device %d: %d", device, number)
		}
		if again := d.number(identity{own + device, 12345}); again != number {
			t.Errorf("device %d: %d, then %d", device, number, again)
		}
		seen[number] = true
	}
	if len(d.order) != maxDevices {
		t.Errorf("%d devices are kept", len(d.order))
	}
	if d := newDevices(home + "/none"); len(d.order) != 0 || d.number(identity{own, 1}) != 1 {
		t.Error("a home folder that is not there")
	}
	for _, name := range []string{"/", "/home", "/home/user", os.DevNull} {
		number := veiledNumber(name)
		if number >= 1<<53 || number < 1<<52 || seen[number] || veiledNumber(name) != number {
			t.Errorf("%s: %d", name, number)
		}
		seen[number] = true
	}
}
