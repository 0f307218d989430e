package tui

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"openclaw/tui/view"
)

// operate does what a view asks for beyond answers and secrets. It reports
// whether it was about that.
func (s *screen) operate(a view.Action) bool {
	switch a.Verb {
	case view.VerbDisconnect:
		s.call(s.data.T("closed"), func(ctx context.Context) error { return each(ctx, a.Words, s.backend.Disconnect) })
	case view.VerbBan:
		s.call(s.data.T("banned %s for an hour; openclaw gateway unban-ip lifts it", strings.Join(a.Words, ", ")), func(ctx context.Context) error {
			return each(ctx, a.Words, func(ctx context.Context, address string) error { return s.backend.Ban(ctx, address, "1h") })
		})
	case view.VerbStopRun, view.VerbKillRun:
		kill := a.Verb == view.VerbKillRun
		s.call(s.data.T("the run's supervisor was told"), func(ctx context.Context) error {
			return each(ctx, a.Words, func(ctx context.Context, run string) error { return s.backend.StopRun(ctx, run, kill) })
		})
	case view.VerbRestartRun:
		s.agents.StartedAgain(a.Name)
		s.call(s.data.T("the run's supervisor was told; it comes back as a new run"), func(ctx context.Context) error { return s.backend.RestartRun(ctx, a.Name) })
	case view.VerbPlanAgent:
		s.planAgent(a.Plan)
	case view.VerbAddAgent:
		s.addAgent(a.Plan)
	case view.VerbStart:
		s.startRun(a.Name, a.Words)
	case view.VerbOutput:
		s.readOutput(a.Name)
	case view.VerbPlanFilter:
		s.planFilter(a.Name, a.Text)
	case view.VerbSaveFilter:
		s.keepFilter(a.Name, a.Text)
	case view.VerbTell:
		s.say(view.Plain, a.Text)
	case view.VerbLoadTrail:
		s.loadTrail(a.Name, a.Count > 0)
	case view.VerbLoadTraffic:
		s.loadTraffic()
	case view.VerbExport:
		s.export(a.Name, a.Value)
	case view.VerbEdit:
		s.editConfig(a.Count)
	default:
		return false
	}
	return true
}

// call queues a call and says how it ended; what it changed arrives as events.
func (s *screen) call(done string, call func(context.Context) error) {
	s.say(view.Plain, s.data.T("working"))
	s.add(func(ctx context.Context) func() {
		err := call(ctx)
		return func() {
			if err != nil {
				s.say(view.Bad, s.data.T("not done: %s", problemText(err)))
				return
			}
			s.say(view.Good, done)
			s.stale = true
		}
	})
}

// each does something to each, also when one fails.
func each(ctx context.Context, names []string, do func(ctx context.Context, name string) error) error {
	var failed []error
	for _, name := range names {
		failed = append(failed, do(ctx, name))
	}
	return errors.Join(failed...)
}

// export writes lines of a log to a new file in the home folder.
func (s *screen) export(of string, lines []byte) {
	if len(lines) == 0 {
		s.say(view.Plain, s.data.T("no line passes the filter and the level: nothing was written"))
		return
	}
	name := "openclaw-" + of + "-" + s.data.Now.Format("20060102-150405") + ".txt"
	folder := s.home
	s.add(func(context.Context) func() {
		path := filepath.Join(folder, name)
		err := writeNew(path, lines)
		return func() {
			if err != nil {
				s.say(view.Bad, s.data.T("not written: %s", problemText(err)))
				return
			}
			s.say(view.Good, s.data.T("wrote %s", path))
		}
	})
}

// writeNew writes a file that was not there, for its owner alone. Half a file is
// not left behind.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if shut := f.Close(); err == nil {
		err = shut
	}
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// editConfig has the config opened in the person's editor, where this screen
// runs on the gateway's own machine.
func (s *screen) editConfig(line int) {
	if s.edit == nil {
		s.say(view.Bad, s.data.T("the config lies on the gateway's machine: openclaw config edit, there"))
		return
	}
	s.editing, s.editAt = true, line
}

// maxCopy bounds what goes to the clipboard, in bytes of base64: terminals
// refuse more.
const maxCopy = 74_994

// copyRow sends the selected row to the terminal's clipboard.
func (s *screen) copyRow(asJSON bool) {
	v, can := s.views[s.current].(interface{ Copy() view.Copied })
	if !can || s.over != overlayNone {
		return
	}
	row := v.Copy()
	text := row.Text
	if asJSON {
		text = row.JSON()
	}
	if text == "" {
		s.say(view.Plain, s.data.T("there is nothing to copy"))
		return
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	if len(encoded) > maxCopy {
		s.say(view.Bad, s.data.T("too long for the terminal's clipboard: %s bytes", strconv.Itoa(len(text))))
		return
	}
	s.clipboard = clipboard(encoded, s.getenv("TMUX") != "", s.getenv("STY") != "")
	s.say(view.Good, s.data.T("sent to the terminal, which may put it on its clipboard: %s", view.Printable(text, 80)))
}

// clipboard is the sequence that asks the terminal for its clipboard (OSC 52).
// tmux and screen hand it on in an envelope of their own; tmux may also take it
// itself.
func clipboard(encoded string, tmux, screen bool) string {
	plain := "\x1b]52;c;" + encoded + "\a"
	switch {
	case tmux:
		return plain + "\x1bPtmux;\x1b" + plain + "\x1b\\"
	case screen:
		var out strings.Builder
		for piece := range slices.Chunk([]byte(plain), envelope) {
			out.WriteString("\x1bP")
			out.Write(piece)
			out.WriteString("\x1b\\")
		}
		return out.String()
	}
	return plain
}

// envelope is how much screen hands on at once, in bytes: what is longer than its buffer,
// 256 in old ones and 768 since, it writes onto the screen.
const envelope = 240
