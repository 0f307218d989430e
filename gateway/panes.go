package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// youngPane is how long a socket of a run's terminal is left alone: one that was just
// made is not listened on for a moment.
const youngPane = 10 * time.Second

// sweepPanes removes the sockets of terminals whose supervisor was killed while no
// gateway ran. Nobody listens on those.
func (g *Gateway) sweepPanes(ctx context.Context) {
	names, _ := filepath.Glob(g.deps.Layout.Pane("*")) // it fails for a bad pattern alone
	for _, name := range names {
		info, err := os.Lstat(name)
		if err != nil || info.Mode().Type() != os.ModeSocket || time.Since(info.ModTime()) < youngPane {
			continue
		}
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", name)
		switch {
		case err == nil:
			_ = conn.Close()
		case errors.Is(err, syscall.ECONNREFUSED):
			if err := os.Remove(name); err != nil {
				g.log.Warn("a socket that nobody listens on could not be removed", slog.Any("error", err))
			}
		}
	}
}

// removePane removes the socket of a run whose supervisor was killed, and could not
// take it along.
func (g *Gateway) removePane(run string) {
	if err := os.Remove(g.deps.Layout.Pane(run)); err != nil && !errors.Is(err, os.ErrNotExist) {
		g.log.Warn("the socket of a run's terminal could not be removed", slog.Any("error", err))
	}
}
