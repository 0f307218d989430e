package gateway

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// What is wrong with the file of secrets is told with the file, the reason and the cure:
// "failed" alone could be a full disk or a folder of somebody else.
func TestARefusedSecretSaysWhichFileAndWhy(t *testing.T) {
	t.Parallel()
	cause := &fs.PathError{Op: "open", Path: "/home/u/.openclaw/state/vault.openclaw", Err: errors.New("no space left on device")}
	for _, kind := range []keychain.Kind{keychain.KindFailed, keychain.KindUnsafeFile, keychain.KindCorrupt, keychain.KindNoService, keychain.KindRolledBack} {
		err := secretRefusal(&keychain.Error{Op: "set secret", Name: "anthropic", Kind: kind, Err: cause, Hint: "make room"})
		refusal, is := errors.AsType[*wire.Error](err)
		if !is || refusal.Hint() != "make room" {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, want := range []string{"set secret anthropic: " + string(kind), cause.Path, "no space left"} {
			if !strings.Contains(refusal.Message, want) {
				t.Errorf("%s: %q does not say %q", kind, refusal.Message, want)
			}
		}
	}
}
