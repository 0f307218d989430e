package redact_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// BenchmarkBesideGitleaks runs the comparison in testdata/gitleaks.txtar. It
// fetches gitleaks, so it is asked for:
//
//	OPENCLAW_BENCH_GITLEAKS=1 go test ./keychain/redact -run '^$' -bench BesideGitleaks -benchtime 1x -v
func BenchmarkBesideGitleaks(b *testing.B) {
	if os.Getenv("OPENCLAW_BENCH_GITLEAKS") == "" {
		b.Skip("set OPENCLAW_BENCH_GITLEAKS=1: it fetches gitleaks")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		b.Fatal(err)
	}
	archive, err := txtar.ParseFile(filepath.Join("testdata", "gitleaks.txtar"))
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for _, file := range archive.Files {
		text := strings.ReplaceAll(string(file.Data), "$ROOT", root)
		if err := os.WriteFile(filepath.Join(dir, file.Name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), "go", "test", "-run", "^$", "-bench", ".", "-benchtime", "2s", ".")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		b.Logf("\n%s", out)
	}
}
