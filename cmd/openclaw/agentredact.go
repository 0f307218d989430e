package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"openclaw/gateway/client"
	"openclaw/gateway/wire"
	"openclaw/keychain/redact"
)

// runMasker takes out what a run shows by rules alone: the values in the
// keychain are the gateway's, which the run does not have either.
func (t *terminal) runMasker() (*redact.Masker, error) {
	options := redact.Options{Patterns: redact.DefaultPatterns()}
	if snapshot, err := t.loadConfig(); err == nil {
		options = redact.Options{Patterns: snapshot.Config.Logging.RedactPatterns, Replacement: snapshot.Config.Logging.RedactReplacement}
	}
	return redact.New(options)
}

// maskPatience bounds the question to a gateway before something is said without it.
const maskPatience = 2 * time.Second

// knowByGateway has the gateway that runs here take the values that it knows out of what
// this program says of a run: a path that an agent was refused may hold one. Where
// none answers, the rules alone do it; then nothing was run either.
func (t *terminal) knowByGateway(ctx context.Context) {
	t.known = func(text string) string {
		masked, err := t.maskedHere(context.WithoutCancel(ctx), text, maskPatience) // also after Ctrl-C
		if err != nil {
			return text
		}
		return masked
	}
}

// maskedHere is a text without the values that the gateway knows which runs here.
func (t *terminal) maskedHere(ctx context.Context, text string, patience time.Duration) (string, error) {
	layout, err := t.layout()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := client.Dial(ctx, client.Options{Socket: layout.Socket(), Name: "cli", Version: version})
	unreachable, is := errors.AsType[*client.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded): // one that does not answer is not none
		return "", err
	case is && unreachable.Kind == client.KindUnreachable:
		return "", errNoGateway
	case err != nil:
		return "", err
	}
	defer c.Close()
	masked, err := maskedByGateway(ctx, c, []string{text})
	if err != nil {
		return "", err
	}
	return masked[0], nil
}

// maskedByGateway are texts without the values that a gateway knows, in the same order.
func maskedByGateway(ctx context.Context, c *client.Client, texts []string) ([]string, error) {
	var answer wire.Masked
	if err := c.Call(ctx, wire.MethodMask, wire.MaskParams{Texts: texts}, &answer); err != nil {
		return nil, err
	}
	if len(answer.Texts) != len(texts) {
		return nil, fmt.Errorf("%d texts of %d came back", len(answer.Texts), len(texts))
	}
	return answer.Texts, nil
}

// showPatience is maskPatience for what is shown in no other way.
const showPatience = 10 * time.Second

// withoutKnown runs what shows a part of the config and shows it without the values that
// the gateway which runs here knows: one may be a part of a path that the person denied. It
// is for little output, all of which it holds until the end. Where none runs, the rules
// alone look at it: nobody has opened the store then. One that runs and does not answer
// has nothing shown.
func (t *terminal) withoutKnown(ctx context.Context, show func(*terminal) error) error {
	from, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("redact output: %w", err)
	}
	defer from.Close()
	other := *t
	other.out = in
	var text []byte
	var reading sync.WaitGroup
	reading.Go(func() { text, err = io.ReadAll(from) })
	shown := show(&other)
	in.Close()
	reading.Wait()
	if err != nil {
		return fmt.Errorf("redact output: %w", err)
	}
	clean, err := t.maskedHere(ctx, string(text), showPatience)
	switch {
	case errors.Is(err, errNoGateway):
		clean = string(text)
	case err != nil:
		return &failure{
			err:  fmt.Errorf("the gateway that runs here did not take out the secrets that it knows: %w", err),
			hint: "nothing is shown without that: see 'openclaw gateway status', and try again; where no gateway runs it is shown by the rules alone",
		}
	}
	_, err = io.WriteString(t.out, t.masked(clean))
	t.written(err)
	return shown
}

// redacted is this terminal with redaction in front of both outputs. done
// passes on the last of them when the command has ended. It is for what a
// command lets slip, not for one that means to tell: it knows other ways to its
// terminal.
func (t *terminal) redacted() (masked *terminal, done func(), err error) {
	masker, err := t.runMasker()
	if err != nil {
		return nil, nil, err
	}
	var pipes []*os.File
	var copying sync.WaitGroup
	done = func() {
		for _, p := range pipes {
			p.Close()
		}
		copying.Wait()
	}
	through := func(to *os.File) (*os.File, error) {
		from, in, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("redact output: %w", err)
		}
		pipes = append(pipes, in)
		copying.Go(func() {
			defer from.Close()
			out := masker.Eager(to)
			_, _ = io.Copy(out, from) // an output that is gone ends the command's writes as it would without us
			_ = out.Close()           // as above
		})
		return in, nil
	}
	other := *t
	if other.out, err = through(t.out); err == nil {
		other.err, err = through(t.err)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return &other, done, nil
}
