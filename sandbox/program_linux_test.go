package sandbox_test

import (
	"os"
	"slices"
	"testing"
	"time"
)

// A program that lies in a folder which the gate serves, and which the kernel has kept
// since it was run, is the new one as soon as somebody outside has changed it: also
// in place, to the same size and with the same time of its content.
func TestProgramChangedFromOutside(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/secret")
	works, err := os.ReadFile("/usr/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	fails, err := os.ReadFile("/usr/bin/false")
	if err != nil {
		t.Fatal(err)
	}
	size := max(len(works), len(fails))
	padded := func(program []byte) []byte {
		return append(slices.Clip(program), make([]byte, size-len(program))...)
	}
	name := w.path("project/program")
	if err := writeFile(name, padded(works), 0o700); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	_, try, end := shellIn(t, w)
	defer end()
	// What changed a moment ago is never kept.
	for time.Since(info.ModTime()) < 4*time.Second {
		time.Sleep(100 * time.Millisecond)
	}
	for range 3 {
		if !try(name) {
			t.Fatal("the program does not run")
		}
	}
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(padded(fails), 0); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if try(name) {
		t.Error("what was there before was run")
	}
}
