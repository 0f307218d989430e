package sandbox

import (
	"context"

	"openclaw/sandbox/linux/control"
)

func (p *Process) serveCalls(_ context.Context, message control.Message) error {
	message.CloseFiles()
	return nil
}
