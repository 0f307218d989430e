package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"

	"openclaw/configs"
	"openclaw/gateway"
)

// hardenedVariable is set by the unit of 'openclaw integrate systemd': in it the
// gateway cannot try out cages, and what it would find says nothing of the machine.
const hardenedVariable = "OPENCLAW_HARDENED_UNIT"

// managerVariables are a service manager's word to one process, and no other's.
func managerVariables() []string {
	return []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", hardenedVariable}
}

// withoutManager is an environment without a service manager's words.
func withoutManager(environ []string) []string {
	out := make([]string, 0, len(environ))
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		kept := true
		for _, gone := range managerVariables() {
			kept = kept && name != gone
		}
		if kept {
			out = append(out, entry)
		}
	}
	return out
}

// handedListener is the port that a service manager opened for the gateway; nil
// when there is none.
func handedListener() (net.Listener, error) {
	listeners, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take over the service manager's sockets: %w", err)
	}
	if len(listeners) == 0 {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	hint := "the socket unit has one ListenStream= with the gateway's address and port: openclaw integrate systemd --socket"
	if len(listeners) > 1 {
		return nil, &failure{err: fmt.Errorf("the service manager hands over %d sockets, and the gateway has one port", len(listeners)), hint: hint}
	}
	if listener, is := listeners[0].(*net.TCPListener); is {
		return listener, nil
	}
	return nil, &failure{err: errors.New("the service manager hands over a socket that does not listen for TCP"), hint: hint}
}

// forManager gives the error of what does not mend itself, a config that is refused,
// the exit code after which the unit of 'openclaw integrate systemd' starts the gateway
// no more.
func (t *terminal) forManager(err error) error {
	if t.getenv(hardenedVariable) == "" {
		return err
	}
	_, config := errors.AsType[*configs.Error](err)
	start, is := errors.AsType[*gateway.Error](err)
	if !config && (!is || start.Kind != gateway.KindRefused) {
		return err
	}
	return &failure{err: err, code: exitRefused}
}

// manager is the service manager that started this gateway, if one did.
type manager struct {
	log      *slog.Logger
	watchdog time.Duration // 0: it wants no sign of life
}

func (h *house) manager() *manager {
	m := &manager{log: h.log.Logger()}
	var err error
	if m.watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
		m.log.Warn("the service manager's watchdog is not understood", slog.Any("error", err))
	}
	return m
}

// tell says something to the manager; without one it says it to nobody.
func (m *manager) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		m.log.Warn("the service manager could not be told", slog.String("reason", state), slog.Any("error", err))
	}
}

// reloading says that a reload begins; done says that it is over.
func (m *manager) reloading() (done func()) {
	m.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	return func() { m.tell(daemon.SdNotifyReady) }
}

// follow tells the manager of the gateway's life until it ends.
func (m *manager) follow(ctx context.Context, h *house) {
	select {
	case <-h.gateway.Ready():
	case <-ctx.Done():
		return
	}
	m.tell(fmt.Sprintf("%s\nMAINPID=%d\nSTATUS=listens on %s", daemon.SdNotifyReady, os.Getpid(), h.gateway.Address()))
	var beat <-chan time.Time
	if m.watchdog > 0 {
		ticker := time.NewTicker(m.watchdog / 2)
		defer ticker.Stop()
		beat = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			m.tell(daemon.SdNotifyStopping)
			return
		case <-h.gateway.Stopping():
			m.tell(daemon.SdNotifyStopping)
			return
		case <-beat:
			if err := answers(ctx, h.layout.Socket(), m.watchdog/4); err != nil {
				m.log.Error("the gateway does not answer itself", slog.Any("error", err))
				continue // the manager then kills it and starts another
			}
			m.tell(daemon.SdNotifyWatchdog)
		}
	}
}

// answers asks the gateway for its health as a client does.
func answers(ctx context.Context, socket string, bound time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/health", nil)
	if err != nil {
		return err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New("health answers " + response.Status)
	}
	return nil
}
