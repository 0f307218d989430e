package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/keyringtest"
)

// A keychain that is locked when the gateway starts, as at a desktop before its login, is
// known when the first secret was read of it, all of it.
func TestAKeychainThatOpensLaterIsKnown(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.Unlocked) {
		return
	}
	h := restartedWith(t, func() { keyringtest.Lock(t) })
	if err := h.learnStored(t.Context()); keychain.KindOf(err) != keychain.KindLocked || knows(h) {
		t.Fatalf("%v %v", err, knows(h))
	}
	defer follows(t, h)()
	time.Sleep(time.Second) // its first try is made of a locked keychain; one that comes later finds the same
	keyringtest.Unlock(t)
	if _, _, err := h.resolve(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	soonKnows(t, h)
}

// restartedWith is a gateway that starts when something has become of the keychain, in
// which a second secret is the canary.
func restartedWith(t *testing.T, become func()) *house {
	t.Helper()
	term, h := houseOf(t)
	for name, value := range map[string]string{"first": keyCanary, "second": knownCanary} {
		if err := h.secrets.Set(t.Context(), name, keychain.NewSecret([]byte(value))); err != nil {
			t.Fatal(err)
		}
	}
	h.close()
	become()
	h, err := term.build(t.Context(), h.layout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	return h
}

func knows(h *house) bool {
	return !strings.Contains(h.masker.Text("key "+knownCanary), knownCanary)
}

// follows has a gateway follow its store until end is called.
func follows(t *testing.T, h *house) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); h.followStore(ctx) }()
	return func() { cancel(); <-ended }
}

func soonKnows(t *testing.T, h *house) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !knows(h); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("what nothing has used is not known")
		}
	}
}
