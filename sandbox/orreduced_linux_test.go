package sandbox_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"openclaw/sandbox"
)

const noNamespacesVariable = "OPENCLAW_TEST_NO_NAMESPACES"

// Who is refused a full cage hears of the reduced mode, unless that would be refused too.
func TestRefusedFullCageNamesTheReduced(t *testing.T) {
	newWorld(t).reduced() // skips where none can be built
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := `echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" -test.run "^TestRefusedFullCageNamesTheReducedHere$" -test.v`
	command := exec.CommandContext(t.Context(), "unshare", "-r", "bash", "-c", script, self)
	command.Env = append(os.Environ(), noNamespacesVariable+"=1")
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestRefusedFullCageNamesTheReducedHere") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestRefusedFullCageNamesTheReducedAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestRefusedFullCageNamesTheReduced$")
}

func TestRefusedFullCageNamesTheReducedHere(t *testing.T) {
	if os.Getenv(noNamespacesVariable) == "" {
		t.Skip("TestRefusedFullCageNamesTheReduced runs this where no namespace can be made")
	}
	for denied, named := range map[string]bool{"other": true, "project/secret": false} {
		w := newWorld(t).allow("project").deny(denied)
		refused, _, err := tryStart(t, w.spec("true"))
		typed, is := err.(*sandbox.Error) //nolint:errorlint // Start promises no other
		if refused != nil || !is || typed.Kind != sandbox.KindMissing {
			t.Fatalf("denied %s: %v", denied, err)
		}
		if strings.Contains(typed.Hint, "enforce: reduced") != named || !strings.Contains(typed.Hint, "user.max_user_namespaces") {
			t.Errorf("denied %s: %q", denied, typed.Hint)
		}
	}
}
