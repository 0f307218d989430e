package main

import (
	"io/fs"
	"os"
	"strings"

	"openclaw/configs"
	"openclaw/tui"
	"openclaw/tui/view"
)

// judgeKeys says what is wrong with the keys of the config, which does not know the
// actions of the screen.
func judgeKeys(keys map[string][]string) []configs.KeyProblem {
	_, found := view.Rebind(view.Table(), keys)
	problems := make([]configs.KeyProblem, 0, len(found))
	for _, p := range found {
		problems = append(problems, configs.KeyProblem(p))
	}
	return problems
}

// screenSettings are what a config says about the screen.
func screenSettings(config *configs.Config) tui.Settings {
	c := &config.Screen
	return tui.Settings{
		Theme: c.Theme, Glyphs: c.Glyphs, Filters: c.Filters, Keys: c.Keys, Mouse: c.Mouse, Bell: c.Bell, Notifications: c.Notifications,
		Confirm: config.Approve.Confirm,
	}
}

// ownSettings reads this machine's own config for a screen whose gateway is
// elsewhere, and again when the file has changed. It never asks for a passphrase:
// the screen has the terminal.
func (t *terminal) ownSettings(layout configs.Layout) func() (tui.Settings, error) {
	t.encrypted.askNoMore()
	var seen fs.FileInfo
	var last tui.Settings
	var failed error
	return func() (tui.Settings, error) {
		info, err := os.Stat(layout.Config())
		same := err == nil && seen != nil && os.SameFile(info, seen) && info.Size() == seen.Size() && info.ModTime().Equal(seen.ModTime())
		if err == nil && same {
			return last, failed
		}
		seen = info
		snapshot, err := t.loadConfig() // without a file: the defaults
		if failed = err; err == nil {
			last = screenSettings(snapshot.Config)
		}
		return last, failed
	}
}

// listKeys prints the actions of the screen with the keys that they have now.
func (t *terminal) listKeys() error {
	snapshot, err := t.loadConfig()
	if err != nil {
		return err
	}
	table, _ := view.Rebind(view.Table(), snapshot.Config.Screen.Keys) // a config that loaded has no problem
	rows := make([][]string, 0, len(table))
	for _, b := range table {
		where := string(b.View)
		if where == "" {
			where = "-"
		}
		rows = append(rows, []string{string(b.ID), where, strings.Join(b.Keys, " "), b.Help})
	}
	t.table("ACTION\tVIEW\tKEYS\tWHAT IT DOES", rows)
	return nil
}
