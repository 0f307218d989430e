package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"openclaw/gateway/event"
)

// askedBackend says of every secret what its provider said.
type askedBackend struct {
	*Demo
	test event.SecretTest
	fail error
}

func (b *askedBackend) TestSecret(context.Context, string) (event.SecretTest, error) {
	return b.test, b.fail
}

// A secret works only when a provider takes it; that it could not be asked is neither good
// nor bad, and what it refuses is bad.
func TestWhatAProviderSaysOfASecret(t *testing.T) {
	for _, c := range []struct {
		test       event.SecretTest
		fail       error
		says, mark string
	}{
		{event.SecretTest{OK: true, Source: "vault", Taken: []string{"provider anthropic"}}, nil, "anthropic works: found in the vault, taken by provider anthropic", "✓ "},
		{event.SecretTest{OK: true, Source: "vault", Unknown: []string{"provider anthropic: no route"}}, nil, "anthropic resolves: found in the vault; whether it is taken is not known: provider anthropic: no route", " "},
		{event.SecretTest{OK: true, Source: "vault"}, nil, "anthropic resolves: found in the vault; no provider uses it", " "},
		{event.SecretTest{Source: "vault", Problem: "provider anthropic: refuses this key"}, nil, "anthropic does not work: provider anthropic: refuses this key", "✗ "},
		{event.SecretTest{OK: true}, errors.New("the gateway is busy"), "anthropic does not work: the gateway is busy", "✗ "},
	} {
		d := newDriver(t, &askedBackend{NewDemo(), c.test, c.fail}, false, 120, 36)
		frame := strings.Split(strip(d.press("6", "g", "T")), "\n")
		if got := frame[len(frame)-2]; !strings.HasPrefix(got, " "+strings.TrimLeft(c.mark+c.says, " ")) {
			t.Errorf("%+v: %q, want %q", c.test, got, c.mark+c.says)
		}
	}
}
