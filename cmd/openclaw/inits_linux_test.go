package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestLittleBeforeMain bounds what packages do before main: every command pays
// for it, and so does the inside of every cage, which is this program started
// once more. An expression or a table that only some commands use is made when
// it is used.
func TestLittleBeforeMain(t *testing.T) {
	t.Parallel()
	const (
		most  = 50   // allocations of one package of ours; keychain/redact has 30
		total = 2100 // of all packages; crypto/ssh, for the vault's slots of ssh keys, has 215
	)
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var words strings.Builder
	cmd.Stderr = &words
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) allocs$`)
	found, all := 0, 0
	for _, m := range line.FindAllStringSubmatch(words.String(), -1) {
		allocs, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		all += allocs
		if below(m[1], "openclaw") {
			found++
			if allocs > most {
				t.Errorf("%s allocates %d times before main", m[1], allocs)
			}
		}
	}
	if found == 0 {
		t.Errorf("nothing of ours is in the trace: %s", words.String())
	}
	if all > total {
		t.Errorf("%d allocations before main; which package it is: GODEBUG=inittrace=1 openclaw version", all)
	}
}
