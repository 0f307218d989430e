package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// test is one test or subtest.
type test struct{ pkg, name string }

// outcome is how a test ended in the stages: where it ran to its end, passed or
// failed, and where it was skipped, both by the stage's name.
type outcome struct {
	ran     bool
	skipped []string
}

func checkFiles(allowedName string, stages []string, out io.Writer) error {
	text, err := os.ReadFile(allowedName)
	if err != nil {
		return err
	}
	allowed, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", allowedName, err)
	}
	outcomes := map[test]*outcome{}
	for _, name := range stages {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		err = read(file, filepath.Base(name), outcomes)
		file.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return check(outcomes, allowed, out)
}

// read adds what a stage says. One in which nothing ran proves nothing, and is an error.
func read(in io.Reader, stage string, outcomes map[test]*outcome) error {
	ended := false
	err := each(in, func(e event) {
		if e.Test == "" || e.Action != "pass" && e.Action != "fail" && e.Action != "skip" {
			return
		}
		key := test{e.Package, e.Test}
		if outcomes[key] == nil {
			outcomes[key] = &outcome{}
		}
		if e.Action == "skip" {
			outcomes[key].skipped = append(outcomes[key].skipped, stage)
		} else {
			outcomes[key].ran, ended = true, true
		}
	})
	if err == nil && !ended {
		err = errors.New("no test ran: go test needs -json")
	}
	return err
}

// check names the tests that were skipped and ran nowhere. What is allowed and names
// no test any more is an error, too, so that the list stays true.
func check(outcomes map[test]*outcome, allowed []test, out io.Writer) error {
	wrong := 0
	known := map[test]bool{}
	for _, t := range slices.SortedFunc(maps.Keys(outcomes), compare) {
		may := false
		for _, a := range allowed {
			if a.pkg == t.pkg && (a.name == t.name || strings.HasPrefix(t.name, a.name+"/")) {
				may, known[a] = true, true
			}
		}
		if o := outcomes[t]; !o.ran && !may {
			wrong++
			fmt.Fprintf(out, "%s %s ran nowhere; skipped: %s\n", t.pkg, t.name, strings.Join(o.skipped, ", "))
		}
	}
	for _, a := range allowed {
		if !known[a] {
			wrong++
			fmt.Fprintf(out, "%s %s may be skipped, and there is no such test\n", a.pkg, a.name)
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d tests: make each run in a stage of .ci/run, or say in .ci/skips/allowed why it cannot", wrong)
	}
	return nil
}

func compare(a, b test) int {
	return strings.Compare(a.pkg+" "+a.name, b.pkg+" "+b.name)
}

// parse reads the list of what may be skipped everywhere.
func parse(text string) (allowed []test, err error) {
	for number, line := range strings.Split(text, "\n") {
		entry, why, _ := strings.Cut(line, "#")
		words := strings.Fields(entry)
		if len(words) == 0 { // empty, or a comment
			continue
		}
		if len(words) != 2 || strings.TrimSpace(why) == "" {
			return nil, fmt.Errorf("line %d is not PACKAGE TEST # why", number+1)
		}
		allowed = append(allowed, test{words[0], words[1]})
	}
	return allowed, nil
}
