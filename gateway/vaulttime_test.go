package gateway

import (
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// lockedTimes waits until the vault was locked so many times.
func (h *house) lockedTimes(times int) {
	h.t.Helper()
	for end := time.Now().Add(20 * time.Second); h.memory.locked() != times; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("the vault was locked %d times, not %d", h.memory.locked(), times)
		}
	}
}

// An unlock with a time limit ends at its time, also when the clock jumps ahead; a
// clock that is set back gains nothing; and the end is told and recorded.
func TestAnUnlockEnds(t *testing.T) {
	start := time.Now()
	var clock shifted
	h := build(t, newLayout(t), freePort(t), "", clock.deps).run()
	notices := h.bus.Subscribe(64, event.KindNotice)
	defer notices.Close()
	c := h.local()
	unlock := func(seconds int64) event.SecretStore {
		var store event.SecretStore
		params := wire.StoreUnlockParams{Passphrase: []byte("right passphrase"), Seconds: seconds}
		if err := c.Call(t.Context(), wire.MethodStoreUnlock, params, &store); err != nil {
			t.Fatal(err)
		}
		return store
	}
	store := unlock(3600)
	if until := store.Until.Sub(start); until < time.Hour || until > time.Hour+5*time.Minute {
		t.Fatalf("until %v after the start", until)
	}
	clock.ahead(-5 * time.Hour)
	if left, limited := h.vaultTime.left(); !limited || left > time.Hour || left < 50*time.Minute {
		t.Fatalf("set back five hours, %v are left", left)
	}
	if n := h.memory.locked(); n != 0 {
		t.Fatalf("locked %d times before its end", n)
	}
	clock.ahead(6 * time.Hour)
	h.lockedTimes(1)
	var overview event.Overview
	if err := c.Call(t.Context(), wire.MethodOverview, nil, &overview); err != nil || !overview.Store.Until.IsZero() {
		t.Fatal(overview.Store, err)
	}
	told := false
	for end := time.After(20 * time.Second); !told; {
		select {
		case e := <-notices.C():
			told = strings.Contains(e.Notice.Text, "its time is over")
		case <-end:
			t.Fatal("the end was not told")
		}
	}
	recorded := false
	for end := time.Now().Add(20 * time.Second); !recorded; time.Sleep(10 * time.Millisecond) {
		for _, e := range h.audited("secret_access") {
			recorded = recorded || e.Action == "lock vault" && e.User == "gateway"
		}
		if time.Now().After(end) {
			t.Fatal("the end was not recorded")
		}
	}

	// A later unlock without a limit takes the limit of before away.
	unlock(3600)
	if store := unlock(0); !store.Until.IsZero() {
		t.Fatal(store)
	}
	if _, limited := h.vaultTime.left(); limited {
		t.Fatal("a limit is left")
	}
	for _, seconds := range []int64{-1, 365*24*3600 + 1} {
		params := wire.StoreUnlockParams{Passphrase: []byte("right passphrase"), Seconds: seconds}
		if err := c.Call(t.Context(), wire.MethodStoreUnlock, params, nil); refusalOf(t, err).Code != wire.CodeInvalidRequest {
			t.Fatal(err)
		}
	}
	clock.ahead(-24 * time.Hour)
	unlock(1) // set back, it ends all the same
	h.lockedTimes(2)
}

// By its key file a vault is opened from this machine only: a client from elsewhere
// that knows no secret does not overrule who locked it.
func TestOnlyThisMachineUnlocksByTheKeyFile(t *testing.T) {
	h := start(t, "")
	byFile := wire.StoreUnlockParams{KeyFile: true}
	if refusal := refusalOf(t, h.remote("operator.admin").Call(t.Context(), wire.MethodStoreUnlock, byFile, nil)); !strings.Contains(refusal.Message, "unix socket") {
		t.Errorf("%+v", refusal)
	}
	if err := h.local().Call(t.Context(), wire.MethodStoreUnlock, byFile, nil); err != nil {
		t.Error(err)
	}
	byFile.Code = []byte("RIGHT-CODE")
	if err := h.local().Call(t.Context(), wire.MethodStoreUnlock, byFile, nil); err == nil {
		t.Error("two ways at once were taken")
	}
}
