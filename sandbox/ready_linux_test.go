package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox"
)

// stages lists this process's first processes of cages.
func stages(t *testing.T) []string {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for child := range strings.FieldsSeq(string(text)) {
			line, err := os.ReadFile("/proc/" + child + "/cmdline")
			if err == nil && strings.HasPrefix(string(line), "openclaw-cage") {
				found = append(found, child)
			}
		}
	}
	return found
}

// What Prepare started is what Start uses, once; and it ends when nobody does.
func TestPrepare(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/secret")
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	soon := func(what string, happened func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !happened(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("never: " + what)
			}
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	spec := w.spec("sh", "-c", "cat "+w.path("project/main.go")+" && ! cat "+w.path("project/secret/key"))
	spec.Stdin, spec.Stdout, spec.Stderr = null, null, null
	run := func() {
		t.Helper()
		process, err := cage.Start(t.Context(), spec)
		if err != nil {
			t.Fatal(err, hintOf(err))
		}
		if status, err := process.Wait(); err != nil || status.Code != 0 {
			t.Error(status, err)
		}
	}

	stop := cage.Prepare(null, null, null)
	soon("a first process", func() bool { return len(stages(t)) == 1 })
	waiting := stages(t)[0]
	again := cage.Prepare(null, null, null) // takes the place of the first
	soon("another first process", func() bool { list := stages(t); return len(list) == 1 && list[0] != waiting })
	run()
	soon("the end of what was used", func() bool { return len(stages(t)) == 0 })
	stop()
	again()
	run() // with none prepared

	stop = cage.Prepare(null, null, nil) // other descriptors than the command's
	run()
	soon("the end of what could not be used", func() bool { return len(stages(t)) == 0 })
	stop()

	stop = cage.Prepare(null, null, null)
	soon("a first process", func() bool { return len(stages(t)) == 1 })
	stop()
	if left := stages(t); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
