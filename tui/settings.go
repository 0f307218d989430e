package tui

import (
	"context"
	"reflect"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// Settings are what a config says about the screen.
type Settings struct {
	Theme, Glyphs string            // of view; empty: the default
	Filters       view.SavedFilters // by name
	Keys          view.KeyMap       // that differ from the screen's own, by action
	Mouse         bool              // a click selects, the wheel scrolls
	Bell          bool              // rings when a request is held
	Notifications bool              // the desktop says that an agent asks
	Confirm       string            // of view: which allows ask once more; empty: the default
}

// DefaultSettings are those of a config that says nothing.
func DefaultSettings() Settings { return Settings{Bell: true, Notifications: true} }

// settingsEach is how often the settings of this machine are looked at, where the
// gateway is elsewhere and its config is not ours.
const settingsEach = 2 * time.Second

// settingsOf are the settings that came with a gateway's config.
func settingsOf(e *event.Screen) Settings {
	set := Settings{Theme: e.Theme, Glyphs: e.Glyphs, Mouse: e.Mouse, Bell: e.Bell, Notifications: e.Notifications, Confirm: e.Confirm, Keys: view.KeyMap{}}
	for _, f := range e.Filters {
		if message, _ := view.JudgeFilter(f.Line); message == "" { // that of another version may not be
			if set.Filters == nil {
				set.Filters = view.SavedFilters{}
			}
			set.Filters[f.Name] = f.Line
		}
	}
	for _, k := range e.Keys {
		set.Keys[k.Action] = k.Keys
	}
	return set
}

// use puts settings into force. Keys that something is wrong with do not come into
// force, and those before stay: a config that holds such was refused where it was
// read.
func (s *screen) use(set Settings) {
	if reflect.DeepEqual(set, s.settings) {
		return
	}
	s.root.Theme.Choose(set.Theme, set.Glyphs)
	s.data.Filters, s.data.Confirm, s.dirty = set.Filters, set.Confirm, true
	rows, problems := view.Rebind(view.Table(), set.Keys)
	if len(problems) > 0 {
		s.say(view.Bad, s.data.T("the keys of the config are not used: %s: %s", problems[0].Action, problems[0].Message))
		set.Keys = s.settings.Keys
		s.mouse, s.settings = set.Mouse, set
		return
	}
	if !reflect.DeepEqual(set.Keys, s.settings.Keys) {
		s.denials.Doze() // a key that was on its way may mean something else now
	}
	if set.Mouse != s.settings.Mouse {
		s.mouse = set.Mouse
	}
	s.settings = set
	s.keys = view.NewKeys(rows, s.data.ReadOnly)
	s.data.Keys = s.keys
	s.data.Words = s.data.Words.With(s.keys)
	s.root.Theme.Words = s.data.Words
	s.dirty = true
}

// followSettings takes the settings that came with the config in force, where the gateway
// is this machine's own.
func (s *screen) followSettings() {
	if came := s.data.Config.Screen; s.lookSettings == nil && came != nil && came != s.screenCame {
		s.screenCame = came
		s.use(settingsOf(came))
	}
}

// readSettings looks at this machine's own config now and then, where the gateway
// is elsewhere.
func (s *screen) readSettings() {
	if s.lookSettings == nil || s.looking || s.instant().Sub(s.lookedAt) < settingsEach {
		return
	}
	s.looking, s.lookedAt = true, s.instant()
	s.add(func(context.Context) func() {
		set, err := s.lookSettings()
		return func() {
			s.looking = false
			if err == nil {
				s.settingsProblem = ""
				s.use(set)
				return
			}
			problem := problemText(err)
			if problem != s.settingsProblem {
				s.say(view.Bad, s.data.T("the config of this machine is not used: %s", problem))
			}
			s.settingsProblem = problem
		}
	})
}
