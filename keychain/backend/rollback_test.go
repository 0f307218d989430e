package backend

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"openclaw/keychain"
)

// paper is an anchor that needs no audit log: a fake of what cmd/openclaw gives.
type paper struct {
	mu    sync.Mutex
	noted Noted
	fail  error
}

func (p *paper) Newest(context.Context, string) (Noted, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.noted, p.noted.ID != "", p.fail
}

func (p *paper) Note(_ context.Context, mark keychain.VaultMark) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail == nil {
		p.noted = Noted{VaultMark: mark}
	}
	return p.fail
}

func (p *paper) breakBy(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// An older file that is put back is refused after a restart, until a person accepts
// it; afterwards no file of before takes its place, also not a newer one.
func TestAnOlderFileIsRefusedAfterARestart(t *testing.T) {
	for name, passphrase := range map[string][]byte{"by passphrase": []byte(words), "by key file": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := folders(t)
			o.Anchor = &paper{}
			b := open(t, o)
			if err := b.CreateVault(t.Context(), passphrase); err != nil {
				t.Fatal(err)
			}
			start := func() (*Backend, error) {
				b := open(t, o)
				if passphrase == nil {
					_, err := b.Get(t.Context(), "a")
					return b, err
				}
				return b, b.Unlock(t.Context(), passphrase)
			}
			set(t, b, "a", "old")
			older := readFile(t, b.vaultPath)
			set(t, b, "a", "stolen, so replaced")
			set(t, b, "b", "1")
			newest := readFile(t, b.vaultPath)

			again, err := start()
			if err != nil {
				t.Fatal(err)
			}
			want(t, again, "a", "stolen, so replaced")

			writeFile(t, b.vaultPath, older)
			again, err = start()
			wantKind(t, err, keychain.KindRolledBack)
			wantStatus(t, again, Vault, Failed)
			if s := again.Status(); !strings.Contains(s.Hint, "accept-rollback") || !strings.Contains(s.Detail, "2 after 4") {
				t.Fatalf("%+v", s)
			}
			wantKind(t, again.Set(t.Context(), "a", secret("x")), keychain.KindRolledBack)
			if string(readFile(t, b.vaultPath)) != string(older) {
				t.Fatal("the refused file was written")
			}

			rollback, err := again.LookAtRollback(t.Context(), keychain.VaultOpening{Passphrase: passphrase})
			if err != nil || rollback.File.Generation != 2 || rollback.Newest.Generation != 4 {
				t.Fatalf("%+v %v", rollback, err)
			}
			wantKind(t, again.AcceptRollback(t.Context(), keychain.VaultOpening{Passphrase: passphrase}, rollback.Newest.Fingerprint), keychain.KindFailed)
			wantStatus(t, again, Vault, Failed)
			if err := again.AcceptRollback(t.Context(), keychain.VaultOpening{Passphrase: passphrase}, rollback.File.Fingerprint); err != nil {
				t.Fatal(err)
			}
			want(t, again, "a", "old")
			set(t, again, "c", "1")
			restarted, err := start()
			if err != nil {
				t.Fatal(err)
			}
			want(t, restarted, "a", "old")

			if passphrase != nil {
				return // each start costs a second
			}
			for _, file := range [][]byte{older, newest} {
				writeFile(t, b.vaultPath, file)
				_, err = start()
				wantKind(t, err, keychain.KindRolledBack)
			}
		})
	}
}

// Whoever puts an older file back and writes to it until its number is right is
// told from the file that was seen; and so is another vault of the same passphrase.
func TestAnotherFileIsRefused(t *testing.T) {
	o := folders(t)
	o.Anchor = &paper{}
	b := open(t, o)
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	older := readFile(t, b.vaultPath)
	set(t, b, "a", "1")
	elsewhere := o
	elsewhere.Anchor = nil
	writeFile(t, b.vaultPath, older)
	forger := open(t, elsewhere)
	set(t, forger, "a", "forged")
	b = open(t, o)
	_, err := b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindRolledBack)

	other := folders(t)
	other.KeysDir = o.KeysDir // the same key opens it
	c := open(t, other)
	if err := c.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		set(t, c, "a", "another")
	}
	writeFile(t, b.vaultPath, readFile(t, c.vaultPath))
	b = open(t, o)
	_, err = b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindRolledBack)
	rollback, err := b.LookAtRollback(t.Context(), keychain.VaultOpening{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AcceptRollback(t.Context(), keychain.VaultOpening{}, rollback.File.Fingerprint); err != nil {
		t.Fatal(err)
	}
	want(t, b, "a", "another")
}

// A record that is gone proves nothing and locks nobody out; one that cannot be
// read is no leave to use what stands there.
func TestALostRecordAndAnUnreadableOne(t *testing.T) {
	o := folders(t)
	anchor := &paper{}
	o.Anchor = anchor
	b := open(t, o)
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	older := readFile(t, b.vaultPath)
	set(t, b, "a", "1")

	lost := &paper{}
	o.Anchor = lost
	writeFile(t, b.vaultPath, older)
	b = open(t, o)
	status := b.Status()
	if status.State != Ready {
		t.Fatalf("%+v", status)
	}
	if lost.noted.Generation != 1 {
		t.Fatalf("what was opened was not noted: %+v", lost.noted)
	}
	set(t, b, "a", "2")

	lost.breakBy(errors.New("the record is damaged"))
	b = open(t, o)
	_, err := b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindRolledBack)
	if !strings.Contains(err.Error(), "the record is damaged") {
		t.Fatal(err)
	}
	rollback, err := b.LookAtRollback(t.Context(), keychain.VaultOpening{})
	if err != nil {
		t.Fatal(err)
	}
	lost.breakBy(nil)
	lost.noted = Noted{}
	wantKind(t, b.AcceptRollback(t.Context(), keychain.VaultOpening{}, rollback.File.Fingerprint), keychain.KindFailed) // nothing to accept any more
	b = open(t, o)
	want(t, b, "a", "2")

	// What cannot be recorded is said, and recorded as soon as that can be.
	lost.breakBy(errors.New("disk full"))
	err = b.Set(t.Context(), "a", secret("3"))
	wantKind(t, err, keychain.KindFailed)
	if !strings.Contains(err.Error(), "disk full") {
		t.Fatal(err)
	}
	lost.breakBy(nil)
	want(t, b, "a", "3")
	if lost.noted.Generation != 3 {
		t.Fatalf("%+v", lost.noted)
	}
}
