//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keychain

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// promptTime is how long a window may wait for its person before it is taken
// away; the call that opened it does not wait as long.
const promptTime = 2 * time.Minute

// prompts are the service's windows that wait for a person. One stays open when
// the call that needed it has ended, so that a person who is slower than the call
// still unlocks the keyring; and there is never a second one for the same thing,
// however often a program tries again.
type prompts struct {
	mu   sync.Mutex
	open map[string]*prompt // by what they are for

	changing chan struct{} // holds the one change that is under way
}

func newPrompts() *prompts {
	return &prompts{open: make(map[string]*prompt), changing: make(chan struct{}, 1)}
}

type prompt struct {
	until time.Time // the end of the call that opened it
	ended chan struct{}
	err   error // set before ended is closed
}

// answer waits for the answer to path, or for that of a prompt that is open for the
// same thing already: then path is dismissed, and asked is false. For one that was
// not answered while the call that opened it waited no later call waits again.
func (p *prompts) answer(ctx context.Context, s *secretService, key string, path dbus.ObjectPath) (asked bool, err error) {
	p.mu.Lock()
	current, known := p.open[key]
	if !known {
		current = &prompt{ended: make(chan struct{})}
		current.until, _ = ctx.Deadline()
		p.open[key] = current
		go p.wait(s, key, path, current) // ends after promptTime at the latest
	}
	p.mu.Unlock()
	if known {
		s.bus.Object(secretsName, path).Go(promptInterface+".Dismiss", dbus.FlagNoReplyExpected, nil)
	}
	ctx, cancel := context.WithDeadline(ctx, current.until)
	defer cancel()
	select {
	case <-current.ended:
		return !known, current.err
	case <-ctx.Done():
		return !known, fmt.Errorf("%w: %w", errUnanswered, ctx.Err())
	}
}

// wait shows the prompt at path until it is answered, the service ends or
// promptTime is over.
func (p *prompts) wait(s *secretService, key string, path dbus.ObjectPath, current *prompt) {
	ctx, cancel := context.WithTimeout(context.Background(), promptTime)
	defer cancel()
	current.err = s.show(ctx, path)
	p.mu.Lock()
	delete(p.open, key)
	p.mu.Unlock()
	close(current.ended)
}

func (s *secretService) show(ctx context.Context, path dbus.ObjectPath) error {
	signals := make(chan *dbus.Signal, 16)
	s.bus.Signal(signals)
	defer s.bus.RemoveSignal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchObjectPath(path), dbus.WithMatchInterface(promptInterface), dbus.WithMatchMember("Completed")},
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, secretsName)},
	} {
		if err := s.bus.AddMatchSignalContext(ctx, match...); err != nil {
			return fmt.Errorf("listen for the prompt's answer: %w", err)
		}
		defer func() { go func() { _ = s.bus.RemoveMatchSignal(match...) }() }() // the bus itself may hang
	}
	if err := s.call(ctx, path, promptInterface+".Prompt", "").Err; err != nil {
		return fmt.Errorf("prompt: %w", err)
	}
	for {
		select {
		case signal, open := <-signals:
			switch {
			case !open:
				return dbus.ErrClosed
			case signal.Name == "org.freedesktop.DBus.NameOwnerChanged" && len(signal.Body) == 3 && signal.Body[0] == secretsName && signal.Body[2] == "":
				return dbus.Error{Name: "org.freedesktop.DBus.Error.NameHasNoOwner", Body: []any{"the keychain service ended while its window was open"}}
			case signal.Name == promptInterface+".Completed" && signal.Path == path:
				if dismissed, _ := signal.Body[0].(bool); dismissed {
					return errDismissed
				}
				return nil
			}
		case <-ctx.Done():
			s.bus.Object(secretsName, path).Go(promptInterface+".Dismiss", dbus.FlagNoReplyExpected, nil)
			return fmt.Errorf("%w: %w", errUnanswered, ctx.Err())
		}
	}
}
