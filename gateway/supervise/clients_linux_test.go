package supervise

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// The folders of the known clients are there when the command begins; and nothing is made
// where the workspace is a link that an agent can change, because nothing runs there.
func TestClientsFoldersAreMadeForACageThatStands(t *testing.T) {
	t.Parallel()
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, planted := range []bool{false, true} {
		compiled, work := inWork(t)
		compiled.Workspace = work
		other := filepath.Join(filepath.Dir(work), "other")
		if planted {
			if err := errors.Join(os.Mkdir(other, 0o700), os.Remove(work), os.Symlink(other, work)); err != nil {
				t.Fatal(err)
			}
			compiled.Shared = []policy.SharedPath{{Path: filepath.Dir(work), Agents: []string{"builder"}}}
		}
		started, err := json.Marshal(wire.RunStarted{
			Run: "r1", Policy: compiled, Gateway: "127.0.0.1:1", Command: []string{"sh", "-c", `cat "$CODEX_HOME/config.toml" > found && ls -d "$CLAUDE_CONFIG_DIR"`},
		})
		if err != nil {
			t.Fatal(err)
		}
		gateway := &recording{answering: answering{answer: string(started)}, says: func() error { return nil }}
		status, err := Run(t.Context(), caged(cage, gateway, work))
		requireCage(t, err)
		if planted {
			if left, listed := os.ReadDir(other); listed != nil || len(left) > 0 || err == nil || !strings.Contains(err.Error(), "is a link that agent builder can change") {
				t.Errorf("%v %v; run: %v", left, listed, err)
			}
			continue
		}
		if text, read := os.ReadFile(filepath.Join(work, "found")); read != nil || !strings.Contains(string(text), `base_url = "http://127.0.0.1:1/v1"`) || err != nil || status.Code != 0 {
			t.Errorf("%q %v; run: %v %v", text, read, status, err)
		}
	}
}
