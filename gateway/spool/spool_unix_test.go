//go:build unix

package spool

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/gateway/event"
)

func writer(t *testing.T, folder, run string) *Writer {
	t.Helper()
	w := NewWriter(folder, Header{Run: run, Agent: "coder", PID: os.Getpid()}, func(text string) string {
		return strings.ReplaceAll(text, "hunter2", "[REDACTED]")
	})
	t.Cleanup(w.Seal)
	return w
}

func denials(from, n int) []event.Denial {
	var out []event.Denial
	for i := range n {
		out = append(out, event.Denial{Operation: "open", Target: fmt.Sprint("/t/", from+i), CommandLine: "cat hunter2", Count: 1})
	}
	return out
}

func rows(t *testing.T, folder, run string) (rows []uint64, exit string) {
	t.Helper()
	files, err := Files(folder, run)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		defer f.Close()
		if _, err := f.Entries(func(e Entry) error {
			if e.Denial != nil {
				rows = append(rows, e.Row)
				if want := fmt.Sprint("/t/", e.Row); e.Denial.Target != want {
					t.Errorf("row %d is about %s", e.Row, e.Denial.Target)
				}
			}
			exit += e.Exit
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return rows, exit
}

// What Append confirmed is read in order, by nobody before it is sealed, and
// without the secrets that the cage's words held.
func TestWhatIsKeptIsRead(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "spool")
	w := writer(t, folder, "r1")
	if err := w.Append(1, denials(1, 3)); err != nil {
		t.Fatal(err)
	}
	if got, _ := rows(t, folder, ""); len(got) != 0 {
		t.Fatalf("rows %v of a file that is being written", got)
	}
	w.Seal()
	if err := w.Append(4, denials(4, 2)); err != nil {
		t.Fatal(err)
	}
	if err := w.End("exit 3"); err != nil {
		t.Fatal(err)
	}
	w.Seal()
	other := writer(t, folder, "r11")
	if err := other.Append(1, denials(1, 1)); err != nil {
		t.Fatal(err)
	}
	other.Seal()
	got, exit := rows(t, folder, "r1")
	if fmt.Sprint(got) != "[1 2 3 4 5]" || exit != "exit 3" {
		t.Errorf("rows %v, exit %q", got, exit)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v %v", entries, err)
	}
	for _, entry := range entries {
		name := filepath.Join(folder, entry.Name())
		text, err := os.ReadFile(name)
		info, _ := entry.Info()
		if err != nil || strings.Contains(string(text), "hunter2") || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v\n%s", name, info.Mode(), err, text)
		}
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v %v", info.Mode(), err)
	}
}

// A disk that is full in the middle of a write costs nothing that was confirmed,
// leaves nothing that was not, and the same rows fit once there is room.
func TestDiskFull(t *testing.T) {
	folder := t.TempDir()
	w := writer(t, folder, "r1")
	if err := w.Append(1, denials(1, 10)); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(unix.SIGXFSZ) // a limit on the size of files stands in for the disk's end: it cuts a write short as well
	defer signal.Reset(unix.SIGXFSZ)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(w.size) + 700, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	err := w.Append(11, denials(11, 10))
	if restored := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); restored != nil {
		t.Fatal(restored)
	}
	if err == nil {
		t.Fatal("ten rows fit into 700 bytes")
	}
	if err := w.Append(11, denials(11, 2)); err != nil {
		t.Fatal(err)
	}
	w.Seal()
	if got, _ := rows(t, folder, "r1"); fmt.Sprint(got) != "[1 2 3 4 5 6 7 8 9 10 11 12]" {
		t.Errorf("rows %v", got)
	}
}

