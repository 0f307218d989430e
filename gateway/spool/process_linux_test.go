package spool

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Another process that has the number of the one that wrote a file is not taken for it,
// and the one that wrote it is not taken for another.
func TestANumberThatIsGivenAgain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "spool")
	w := writer(t, folder, "r1")
	if err := w.Append(1, denials(1, 1)); err != nil {
		t.Fatal(err)
	}
	w.Seal()
	files, err := Files(folder, "r1")
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	defer files[0].Close()
	own := files[0].Header
	if own.PID != os.Getpid() || own.Replaced() {
		t.Fatalf("%+v", own)
	}
	which := strings.Fields(own.Process)
	if len(which) != processFields {
		t.Fatalf("%q", own.Process)
	}
	for name, test := range map[string]struct {
		process  string
		replaced bool
	}{
		"began earlier":           {which[0] + " " + which[1] + " 1", true},
		"before the machine did":  {"0-0 " + which[1] + " " + which[2], true},
		"of another time":         {which[0] + " time:[1] 1", false},
		"of a file of before":     {"", false},
		"no words that are known": {"x", false},
	} {
		header := own
		if header.Process = test.process; header.Replaced() != test.replaced {
			t.Errorf("%s: %v", name, !test.replaced)
		}
	}
	gone := own
	if gone.PID = -1; gone.Replaced() {
		t.Error("nobody has that number")
	}
}
