package gateway

import (
	"errors"
	"testing"
	"time"

	"openclaw/gateway/wire"
)

// The end of a run that the disk had no room for is on record once, as soon as there is
// room again, or when the gateway stops.
func TestAnEndThatTheDiskHadNoRoomFor(t *testing.T) {
	h := start(t, "")
	local := h.local()
	for n, room := range []func() error{
		func() error { return nil },
		func() error { return h.stop() },
	} {
		run := startRun(t, local, "coder")
		h.breakAudit(errors.New("no space left on device"))
		if err := local.Call(t.Context(), wire.MethodRunEnd, wire.RunEndParams{Run: run.Run, Exit: "exit 4"}, nil); err != nil {
			t.Fatal(err)
		}
		if ends := h.audited("run_end"); len(ends) != n {
			t.Fatalf("on a full disk: %+v", ends)
		}
		h.breakAudit(nil)
		if err := room(); err != nil {
			t.Fatal(err)
		}
		ends := h.audited("run_end")
		for deadline := time.Now().Add(20 * time.Second); len(ends) == n && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			ends = h.audited("run_end")
		}
		if len(ends) != n+1 || ends[n].Reason != "exit 4" || ends[n].Target != "coder" || ends[n].Details["run"] != run.Run || ends[n].Details["ended"] == nil {
			t.Errorf("when there is room again: %+v", ends)
		}
	}
}