// A file that was cut off in the middle of a line, as by the end of the power,
// gives what is whole in it.
func TestCutOff(t *testing.T) {
	folder := t.TempDir()
	w := writer(t, folder, "r1")
	if err := w.Append(1, denials(1, 3)); err != nil {
		t.Fatal(err)
	}
	size := w.size
	w.Seal()
	name := filepath.Join(folder, "r1.1.jsonl")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	headerEnd := strings.IndexByte(string(whole), '\n') + 1
	for cut := int64(headerEnd); cut < size; cut++ {
		if err := os.WriteFile(name, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want := strings.Count(string(whole[headerEnd:cut]), "\n")
		if got, _ := rows(t, folder, "r1"); len(got) != want {
			t.Fatalf("cut at %d of %d: rows %v, want %d", cut, size, got, want)
		}
	}
}

// Nothing is read that somebody else can have put there.
func TestForeignFiles(t *testing.T) {
	folder := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	header := fmt.Sprintf(`{"version":1,"run":"r1","agent":"coder","pid":%d}`+"\n", os.Getpid())
	make := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	make(outside, header, 0o600)
	if err := os.Symlink(outside, filepath.Join(folder, "r1.1.jsonl")); err != nil {
		t.Fatal(err)
	}
	make(filepath.Join(folder, "r1.2.jsonl"), header, 0o622)
	make(filepath.Join(folder, "r1.3.jsonl"), `{"version":2}`+"\n", 0o600)
	make(filepath.Join(folder, "r1.4.jsonl"), "", 0o600)
	make(filepath.Join(folder, "r1.5.jsonl"), strings.Repeat("x", maxLine+10), 0o600)
	make(filepath.Join(folder, "r1.6.jsonl"), header+`{"row":1,"denial":{"target":"`+strings.Repeat("x", maxLine)+`"}}`+"\n", 0o600)
	if err := os.Mkdir(filepath.Join(folder, "r1.7.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(folder, "r1.8.jsonl"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := Files(folder, "")
	if err == nil || strings.Count(err.Error(), "\n") != 6 {
		t.Errorf("the error names not all seven: %v", err)
	}
	for _, f := range files {
		defer f.Close()
		if filepath.Base(f.Path) != "r1.6.jsonl" {
			t.Errorf("%s is read", f.Path)
		}
		if damaged, err := f.Entries(func(e Entry) error { return errors.New("a row of a megabyte") }); err != nil || damaged != 1 {
			t.Error(err)
		}
	}
}

// What a supervisor began and was killed over goes away, and nothing younger.
func TestBegunAndNeverNamed(t *testing.T) {
	folder := t.TempDir()
	old, young := filepath.Join(folder, temporary+"1"), filepath.Join(folder, temporary+"2")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hour := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, hour, hour); err != nil {
		t.Fatal(err)
	}
	if files, err := Files(folder, ""); err != nil || len(files) != 0 {
		t.Fatalf("%v %v", files, err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Error("the old one is still there:", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Error(err)
	}
}

// However long a gateway is away, a file has an end, and long before it rows are
// to be counted only.
func TestAFileHasAnEnd(t *testing.T) {
	w := writer(t, t.TempDir(), "r1")
	batch := denials(1, 1)
	batch[0].Target = strings.Repeat("x", 900_000)
	fullAt := int64(0)
	for range MaxFile/900_000 + 2 {
		err := w.Append(1, batch)
		if fullAt == 0 && w.Full() {
			fullAt = w.size
		}
		if err != nil {
			if !errors.Is(err, ErrFull) || fullAt < MaxNamed || fullAt > 2*MaxNamed || w.size > MaxFile {
				t.Errorf("%v at %d bytes, counted only from %d", err, w.size, fullAt)
			}
			return
		}
	}
	t.Error("the file has no end")
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte(`{"version":1,"run":"r1","agent":"coder"}` + "\n" + `{"row":1,"denial":{"target":"/x","count":2}}` + "\n" + `{"exit":"lost"}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "r1.1.jsonl"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		files, err := Files(folder, "")
		for _, file := range files {
			defer file.Close()
			if _, err := file.Entries(func(e Entry) error { return nil }); err != nil {
				t.Error(err)
			}
		}
		if len(files) == 0 && err == nil {
			t.Error("the file is neither read nor refused")
		}
	})
}
