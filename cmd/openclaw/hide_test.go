package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"openclaw/keychain"
)

// hiddenChild makes this test binary a process of openclaw that holds a secret and
// waits: TestMain runs it when hiddenVariable is set.
const hiddenVariable = "OPENCLAW_TEST_HIDDEN"

func hiddenChild() int {
	root := newRoot(&terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(), getenv: os.Getenv})
	cmd, _, err := root.Find(strings.Fields(os.Getenv(hiddenVariable)))
	if err == nil {
		err = root.PersistentPreRunE(cmd, nil)
	}
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("hidden:", keychain.MemoryHidden())
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	return 0
}
