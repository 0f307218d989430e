package gateway

import "log/slog"

// maxWarned bounds the warnings that one report of a run puts into the log, and
// longWarned one of them in bytes: there may be two paths in it.
const (
	maxWarned  = 200
	longWarned = 2000
)

// warned logs what came to be the matter with a run, such as a denied file that can be
// read by a second name. The screen shows it as long as the run lives; a run that nobody
// watches has no other place for it.
func (g *Gateway) warned(agent, run string, warnings []string) {
	for _, text := range warnings[:min(len(warnings), maxWarned)] {
		g.log.Warn("a run is warned of", slog.String("agent", agent), slog.String("run", run), slog.String("warning", shortened(text, longWarned)))
	}
}
