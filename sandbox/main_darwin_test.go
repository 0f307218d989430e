package sandbox

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if handled, code := RunStage(os.Args); handled {
		os.Exit(code)
	}
	os.Exit(m.Run())
}
