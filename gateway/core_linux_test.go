package gateway

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestARunningGatewayLeavesNoCore(t *testing.T) {
	start(t, "")
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Cur > 1 || limit.Max > 1 {
		t.Fatalf("%+v, %v", limit, err)
	}
}
