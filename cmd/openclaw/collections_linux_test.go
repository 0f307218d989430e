package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A supervisor stays as long as its run, and keeps little of the program's file that
// starting a cage went through.
func TestSupervisorKeepsLittleOfItsProgram(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	p.gateway()
	c := p.cage("coder")
	size := func() int { // kB
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid()))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "RssFile:")
		value, err := strconv.Atoi(strings.Fields(rest + " ?")[0])
		if err != nil {
			t.Fatalf("the kernel does not say RssFile: %s", text)
		}
		return value
	}
	const most = 8 << 10 // 1 to 2 are seen, and 14 to 24 where it keeps all
	p.eventually("the pages to be given back", func() bool { return size() <= most })
	if said := c.do("echo it goes on"); said != "it goes on" {
		t.Errorf("the cage says %q", said)
	}
}
