//go:build unix

package ref

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/keychain"
)

// required skips where the machine lacks something, and fails where everything has
// to be there.
func required(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed", program)
	}
}

// programs makes stand-ins for programs: shell scripts in a folder of their own,
// which is the PATH together with the system's.
func programs(t *testing.T, scripts map[string]string) (folder string, variables map[string]string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range scripts {
		if err := layFile(filepath.Join(folder, name), "#!/bin/sh\n"+text, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return folder, map[string]string{"PATH": folder + ":/usr/bin:/bin", "HOME": folder, "ANTHROPIC_API_KEY": canary, "OP_SERVICE_ACCOUNT_TOKEN": "ops_token"}
}

func TestPrograms(t *testing.T) {
	folder, variables := programs(t, map[string]string{
		"plain":                  "echo value-1",
		"object":                 `printf '{"a":{"b":"inner"},"n":5}'`,
		"arguments":              `printf '%s|' "$@"`,
		"stdin":                  `printf 'got:'; cat`,
		"environment":            `env | sort | cut -d= -f1 | tr '\n' ' '`,
		"fails":                  "echo " + canary + "; echo " + canary + " >&2; exit 3",
		"silent":                 "echo",
		"big":                    "head -c 70000 /dev/zero | tr '\\0' x",
		"endless":                "yes",
		"docker-credential-good": `[ "$1" = get ] || exit 1; printf '{"ServerURL":"%s","Username":"u","Secret":"s3cret"}' "$(cat)"`,
		"docker-credential-bad":  "echo credentials not found in native keychain; exit 1",
		"docker-credential-odd":  "echo " + canary,
		// 1Password's program cannot be had here: this stands in for it.
		"op": `[ "$1 $2" = "read --no-newline" ] || exit 9; [ "$OP_SERVICE_ACCOUNT_TOKEN" = ops_token ] || exit 8; printf 'of %s' "$3"`,
	})
	r := New(Options{LookupEnv: environment(variables), Patience: time.Minute})
	for text, want := range map[string]string{
		"exec:plain": "value-1", "exec:" + folder + "/plain": "value-1", "exec:arguments a b  c": "a|b|c|", "exec:stdin": "got:",
		"exec:docker-credential-good https://api.example": "s3cret", "op://Private/An item/key": "of op://Private/An item/key",
	} {
		if value, _, err := r.Resolve(t.Context(), text); err != nil || string(value.Reveal()) != want {
			t.Errorf("%s: %q %v", text, value.Reveal(), err)
		}
	}
	value, _, err := r.Resolve(t.Context(), "exec:environment")
	if err != nil || strings.Contains(string(value.Reveal()), "ANTHROPIC") || strings.Contains(string(value.Reveal()), "OP_") || !strings.Contains(string(value.Reveal()), "PATH") {
		t.Errorf("a program gets the variables %s, %v", value.Reveal(), err)
	}
	for text, kind := range map[string]keychain.Kind{
		"exec:fails": keychain.KindFailed, "exec:silent": keychain.KindNotFound, "exec:big": keychain.KindTooBig, "exec:endless": keychain.KindTooBig, "exec:no-such-program": keychain.KindNoService,
		"exec:docker-credential-bad https://x": keychain.KindFailed, "exec:docker-credential-odd https://x": keychain.KindCorrupt, "exec:/none/at/all": keychain.KindNoService,
	} {
		_, _, err := r.Resolve(t.Context(), text)
		wantKind(t, err, kind)
		if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the error repeats what the program printed: %v", text, err)
		}
	}
}

// TestProgramThatHangs: at the deadline the program ends, and what it started; only
// the one reference fails, and is not asked again at once.
func TestProgramThatHangs(t *testing.T) {
	folder, variables := programs(t, map[string]string{
		"hangs": "echo x >> \"$HOME/count\"; sleep 600 & echo $! > \"$HOME/child\"; wait",
		"plain": "echo value-1",
	})
	now := time.Unix(1000, 0)
	r := New(Options{LookupEnv: environment(variables), Patience: 8 * time.Second, Now: func() time.Time { return now }})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, _, err := r.Resolve(context.Background(), "exec:hangs")
			if keychain.KindOf(err) != keychain.KindTimeout {
				t.Errorf("got %v", err)
			}
		})
	}
	group.Go(func() {
		if value, _, err := r.Resolve(context.Background(), "exec:plain"); err != nil || string(value.Reveal()) != "value-1" {
			t.Errorf("another reference: %v", err)
		}
	})
	group.Wait()
	if count, err := os.ReadFile(filepath.Join(folder, "count")); err != nil || string(count) != "x\n" {
		t.Errorf("eight at once started it %d times, %v", len(count)/2, err)
	}
	child, err := os.ReadFile(filepath.Join(folder, "child"))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(child)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("what the program started goes on")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	now = now.Add(time.Minute)
	if _, _, err := r.Resolve(ctx, "exec:hangs"); err == nil {
		t.Error("a caller that gave up got an answer")
	}
}

