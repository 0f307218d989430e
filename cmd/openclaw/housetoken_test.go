package main

import (
	"testing"

	"openclaw/keychain"
)

// Who deletes the gateway's token has it replaced: the one before does not come back,
// and one that a person stored meanwhile stays.
func TestADeletedTokenDoesNotComeBack(t *testing.T) {
	_, h := canaryHouse(t)
	if err := h.secrets.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	token := func() string {
		t.Helper()
		secret, err := h.token.Token(t.Context())
		if err != nil || secret.Empty() {
			t.Fatal(err)
		}
		return string(secret.Reveal())
	}
	first := token()
	if token() != first {
		t.Fatal("it is another one at every look")
	}
	if err := h.secrets.Delete(t.Context(), gatewayTokenName); err != nil {
		t.Fatal(err)
	}
	if token() == first {
		t.Error("a token that was deleted is in force again")
	}
	const own = "a token of a person's own"
	if err := h.secrets.Set(t.Context(), gatewayTokenName, keychain.NewSecret([]byte(own))); err != nil {
		t.Fatal(err)
	}
	// As when it was stored after the look that found none.
	if secret, err := h.token.create(t.Context()); err != nil || string(secret.Reveal()) != own {
		t.Error("a token that a person stored was replaced:", err)
	}
	if token() != own {
		t.Error("a token that a person stored is not in force")
	}
}
