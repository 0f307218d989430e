// Command openclaw runs AI agents in a cage that the kernel enforces, and the
// gateway that keeps their keys.
//
// It parses flags, builds the house, prints and exits. No rule of the product
// lives here.
package main

import (
	"context"
	"os"

	"openclaw/sandbox"
)

func main() {
	// A cage is built by this program re-executed: that child never sees a flag.
	if handled, code := sandbox.RunStage(os.Args); handled {
		os.Exit(code)
	}
	os.Exit(run(context.Background(), &terminal{
		args: os.Args[1:], in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(), getenv: os.Getenv,
	}))
}