// TestProgramOnce: many requests that need one key at once start one program, and
// the next ones none.
func TestProgramOnce(t *testing.T) {
	folder, variables := programs(t, map[string]string{"counts": "echo x >> \"$HOME/count\"; echo value-1"})
	r := New(Options{LookupEnv: environment(variables)})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 3 {
				if value, _, err := r.Resolve(context.Background(), "exec:counts"); err != nil || string(value.Reveal()) != "value-1" {
					t.Errorf("%q %v", value.Reveal(), err)
				}
			}
		})
	}
	group.Wait()
	if count, err := os.ReadFile(filepath.Join(folder, "count")); err != nil || string(count) != "x\n" {
		t.Errorf("it was started %d times, %v", len(count)/2, err)
	}
}

// TestPass: the real pass, with a key of gpg's without a passphrase.
func TestPass(t *testing.T) {
	required(t, "pass")
	required(t, "gpg")
	home, err := os.MkdirTemp("/tmp", "oc-pass-") //nolint:usetesting // a socket's path is at most 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"HOME": home, "PATH": os.Getenv("PATH"), "GNUPGHOME": home + "/gnupg", "PASSWORD_STORE_DIR": home + "/store", "LANG": "C.UTF-8"}
	run := func(input, name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		for k, v := range variables {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		cmd.Stdin = strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	t.Cleanup(func() {
		stop := exec.Command("gpgconf", "--kill", "all")
		stop.Env = []string{"GNUPGHOME=" + variables["GNUPGHOME"], "PATH=" + variables["PATH"], "HOME=" + home}
		_ = stop.Run()
		_ = os.RemoveAll(home)
	})
	if err := os.Mkdir(home+"/gnupg", 0o700); err != nil {
		t.Fatal(err)
	}
	run("", "gpg", "--batch", "--passphrase", "", "--quick-generate-key", "openclaw-test", "ed25519", "sign,cert", "never")
	run("", "sh", "-c", `gpg --batch --passphrase "" --quick-add-key "$(gpg --list-keys --with-colons | awk -F: '/^fpr/{print $10; exit}')" cv25519 encr never`)
	run("", "pass", "init", "openclaw-test")
	run("value-1\nuser: me\napi key: other-2\n", "pass", "insert", "--multiline", "work/anthropic")
	r := New(Options{LookupEnv: environment(variables), Patience: time.Minute})
	for text, want := range map[string]string{"pass://work/anthropic": "value-1", "pass://work/anthropic#api key": "other-2"} {
		value, source, err := r.Resolve(t.Context(), text)
		if err != nil || string(value.Reveal()) != want || source.Reference != text {
			t.Errorf("%s: %q %+v %v", text, value.Reveal(), source, err)
		}
	}
	_, _, err = r.Resolve(t.Context(), "pass://work/none")
	wantKind(t, err, keychain.KindFailed)
	_, _, err = r.Resolve(t.Context(), "pass://work/anthropic#none")
	wantKind(t, err, keychain.KindNotFound)
	if strings.Contains(fmt.Sprint(err), "value-1") {
		t.Error(err)
	}
}
