//go:build linux

package resident

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Only what is in the file as it is in memory may be dropped: the rest would be
// lost.
func TestOnlyUnchangedMappingsOfFilesAreDropped(t *testing.T) {
	one := func(first, anonymous string) string {
		return first + "\nSize:                100 kB\nRss:                  52 kB\nAnonymous:      " + anonymous + " kB\nVmFlags: rd ex mr mw me\n"
	}
	text := one("00400000-0109d000 r-xp 00000000 fe:00 1234                   /usr/bin/openclaw", "0") +
		one("0109d000-01cd7000 r--p 00c9d000 fe:00 1234                   /usr/bin/name with - x:y 7", "0") +
		one("01cd7000-01cd8000 r--p 018d7000 fe:00 1234                   /usr/bin/relocated", "4") +
		one("01cd8000-01d8b000 rw-p 018d7000 fe:00 1234                   /usr/bin/openclaw", "0") +
		one("01e00000-01e01000 r--s 00000000 00:01 99                     /memfd:shared", "0") +
		one("c000000000-c000400000 r--p 00000000 00:00 0 ", "0") +
		one("7ffd1000-7ffd3000 r-xp 00000000 00:00 0                      [vdso]", "0")
	want := []mapping{{0x400000, 0x109d000}, {0x109d000, 0x1cd7000}}
	if got := unchanged([]byte(text)); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// The kernel's own words are read: this program's text is among what is dropped,
// and goes on as before.
func TestThisProgramGoesOn(t *testing.T) {
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for _, m := range unchanged(smaps) {
		for line := range strings.Lines(string(smaps)) {
			if at, ok := begun(line); ok && at == m && strings.HasSuffix(strings.TrimSpace(line), self) {
				own++
			}
		}
	}
	if own == 0 {
		t.Fatalf("nothing of %s is dropped: %s", self, smaps)
	}
	before := strings.Repeat("kept ", 1000)
	for range 100 {
		LeaveProgram()
	}
	if after := strings.Repeat("kept ", 1000); after != before {
		t.Error("memory has changed")
	}
}
