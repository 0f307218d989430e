// Command skips reads what `go test -json` says of the stages of .ci/run, and holds
// that a test which is skipped in one of them runs in another.
//
//	go test -json … | skips show    prints what go test prints without -json
//	skips check ALLOWED STAGE…      names the tests that ran in no stage, and fails
//
// A stage is a file of go test's events. ALLOWED is a file of the tests that may be
// skipped everywhere, each with its reason:
//
//	PACKAGE TEST # why
//
// What may be skipped may be with all its subtests.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		log.Fatal("skips: ", err)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "show":
		return show(in, out)
	case len(args) > 2 && args[0] == "check":
		return checkFiles(args[1], args[2:], out)
	}
	return fmt.Errorf("usage: go test -json … | skips show, or skips check ALLOWED STAGE…")
}
