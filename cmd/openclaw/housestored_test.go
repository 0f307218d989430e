package main

import (
	"strings"
	"testing"

	"openclaw/keychain"
)

// What a vault holds is known to the redactor before the gateway that opens it does or
// writes anything; a vault that is locked then, from the moment that it opens.
func TestAVaultIsKnownTheMomentItOpens(t *testing.T) {
	for _, locked := range []bool{false, true} {
		term, h := canaryHouse(t)
		h.masker.Remove("canary")
		var words []byte // none: the vault opens by a key file
		if locked {
			words = []byte("correct horse battery staple")
		}
		if err := h.secrets.CreateVault(t.Context(), words); err != nil {
			t.Fatal(err)
		}
		if err := h.secrets.Set(t.Context(), "previous/anthropic", keychain.NewSecret([]byte(knownCanary))); err != nil {
			t.Fatal(err)
		}
		h.close()

		h, err := term.build(t.Context(), h.layout)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.close)
		knows := func() bool { return !strings.Contains(h.masker.Text("key "+knownCanary), knownCanary) }
		if knows() == locked {
			t.Errorf("locked %v, and it knows what is in the vault: %v", locked, knows())
		}
		if !locked {
			continue
		}
		if err := h.secrets.Unlock(t.Context(), words); err != nil {
			t.Fatal(err)
		}
		if !knows() {
			t.Error("the vault is open, and what is in it is not known")
		}
	}
}
