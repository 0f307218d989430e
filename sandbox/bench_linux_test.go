package sandbox_test

import (
	"os/exec"
	"testing"
)

// BenchmarkTrue is the whole life of a cage around a command that does nothing;
// BenchmarkTrueBare is the command without a cage.
func BenchmarkTrue(b *testing.B) {
	w := newWorld(b)
	spec := w.spec("true")
	for b.Loop() {
		_, wait := start(b, spec)
		if res := wait(); res.status.Code != 0 {
			b.Fatal(res)
		}
	}
}

func BenchmarkTrueBare(b *testing.B) {
	for b.Loop() {
		if err := exec.CommandContext(b.Context(), "true").Run(); err != nil {
			b.Fatal(err)
		}
	}
}
