package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The secret key of a recipient, and the recipient.
const (
	ageIdentity  = "AGE-SECRET-KEY-145S5P2R4508HY9MZR4U3ECRHN2NG22QXYJEYTE0QE7GRC4LW3R7QWM7JFX"
	ageRecipient = "age1g7tjyzdt5yvqfa6m0x86a7q24r3d8jlkq53xkg838zpj3cnccursshqnmc"
)

// vaultWay is a way to open a vault, and how a person gets it.
type vaultWay struct {
	flags   []string
	keyFile bool                   // the vault has a key file, and no passphrase
	more    func(v *vaultPerson)   // with a running gateway and an open vault
	wrong   []string               // flags of a way that this vault does not have
	skip    func(p *person) string // a reason
}

// vaultPerson is somebody with a vault.
type vaultPerson struct {
	*person
	keyFile bool
	running *child
}

// begin starts the gateway.
func (v *vaultPerson) begin() {
	v.t.Helper()
	v.running = v.gateway()
}

// with runs a command that reads a file as its standard input.
func (v *vaultPerson) with(file string, args ...string) result {
	v.t.Helper()
	return v.command("sh", append([]string{"-c", `exec "$@" <"$0"`, filepath.Join(v.home, file), v.binary}, args...)...)
}

// good is with for what has to end well.
func (v *vaultPerson) good(file string, args ...string) result {
	v.t.Helper()
	r := v.with(file, args...)
	if r.code != 0 {
		v.t.Fatalf("%q: %+v", args, r)
	}
	return r
}

// restart ends the gateway, does something to its files, and begins again.
func (v *vaultPerson) restart(between func()) {
	v.t.Helper()
	if r := v.openclaw("gateway", "stop"); r.code != 0 {
		v.t.Fatal(r)
	}
	<-v.running.ended
	between()
	v.begin()
}

// unlock opens the vault by its passphrase, if it has one.
func (v *vaultPerson) unlock() {
	v.t.Helper()
	if !v.keyFile {
		v.good("passphrase", "vault", "unlock", "--passphrase-fd", "0")
	}
}

// An older vault file is accepted by every way that opens a vault: by it alone, not by a
// way that the vault does not have, and not without a word.
func TestARollbackIsAcceptedByEachWay(t *testing.T) {
	t.Parallel()
	credential := func(v *vaultPerson, name, text string) {
		folder := filepath.Join(v.home, "credentials")
		if err := os.Mkdir(folder, 0o700); err != nil {
			v.t.Fatal(err)
		}
		write(v.t, filepath.Join(folder, name), text)
		v.environ = append(v.environ, "CREDENTIALS_DIRECTORY="+folder)
	}
	for name, way := range map[string]vaultWay{
		"key file": {flags: []string{"--key-file"}, keyFile: true, wrong: []string{"--keychain"}},
		"identity": {
			flags: []string{"--identity", "identity"}, wrong: []string{"--identity", "stranger"},
			more: func(v *vaultPerson) {
				write(v.t, filepath.Join(v.home, "identity"), ageIdentity+"\n")
				write(v.t, filepath.Join(v.home, "stranger"), "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n")
				v.good("passphrase", "vault", "add-slot", "age", ageRecipient, "--passphrase-fd", "0")
			},
		},
		"keychain": {
			flags: []string{"--keychain"}, wrong: []string{"--credential"},
			more: func(v *vaultPerson) {
				v.restart(v.keyring) // the vault was chosen while there was no keychain
				v.unlock()
				v.good("passphrase", "vault", "add-slot", "keychain", "--passphrase-fd", "0")
			},
		},
		"passphrase as a credential": {
			flags: []string{"--credential"}, wrong: []string{"--keychain"},
			more: func(v *vaultPerson) {
				credential(v, "openclaw-vault-key", "correct horse battery")
				v.restart(func() {}) // into the environment that systemd gives
				v.unlock()
			},
		},
		"credential of systemd": {
			flags: []string{"--credential"}, wrong: []string{"--keychain"},
			skip: func(*person) string {
				if os.Geteuid() != 0 {
					return "systemd-creds encrypts for a service of the system as root only"
				}
				return ""
			},
			more: func(v *vaultPerson) {
				creds := program(v.t, "systemd-creds")
				v.good("passphrase", "vault", "add-slot", "credential", "--system", "--passphrase-fd", "0")
				sealed := filepath.Join(v.home, ".openclaw", "keys", "openclaw-vault.cred")
				// What is systemd's part before it starts the service.
				key, err := exec.CommandContext(context.WithoutCancel(v.t.Context()), creds, "decrypt", "--name=openclaw-vault", sealed, "-").Output()
				if err != nil {
					v.t.Fatal(err)
				}
				credential(v, "openclaw-vault", string(key))
				v.restart(func() {}) // into the environment that systemd gives
				v.unlock()
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vaultPerson{person: newPerson(t), keyFile: way.keyFile}
			if way.skip != nil {
				if reason := way.skip(v.person); reason != "" {
					t.Skip(reason)
				}
			}
			v.configure("")
			for file, text := range map[string]string{"passphrase": "correct horse battery\n", "old": "old-value", "new": "a-newer-value", "nothing": ""} {
				write(t, filepath.Join(v.home, file), text)
			}
			file := filepath.Join(v.home, ".openclaw", "state", "vault.openclaw")
			v.begin()
			if way.keyFile {
				v.good("nothing", "vault", "init", "--key-file")
			} else {
				v.good("passphrase", "vault", "init", "--passphrase-fd", "0")
			}
			if way.more != nil {
				way.more(v)
			}
			v.good("old", "secrets", "set", "anthropic", "-")
			v.restart(func() { copyFile(t, file, file+".kept") })
			v.unlock()
			v.good("new", "secrets", "set", "anthropic", "-")
			v.restart(func() { copyFile(t, file+".kept", file) })

			accept := append([]string{"vault", "accept-rollback"}, way.flags...)
			if r := v.openclaw("secrets", "test", "anthropic"); r.code == 0 {
				t.Fatalf("an older file is used: %+v", r)
			}
			if r := v.with("nothing", append([]string{"vault", "accept-rollback", "--yes"}, way.wrong...)...); r.code != exitFailed {
				t.Fatalf("accepted by %q: %+v", way.wrong, r)
			}
			if r := v.with("nothing", accept...); r.code != exitUsage || !strings.Contains(r.out, "newest seen: generation") {
				t.Fatalf("accepted without a word: %+v", r)
			}
			if r := v.openclaw("secrets", "test", "anthropic"); r.code == 0 {
				t.Fatalf("an older file is used: %+v", r)
			}
			v.good("nothing", append(accept, "--yes")...)
			if r := v.good("nothing", "secrets", "test", "anthropic"); !strings.Contains(r.out, "9 bytes") {
				t.Fatalf("not the old value: %+v", r)
			}
			if r := v.good("nothing", "audit", "search", "--event", "secret_access", "--since", "1h"); !strings.Contains(r.out, "accept an older vault file") {
				t.Fatalf("not audited: %+v", r)
			}
			// It stays accepted, also after a restart.
			v.restart(func() {})
			v.unlock()
			if r := v.good("nothing", "secrets", "test", "anthropic"); !strings.Contains(r.out, "9 bytes") {
				t.Fatalf("not the old value: %+v", r)
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(text))
}
