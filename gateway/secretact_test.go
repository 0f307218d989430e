package gateway

import (
	"errors"
	"testing"

	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// Each act on secrets is on record before it is tried, as allowed and not as done; and
// once more as a failure, with the reason, where nothing came of it.
func TestASecretActThatFailsIsOnRecord(t *testing.T) {
	h := build(t, newLayout(t), freePort(t), "", nil).run()
	c := h.local()
	wrong := []byte("wrong passphrase")
	for _, try := range []struct {
		action, method string
		params         any
	}{
		{"unlock vault", wire.MethodStoreUnlock, wire.StoreUnlockParams{Passphrase: wrong}},
		{"unlock vault", wire.MethodStoreUnlock, wire.StoreUnlockParams{Code: []byte("WRONG-CODE")}},
		{"rekey vault", wire.MethodStoreRekey, wire.StoreRekeyParams{Current: wrong, Passphrase: []byte("another passphrase")}},
		{"add recovery code", wire.MethodStoreRecover, wire.StoreSlotParams{Current: wrong}},
		{"remove a way to unlock the vault", wire.MethodStoreRemove, wire.StoreSlotParams{Current: wrong, ID: "00"}},
		{"add a way to unlock the vault", wire.MethodStoreAdd, wire.StoreAddParams{Current: wrong, Kind: "keychain"}},
		{"look at a refused vault file", wire.MethodStoreRolled, wire.StoreUnlockParams{Passphrase: wrong}},
		{"delete", wire.MethodSecretDelete, wire.SecretParams{Name: "nobody-stored-it"}},
	} {
		before := len(h.audited("secret_access"))
		if err := c.Call(t.Context(), try.method, try.params, nil); err == nil {
			t.Fatalf("%s did not fail", try.action)
		}
		entries := h.audited("secret_access")[before:]
		if len(entries) != 2 || entries[0].Action != try.action || entries[1].Action != try.action || entries[0].Result != "allowed" || entries[1].Result != "failure" || entries[1].Reason == "" {
			t.Errorf("%s is on record as %+v", try.action, entries)
		}
	}
	before := len(h.audited("secret_access"))
	if err := c.Call(t.Context(), wire.MethodSecretSet, wire.SecretSetParams{Name: "openai", Value: []byte("sk-something-0123456789")}, nil); err != nil {
		t.Fatal(err)
	}
	if entries := h.audited("secret_access")[before:]; len(entries) != 1 || entries[0].Result != "allowed" {
		t.Errorf("what succeeds is on record as %+v", entries)
	}
}

// A vault file that is older than the newest is an attack or a restored backup: it is
// recorded as denied and told on the screen, by whichever act meets it.
func TestARolledBackVaultIsDenied(t *testing.T) {
	h := build(t, newLayout(t), freePort(t), "", nil).run()
	act, err := h.beginSecretAct(t.Context(), "unix", AuditEntry{Action: "unlock vault"}, "")
	if err != nil {
		t.Fatal(err)
	}
	err = act.failed(t.Context(), &keychain.Error{Op: "unlock vault", Kind: keychain.KindRolledBack, Err: errors.New("generation 3, and 5 was seen")})
	entries := h.audited("secret_access")
	if last := entries[len(entries)-1]; last.Result != "denied" || err == nil || last.Reason != err.Error() {
		t.Errorf("%+v, %v", last, err)
	}
}
