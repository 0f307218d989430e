package keychain

import (
	"context"
	"errors"
	"io"
	"net"
	"os/exec"

	"github.com/zalando/go-keyring"
)

// fail wraps err with its kind and the cure.
func (o *OS) fail(ctx context.Context, op, name string, err error) error {
	kind := classify(err)
	if kind == KindFailed {
		// The library's own error for a locked keychain is text only: ask the
		// keychain for its state instead of reading the text.
		kind = o.diagnose(ctx)
	}
	return &Error{Op: op, Name: name, Kind: kind, Err: err, Hint: hintFor(kind, err)}
}

// classify sorts what types alone can tell; KindFailed is "not known yet".
func classify(err error) Kind {
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return KindNotFound
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return KindTooBig
	case errors.Is(err, errLocked), errors.Is(err, errNoCollection), errors.Is(err, errDismissed), errors.Is(err, errUnanswered):
		return KindLocked
	case errors.Is(err, errTimedOut), errors.Is(err, errStuck), errors.Is(err, context.DeadlineExceeded):
		return KindTimeout
	case errors.Is(err, errNoBus), errors.Is(err, keyring.ErrUnsupportedPlatform):
		return KindNoService
	case errors.Is(err, errors.ErrUnsupported):
		return KindUnsupported
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return KindNoService // the bus went away in the middle of the call
	}
	if _, ok := errors.AsType[*exec.Error](err); ok {
		return KindNoService // dbus-launch or security is not there
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return KindNoService // nobody listens at the bus's address
	}
	return classifySystem(err)
}

// diagnose asks the system what is wrong, as one bounded call.
func (o *OS) diagnose(ctx context.Context) Kind {
	kind, err := run(ctx, o.calls, o.getTimeout, o.system.state)
	if err != nil {
		if kind := classify(err); kind != KindUnsupported {
			return kind
		}
		return KindFailed
	}
	return kind
}

// hintFor returns the cure, with a word of its own for a service that hangs.
func hintFor(kind Kind, err error) string {
	switch {
	case errors.Is(err, errStuck):
		return "the keychain service hangs: restart it (or log out and in), then try again"
	case errors.Is(err, errUnanswered):
		return "a window of the keychain waits on the desktop: answer it (unlock the keyring, or allow the access), then try again; KeePassXC asks again whenever openclaw is started, unless \"Confirm when passwords are retrieved by clients\" is off in its settings, Secret Service Integration"
	case errors.Is(err, errDismissed):
		return "try again and allow it in the window that opens; where no window can open, unlock the keyring first, or keep secrets in the encrypted vault: openclaw vault init"
	case errors.Is(err, errNoCollection):
		return "unlock the keyring: log in on the desktop, or run gnome-keyring-daemon --unlock in this session; in KeePassXC open a database that exposes a group (Database Settings, Secret Service Integration); then try again"
	}
	return hint(kind)
}
