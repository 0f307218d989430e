package sandbox_test

import (
	"os"
	"testing"

	"openclaw/sandbox"
)

func TestMain(m *testing.M) {
	if handled, code := sandbox.RunStage(os.Args); handled {
		os.Exit(code)
	}
	os.Exit(m.Run())
}
