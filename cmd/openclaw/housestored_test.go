package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// What the config names and is at hand is known at the start and when the config changes,
// before anything has used it: a variable, one of the .env file, a file, and a key that
// stands in the config.
func TestWhatTheConfigNamesIsKnown(t *testing.T) {
	term, h := canaryHouse(t)
	key := func(i int) string { return fmt.Sprint("meadow lantern ", i, " violin") }
	file := filepath.Join(t.TempDir(), "key")
	environment := term.getenv
	term.getenv = func(name string) string {
		if name == "FIRST_KEY" {
			return key(1)
		}
		return environment(name)
	}
	config := contents(t, h.layout.Config())
	for path, text := range map[string]string{
		file: key(3), h.layout.Env(): "SECOND_KEY='" + key(2) + "'\n",
		h.layout.Config(): config + "providers:\n  a: {kind: openai, base_url: 'https://a.example', api_key: '${FIRST_KEY}'}\n" +
			"  b: {kind: openai, base_url: 'https://b.example', api_key: '${SECOND_KEY}'}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.close()
	h, err := term.build(t.Context(), h.layout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	knows := func(i int, want bool) {
		t.Helper()
		if text := h.masker.Text("it is " + key(i)); strings.Contains(text, key(i)) == want {
			t.Errorf("key %d: %s", i, text)
		}
	}
	knows(1, true)
	knows(2, true)
	knows(3, false)
	if err := os.WriteFile(h.layout.Config(), []byte(config+"providers:\n  a: {kind: openai, base_url: 'https://a.example', api_key: 'file://"+file+"'}\n"+
		"  b: {kind: openai, base_url: 'https://b.example', api_key: '"+key(4)+"'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.config.Reload("test"); err != nil {
		t.Fatal(err)
	}
	knows(3, true)
	knows(4, true)
	knows(1, true) // it is as secret as before
}

// A keychain that is silent is asked until it answers, ever more seldom. One that may have
// opened a window is asked once more, when a person has used it, and never by itself.
func TestAStoreIsAskedAgain(t *testing.T) {
	t.Parallel()
	silent, locked := &keychain.Error{Kind: keychain.KindTimeout}, &keychain.Error{Kind: keychain.KindLocked}
	for name, c := range map[string]struct {
		answers []error // of one try after the other; the last of all that follow
		used    time.Duration
		at      []time.Duration // when it is tried
		ends    bool            // by itself
	}{
		"open":              {answers: []error{nil}, at: []time.Duration{0}, ends: true},
		"silent for long":   {answers: []error{silent, silent, silent, nil}, at: []time.Duration{0, 5 * time.Second, 15 * time.Second, 35 * time.Second}, ends: true},
		"locked, unused":    {answers: []error{locked}, at: []time.Duration{0}},
		"locked, then used": {answers: []error{locked, nil}, used: time.Hour, at: []time.Duration{0, time.Hour}, ends: true},
		"locked for ever":   {answers: []error{locked}, used: time.Hour, at: []time.Duration{0, time.Hour}, ends: true},
		"silent, then used": {answers: []error{silent, nil}, used: time.Second, at: []time.Duration{0, time.Second}, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, used := time.Now(), make(chan struct{}, 1)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.used > 0 {
					time.AfterFunc(c.used, func() { used <- struct{}{} })
				}
				var at []time.Duration
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					learnAgain(ctx, func(context.Context) error {
						at = append(at, time.Since(began))
						return c.answers[min(len(at), len(c.answers))-1]
					}, used)
				}()
				time.Sleep(24 * time.Hour)
				select {
				case <-ended:
					if !c.ends {
						t.Error("it was given up")
					}
				default:
					if c.ends {
						t.Error("it goes on")
					}
					cancel()
					<-ended
				}
				if fmt.Sprint(at) != fmt.Sprint(c.at) {
					t.Errorf("tried at %v, want %v", at, c.at)
				}
			})
		})
	}
}
