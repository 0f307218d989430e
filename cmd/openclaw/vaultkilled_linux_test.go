package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"openclaw/gateway/audit"
	"openclaw/keychain"
	"openclaw/keychain/backend"
	"openclaw/keychain/keyringtest"
)

// dying is the audit log as an anchor, in a process that is killed beside its record.
type dying struct {
	auditAnchor

	at *string // where
}

func (d dying) Note(ctx context.Context, mark keychain.VaultMark) error {
	if *d.at == "before the audit log's record" {
		kill()
	}
	err := d.auditAnchor.Note(ctx, mark)
	if *d.at == "between the audit log's record and the keychain's" {
		kill()
	}
	return err
}

// kill ends this process as kill -9 does: nothing of it runs any more.
func kill() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// marked are secrets, with the audit log that is an anchor of their vault.
type marked struct {
	*backend.Backend

	log *audit.Recorder
}

// Close also lets go of the audit log, which one process has at a time.
func (m marked) Close() {
	m.Backend.Close()
	_ = m.log.Close()
}

// markedStore opens the secrets below a folder, with the audit log and the keychain as
// anchors of its vault. Without a keychain only the audit log is one.
func markedStore(t *testing.T, root string, dies *string, withKeychain bool) (marked, error) {
	t.Helper()
	for _, name := range []string{"state", "keys"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(root, "audit.log")
	recorder, err := audit.Open(audit.Options{Path: log})
	if err != nil {
		t.Fatal(err)
	}
	options := backend.Options{StateDir: filepath.Join(root, "state"), KeysDir: filepath.Join(root, "keys"), Now: time.Now, Anchor: dying{auditAnchor{log, recorder.Record}, dies}}
	if withKeychain {
		options.OS = keychain.NewOS(keychain.OSOptions{GetTimeout: time.Minute, SetTimeout: time.Minute, ProbeTimeout: time.Minute})
	}
	store, err := backend.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	m := marked{store, recorder}
	t.Cleanup(m.Close)
	_, err = store.Get(t.Context(), "kept") // it is opened when it is used
	return m, err
}

// A change that is killed between the vault file's rename and what remembers it, or between
// the two that do, leaves a vault that opens at the next start: it is newer than what was
// remembered, and is remembered then. The file of before, put in its place afterwards, is
// refused, by the keychain and by the audit log each alone.
func TestAKillBesideTheMarkIsNoRollback(t *testing.T) {
	const role, folder = "OPENCLAW_VAULTKILLED", "OPENCLAW_VAULTKILLED_FOLDER"
	changes := map[string]func(*backend.Backend) error{
		"set": func(b *backend.Backend) error {
			return b.Set(t.Context(), "kept", keychain.NewSecret([]byte("newest")))
		},
		"delete": func(b *backend.Backend) error { return b.Delete(t.Context(), "other") },
		"rekey": func(b *backend.Backend) error {
			_, err := b.Rekey(t.Context(), nil, nil, false, false)
			return err
		},
	}
	if change, dies, child := strings.Cut(os.Getenv(role), ": "); child {
		var at string // nowhere until it is open, which is remembered too
		b, err := markedStore(t, os.Getenv(folder), &at, true)
		if err == nil {
			at = dies
			err = changes[change](b.Backend)
		}
		t.Fatalf("it was to be killed: %v", err)
	}
	if !keyringtest.Inside(t, keyringtest.Unlocked) {
		return
	}
	for change := range changes {
		for _, dies := range []string{"before the audit log's record", "between the audit log's record and the keychain's"} {
			t.Run(change+", killed "+dies, func(t *testing.T) {
				root := t.TempDir()
				vaultFile, log := filepath.Join(root, "state", "vault.openclaw"), filepath.Join(root, "audit.log")
				first, _ := markedStore(t, root, new(string), false) // no vault yet, and no keychain that is chosen in its place
				if err := first.CreateVault(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				first.Close()
				store, _ := markedStore(t, root, new(string), true)
				for _, name := range []string{"other", "kept"} {
					if err := store.Set(t.Context(), name, keychain.NewSecret([]byte("newer"))); err != nil {
						t.Fatal(err)
					}
				}
				store.Close()
				newest := func() backend.Noted {
					t.Helper()
					noted, known, err := auditAnchor{path: log}.Newest(t.Context(), "")
					if err != nil || !known {
						t.Fatal(known, err)
					}
					return noted
				}
				before, noted := contents(t, vaultFile), newest()

				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKillBesideTheMarkIsNoRollback$")
				cmd.Env = append(os.Environ(), role+"="+change+": "+dies, folder+"="+root, "GORACE=atexit_sleep_ms=0")
				out, err := cmd.CombinedOutput()
				var ended *exec.ExitError
				if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("it was not killed: %v\n%s", err, out)
				}
				after := contents(t, vaultFile)
				if after == before {
					t.Fatal("it was killed before the rename")
				}
				if recorded := newest().VaultMark != noted.VaultMark; recorded != strings.HasPrefix(dies, "between") {
					t.Fatalf("the audit log was written: %v", recorded)
				}

				store, err = markedStore(t, root, new(string), true)
				if err != nil {
					t.Fatalf("what a kill left is refused: %v", err)
				}
				want := map[string]string{"set": "newest"}[change]
				if want == "" {
					want = "newer"
				}
				if value, err := store.Get(t.Context(), "kept"); err != nil || string(value.Reveal()) != want {
					t.Fatalf("%s %v", value.Reveal(), err)
				}
				store.Close()

				// A true rollback: refused by both, by the audit log alone, by the keychain alone.
				put := func(path, text string) {
					t.Helper()
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				put(vaultFile, before)
				refused := func(by string, withKeychain bool) {
					t.Helper()
					store, err := markedStore(t, root, new(string), withKeychain)
					store.Close()
					kind := keychain.KindOf(err)
					if change == "rekey" && kind == keychain.KindWrongKey { // the key file is a new one, too
						kind = keychain.KindRolledBack
					}
					if kind != keychain.KindRolledBack {
						t.Errorf("an older file is not refused by %s: %v", by, err)
					}
				}
				refused("both", true)
				refused("the audit log alone", false)
				logAfter := contents(t, log)
				put(log, "")
				refused("the keychain alone", true)
				put(log, logAfter)
				put(vaultFile, after)
				if _, err := markedStore(t, root, new(string), true); err != nil {
					t.Errorf("the newest file is refused: %v", err)
				}
			})
		}
	}
}
