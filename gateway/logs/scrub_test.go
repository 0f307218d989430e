package logs_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/logs"
	"openclaw/keychain/redact"
)

// A value that became secret after it was logged is taken out of every piece;
// all other lines stay as they are, and no line that is logged meanwhile is
// lost.
func TestScrubTakesOutWhatIsNewlySecret(t *testing.T) {
	masker, err := redact.New(redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gateway.log")
	options := logs.Options{Masker: masker}
	options.Sizes.Max, options.Sizes.Keep = 4000, 3
	log, err := logs.Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	const late = "velvet-otter-lantern"
	for i := range 60 {
		log.Logger().Info("value "+late+" seen", slog.Int("n", i))
		log.Logger().Info("nothing of the kind", slog.Int("n", i))
	}
	if !masker.Add("late", []byte(late)) {
		t.Fatal("not registered")
	}
	read := func() string {
		var all strings.Builder
		for _, name := range []string{path + ".3", path + ".2", path + ".1", path} {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		return all.String()
	}
	before := read()
	old := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	if err := os.Chtimes(path+".2", old, old); err != nil {
		t.Fatal(err)
	}
	found, err := log.Scrub(masker.Bytes, true)
	if err != nil || read() != before || len(found) != 4 || found[0].Changed == 0 {
		t.Fatalf("a dry run: %+v %v", found, err)
	}

	var busy sync.WaitGroup
	busy.Go(func() {
		for range 5 { // few enough that no piece is thrown away
			log.Logger().Info("meanwhile")
		}
	})
	found, err = log.Scrub(masker.Bytes, false)
	busy.Wait()
	if err != nil || len(found) != 4 {
		t.Fatalf("%+v %v", found, err)
	}
	after := read()
	if strings.Contains(after, late) {
		t.Error("the value is still there")
	}
	if n := strings.Count(after, "meanwhile"); n != 5 {
		t.Errorf("%d of 5 lines that were logged meanwhile", n)
	}
	want := strings.ReplaceAll(before, late, redact.DefaultReplacement)
	for line := range strings.Lines(after) {
		if !strings.Contains(line, "meanwhile") && !strings.Contains(want, line) {
			t.Errorf("another line: %s", line)
		}
	}
	info, err := os.Stat(path + ".2")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if left, _ := filepath.Glob(path + "*.scrub"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	log.Logger().Info("the last line")
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "the last line") {
		t.Errorf("the log does not go on: %v", err)
	}
}

// A scrub that cannot write leaves every file as it was, and says so.
func TestScrubThatCannotWriteChangesNothing(t *testing.T) {
	masker, err := redact.New(redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gateway.log")
	log, err := logs.Open(path, logs.Options{Masker: masker})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	log.Logger().Info("velvet-otter-lantern")
	masker.Add("late", []byte("velvet-otter-lantern"))
	if err := os.MkdirAll(filepath.Join(path+".scrub", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	if _, err := log.Scrub(masker.Bytes, false); err == nil {
		t.Error("no error")
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Errorf("%q became %q: %v", before, after, err)
	}
}
