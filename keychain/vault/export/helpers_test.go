package export

import (
	"os"
	"testing"
)

func require(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal("required and not possible here: " + reason)
	}
	t.Skip(reason)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
