package gateway

import (
	"errors"
	"os"
	"strings"
	"testing"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// A client brings an earlier config back; what cannot be put on record, or is
// refused, changes nothing.
func TestAConfigIsRolledBack(t *testing.T) {
	h := start(t, "")
	screen := client.NewBackend(h.remote("operator.read", "operator.admin"), nil)
	text := func() string {
		raw, err := os.ReadFile(h.layout.Config())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	first := text()
	if err := os.WriteFile(h.layout.Config(), []byte(first+"\nlogging: {level: debug}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, err := screen.ReloadConfig(t.Context())
	if err != nil || status.Version != 2 || len(status.History) != 2 || !status.History[1].Kept {
		t.Fatalf("%+v %v", status, err)
	}
	second := text()
	back, err := screen.RollbackConfig(t.Context(), 1, true)
	if err != nil || text() != second || !strings.Contains(strings.Join(back.Diff, "\n"), "-logging: {level: debug}") {
		t.Errorf("%+v %v", back, err)
	}
	if entries := h.audited("config_change"); len(entries) != 1 {
		t.Errorf("a look is on record as a change: %+v", entries)
	}
	h.breakAudit(errors.New("the disk is full"))
	if _, err := screen.RollbackConfig(t.Context(), 1, false); err == nil || text() != second {
		t.Errorf("%v: it was changed without a record", err)
	}
	h.breakAudit(nil)
	back, err = screen.RollbackConfig(t.Context(), 1, false)
	if err != nil || text() != first || back.Config.Version != 3 || back.Config.Rejected {
		t.Fatalf("%+v %v", back, err)
	}
	entries := h.audited("config_change")
	if last := entries[len(entries)-2:]; last[0].Action != "rollback" || last[0].Details["version"] != 1 || last[1].Action != "apply" {
		t.Errorf("%+v", last)
	}
	for _, version := range []int{0, -1, 3, 99} {
		if _, err := screen.RollbackConfig(t.Context(), version, false); err == nil || text() != first {
			t.Errorf("#%d: %v", version, err)
		}
	}
	reader := h.remote("operator.read")
	if refusal := refusalOf(t, reader.Call(t.Context(), wire.MethodConfigBack, wire.ConfigRollbackParams{Version: 2, Dry: true}, &event.Rollback{})); refusal.Code != wire.CodeForbidden {
		t.Errorf("%+v", refusal)
	}
}
