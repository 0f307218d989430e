package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// mostResident is what a process may keep resident of files, in kB: 1 to 3 MB are seen once
// starting is over, and 14 to 24 where it keeps all.
const mostResident = 8 << 10

func fileResident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
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

// A supervisor stays as long as its run, and keeps little of the program's file that
// starting a cage went through.
func TestSupervisorKeepsLittleOfItsProgram(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	p.gateway()
	c := p.cage("coder")
	p.eventually("the pages to be given back", func() bool { return fileResident(t, c.pid()) <= mostResident })
	if said := c.do("echo it goes on"); said != "it goes on" {
		t.Errorf("the cage says %q", said)
	}
}

// So does a gateway, which stays for days.
func TestGatewayKeepsLittleOfItsProgram(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	c := p.gateway()
	p.eventually("the pages to be given back", func() bool { return fileResident(t, c.pid()) <= mostResident })
	if said := p.openclaw("gateway", "status"); said.code != 0 {
		t.Errorf("the gateway says %d: %s", said.code, said.errors)
	}
}
