package main

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

	"github.com/rogpeppe/go-internal/testscript"

	"openclaw/gateway/porttest"
	"openclaw/sandbox"
)

func TestMain(m *testing.M) {
	if handled, code := sandbox.RunStage(os.Args); handled {
		os.Exit(code)
	}
	if os.Getenv(hiddenVariable) != "" {
		os.Exit(hiddenChild())
	}
	testscript.Main(cleaned{m}, map[string]func(){"openclaw": main})
}

// builtPrefix begins the name of the folder of a program that the tests built.
var builtPrefix = fmt.Sprintf("openclaw-test-binary-%d-", os.Getpid()) //nolint:gochecknoglobals // one name for the build and its removal

// built is the program, built once for all tests of this binary.
var built = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // one build serves every test
	if given := os.Getenv("OPENCLAW_TEST_BINARY"); given != "" {
		return given, nil
	}
	dir, err := os.MkdirTemp("", builtPrefix)
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "openclaw")
	text, err := exec.CommandContext(context.Background(), "go", "build", "-o", out, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build openclaw: %w: %s", err, text)
	}
	return out, nil
})

// cleaned removes what all tests shared.
type cleaned struct{ *testing.M }

func (c cleaned) Run() int {
	defer func() {
		left, _ := filepath.Glob(filepath.Join(os.TempDir(), builtPrefix+"*")) // the pattern is ours
		for _, dir := range left {
			_ = os.RemoveAll(dir)
		}
	}()
	return c.M.Run()
}

// homesFolder is where the tests make home folders. Not t.TempDir, which is below
// /tmp: a cage has a /tmp of its own. Not the real home, whose path may be so long
// that a socket's name no longer fits: a person may have such a home, but not one
// with a second home five folders deeper.
const homesFolder = "/var/tmp"

// TestScripts runs the command line as a person types it: one file a promise.
func TestScripts(t *testing.T) {
	t.Parallel()
	work, err := os.MkdirTemp(homesFolder, "openclaw-script-") //nolint:usetesting // see homesFolder
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(work) })
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		WorkdirRoot:         work,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			if err := os.MkdirAll(filepath.Join(home, ".openclaw"), 0o700); err != nil {
				return err
			}
			port, release, err := porttest.Reserve()
			if err != nil {
				return err
			}
			env.Setenv("HOME", home)
			if stretches(filepath.Base(env.WorkDir)) {
				binary, err := built()
				if err != nil {
					return err
				}
				env.Setenv("PATH", filepath.Dir(binary)+string(filepath.ListSeparator)+env.Getenv("PATH"))
			}
			env.Setenv("PORT", fmt.Sprint(port))
			env.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
			env.Defer(release)
			env.Defer(func() { endGateway(filepath.Join(home, ".openclaw")) })
			return nil
		},
		Condition: func(condition string) (bool, error) {
			if condition == "cage" {
				return cageWorks() == "", nil
			}
			return false, fmt.Errorf("unknown condition %q", condition)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"expand":  expandFile,
			"big":     bigFile,
			"mode":    expectMode,
			"await":   awaitStatus,
			"expired": expiredCertificate,
			"status":  func(ts *testscript.TestScript, neg bool, args []string) { expectStatus(ts, neg, args) },
		},
	})
}

// stretches reports whether a script types passphrases. Each is stretched to a key, for
// which the race detector takes several times as long: such a script runs the program as
// it is built for people. What the detector looks for in these ways is looked for by the
// tests of keychain/vault and keychain/sealed.
func stretches(script string) bool {
	return strings.HasPrefix(script, "script-vault_") || script == "script-config_encrypt"
}

// expandFile replaces $VARIABLES in files of the script.
func expandFile(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		text := os.Expand(ts.ReadFile(name), func(key string) string {
			if value := ts.Getenv(key); value != "" {
				return value
			}
			return "$" + key
		})
		ts.Check(os.WriteFile(path, []byte(text), 0o600))
	}
}

// expectMode compares a file's permission bits: mode 600 FILE.
func expectMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, not %s", args[1], got, args[0])
	}
}

// bigFile writes a file of so many bytes.
func bigFile(ts *testscript.TestScript, _ bool, args []string) {
	var size int
	_, err := fmt.Sscan(args[1], &size)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat("# filler\n", size/9+1)[:size]), 0o600))
}

// awaitStatus runs a command until it ends well: await openclaw gateway status.
func awaitStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: await program [argument...]")
	}
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%q never ended well: %v", args, err)
		}
	}
}

// expectStatus runs a command and compares its exit status: status 127 openclaw …
func expectStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE program [argument...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("%q ended with %s, not %s", args[1:], code, args[0])
	}
}
