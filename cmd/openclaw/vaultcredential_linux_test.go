package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The gateway's service opens the vault by a credential that the real systemd-creds
// encrypted, with nobody there; the unit asks systemd for it. What is systemd's own part,
// to decrypt it into the folder of the service, is done here by systemd-creds as well.
func TestAServiceOpensTheVaultByItsCredential(t *testing.T) {
	t.Parallel()
	creds := program(t, "systemd-creds")
	p := newPerson(t)
	p.configure("")
	passphrase := filepath.Join(p.home, "passphrase")
	write(t, passphrase, "correct horse battery\n")
	with := func(args ...string) result {
		return p.command("sh", append([]string{"-c", `exec "$@" <"$0"`, passphrase, p.binary}, args...)...)
	}
	p.gateway()
	if r := with("vault", "init", "--passphrase-fd", "0"); r.code != 0 {
		t.Fatal(r)
	}
	if r := with("secrets", "set", "anthropic", "-"); r.code != 0 {
		t.Fatal(r)
	}
	sealed := filepath.Join(p.home, ".openclaw", "keys", "openclaw-vault.cred")
	if systemdVersion(t.Context(), creds) < userCredentials {
		if r := with("vault", "add-slot", "credential", "--passphrase-fd", "0"); r.code != exitUsage || !strings.Contains(r.errors, "add --system") {
			t.Fatal(r)
		}
	}
	r := with("vault", "add-slot", "credential", "--system", "--passphrase-fd", "0")
	if os.Geteuid() != 0 {
		// sudo, if it is there, has no terminal to ask at: nothing is left of the try.
		// A sudo that asks nothing makes it.
		if _, err := os.Stat(sealed); (err == nil) != (r.code == 0) {
			t.Fatal("a credential without a slot", r)
		}
		return
	}
	if r.code != 0 || !strings.Contains(r.out, "LoadCredentialEncrypted=openclaw-vault:"+sealed) {
		t.Fatal(r)
	}
	if r := with("vault", "add-slot", "credential", "--system", "--passphrase-fd", "0"); r.code == 0 {
		t.Fatal("a credential was written over another")
	}
	if r := p.openclaw("integrate", "systemd", "--system"); r.code != 0 || !strings.Contains(r.out, "\nLoadCredentialEncrypted=openclaw-vault:"+sealed+"\n") {
		t.Fatal(r)
	}
	if r := p.openclaw("gateway", "stop"); r.code != 0 {
		t.Fatal(r)
	}

	folder := filepath.Join(p.home, "credentials")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	handed := filepath.Join(folder, "openclaw-vault")
	if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), creds, "decrypt", "--name=openclaw-vault", sealed, handed).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(handed, 0o400); err != nil {
		t.Fatal(err)
	}
	p.environ = append(p.environ, "CREDENTIALS_DIRECTORY="+folder)
	p.gateway()
	if r := p.openclaw("secrets", "test", "anthropic"); r.code != 0 || !strings.Contains(r.out, "21 bytes") {
		t.Fatal(r)
	}
	if r := p.openclaw("vault", "lock"); r.code != 0 {
		t.Fatal(r)
	}
	if r := p.openclaw("vault", "unlock", "--credential"); r.code != 0 {
		t.Fatal(r)
	}
}
