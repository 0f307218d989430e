package configs

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// A trial says what a reload would do, and does nothing: neither what is active nor what
// was said of the file before changes.
func TestTrySaysWhatAReloadWouldDo(t *testing.T) {
	store, path := openTest(t, "gateway: {port: 18789}\n")
	var vetoes error
	store.Subscribe(Subscriber{Name: "test",
		Check: func(*Snapshot, *Snapshot) error { return vetoes },
		Apply: func(*Snapshot, *Snapshot) { t.Error("a trial came into force") },
	})
	before := store.Status()
	try := func(text string, refused bool, want string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		trial := store.Try()
		said := strings.Join(trial.Changes, "; ")
		for _, p := range trial.Problems {
			said += p.String()
		}
		if trial.Refused != refused || !strings.Contains(said, want) || want == "" && said != "" {
			t.Errorf("%q: %+v, want %q", text, trial, want)
		}
		if now := store.Status(); now.Version != before.Version || now.Rejected || len(now.Problems) > 0 || now.Active != before.Active {
			t.Errorf("%q: the status moved: %+v", text, now)
		}
	}
	try("gateway: {port: 18789}\n", false, "")
	try("gateway: {port: 18790}\n", false, "gateway.port")
	try("gateway: {port: 18789} # as ever\n", false, "nothing but comments")
	try("gateway: {prt: 1}\n", true, "port")
	try("", true, "is empty")
	vetoes = errors.New("not while it rains")
	try("gateway: {port: 18791}\n", true, "not while it rains")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if trial := store.Try(); !trial.Refused || !strings.Contains(trial.Problems[0].Message, "is gone") {
		t.Errorf("%+v", trial)
	}
}
