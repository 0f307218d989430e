package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// event is a line of `go test -json`: see `go doc test2json` and `go help buildjson`.
type event struct {
	Action, Package, Test, Output string
}

// each hands on the events, and as the output of nothing what is no event, such as
// what a test's children wrote.
func each(in io.Reader, f func(event)) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
				e = event{Action: "build-output", Output: line}
			}
			f(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read go test's events: %w", err)
		}
	}
}

// show prints of each package what go test prints without -json: a line of one that
// passed, and of one that failed all that its tests wrote but those that passed.
func show(in io.Reader, out io.Writer) error {
	open := map[string]*said{}
	err := each(in, func(e event) {
		if e.Package == "" {
			fmt.Fprint(out, e.Output)
			return
		}
		p := open[e.Package]
		if p == nil {
			p = &said{by: map[string]*strings.Builder{}}
			open[e.Package] = p
		}
		switch {
		case e.Action == "output":
			p.add(e.Test, e.Output)
		case e.Test != "" && (e.Action == "pass" || e.Action == "skip"):
			p.by[e.Test] = &strings.Builder{}
		case e.Test == "" && (e.Action == "pass" || e.Action == "skip"):
			fmt.Fprint(out, p.last)
			delete(open, e.Package)
		case e.Test == "" && e.Action == "fail":
			p.print(out)
			delete(open, e.Package)
		}
	})
	for _, p := range open { // it came to no end
		p.print(out)
	}
	return err
}

// said is what the tests of a package wrote, in the order in which they began.
type said struct {
	tests []string // "" is the package itself
	by    map[string]*strings.Builder
	last  string // what the package itself wrote last
}

func (s *said) add(test, text string) {
	if strings.HasPrefix(text, "=== ") { // that a test begins, waits or goes on
		return
	}
	if test == "" {
		s.last = text
	}
	if s.by[test] == nil {
		s.tests = append(s.tests, test)
		s.by[test] = &strings.Builder{}
	}
	s.by[test].WriteString(text)
}

func (s *said) print(out io.Writer) {
	for _, test := range s.tests {
		if test != "" {
			fmt.Fprint(out, s.by[test])
		}
	}
	if of := s.by[""]; of != nil { // its end, FAIL, last
		fmt.Fprint(out, of)
	}
}
