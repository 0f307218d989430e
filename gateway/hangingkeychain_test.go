package gateway

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// hanging is a source of the token that can be made to hang, as a keychain does
// whose window waits for its person.
type hanging struct {
	hangs atomic.Bool
	stuck atomic.Int64 // that hang now
}

func (s *hanging) deps(d *Deps) {
	inner := d.Token
	d.Token = func(ctx context.Context) (keychain.Secret, error) {
		if s.hangs.Load() {
			s.stuck.Add(1)
			defer s.stuck.Add(-1)
			<-ctx.Done()
			return keychain.Secret{}, ctx.Err()
		}
		return inner(ctx)
	}
}

// A keychain that hangs keeps nothing open past its end: neither what the token
// before let in when its grace period is over, nor a named client.
func TestAHangingKeychainHoldsNoSocketOpen(t *testing.T) {
	var clock shifted
	var source hanging
	h := build(t, newLayout(t), freePort(t), "", func(d *Deps) { clock.deps(d); source.deps(d) }).run()
	var added wire.ClientAdded
	if err := h.local().Call(t.Context(), wire.MethodClientAdd, wire.ClientAddParams{Name: "ci", Scopes: []string{"operator.write"}, For: "2h"}, &added); err != nil {
		t.Fatal(err)
	}
	if _, err := h.rotate(t.Context(), "local", time.Hour); err != nil {
		t.Fatal(err)
	}
	old, answer := h.socket(h.token)
	if !answer.OK {
		t.Fatalf("%+v", answer.Error)
	}
	named, answer := h.socket(added.Token)
	if !answer.OK {
		t.Fatalf("%+v", answer.Error)
	}
	next := h.storedToken()
	present, answer := h.socket(next)
	if !answer.OK {
		t.Fatalf("%+v", answer.Error)
	}
	source.hangs.Store(true)
	h.lookSoon()
	until(t, "the look at the keychain hangs", func() bool { return source.stuck.Load() > 0 })
	clock.ahead(time.Hour)
	h.lookSoon()
	if code := closeCode(old); code != wire.CloseTokenChanged {
		t.Error("the socket of the token before was closed with", code)
	}
	clock.ahead(time.Hour)
	h.lookSoon()
	if code := closeCode(named); code != wire.CloseTokenChanged {
		t.Error("the socket of the client was closed with", code)
	}
	if err := present.WriteJSON(wire.Request{Type: "req", ID: "2", Method: "status"}); err != nil {
		t.Fatal(err)
	}
	var status wire.Response
	if err := present.ReadJSON(&status); err != nil || !status.OK {
		t.Error("the present token's socket was cut:", err)
	}
	// The right token is not made to wait for the keychain; one that was replaced
	// gets in no more, whether or not anybody can ask.
	if r := h.bearer(next); r.StatusCode != 200 {
		t.Error("the present token:", r.Status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if judged := h.judge(ctx, h.token); judged.standing == auth.Good {
		t.Error("the token before is good")
	}
}
