package logs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a run says is bounded, and so are the runs: the oldest go first, with
// their older piece.
func TestOutputsAreBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	path := filepath.Join(dir, "loud.log")
	file, err := OpenOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Repeat([]byte(strings.Repeat("x", 99)+"\n"), 10_000) // 1 MB
	for range 12 {
		if n, err := file.Write(block); n != len(block) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, name := range []string{path, path + ".1"} {
		info, err := os.Stat(name)
		if err != nil || info.Size() > maxOutput || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v %v", name, info, err)
		}
		total += info.Size()
	}
	if total < maxOutput {
		t.Errorf("only %d bytes are kept", total)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	for i := range keptOutputs + 3 {
		file, err := OpenOutput(filepath.Join(dir, fmt.Sprintf("r%d.log", i)))
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != keptOutputs {
		t.Errorf("%d files: %v", len(entries), err)
	}
	if _, err := os.Stat(path + ".1"); !os.IsNotExist(err) {
		t.Errorf("the older piece of a forgotten run stays: %v", err)
	}
}
