package main

import (
	"errors"
	"fmt"

	"openclaw/configs"
	"openclaw/tui/view"
)

// saveFilter writes a filter of the screen into this machine's config, or takes it out
// where the line is empty; without write it says what that would do. It never asks for a
// passphrase: the screen has the terminal.
func (t *terminal) saveFilter(name, line string, write bool) (view.FilterDraft, error) {
	t.encrypted.askNoMore()
	options, err := t.configOptions()
	if err != nil {
		return view.FilterDraft{}, err
	}
	store, err := configs.OpenStore(options.Layout, options) // writes the first config
	if err != nil {
		return view.FilterDraft{}, err
	}
	key := configs.NamedKey("tui.filters", name)
	change := func(document *configs.Document) error {
		switch {
		case line != "":
			return document.Set(key, line)
		case !document.Get(key):
			return fmt.Errorf("no filter is saved as %s", name)
		}
		return document.Remove(key)
	}
	after, err := store.Preview(change)
	if err != nil {
		return view.FilterDraft{}, fmt.Errorf("save the filter: %w", filterProblem(err))
	}
	draft := view.FilterDraft{File: after.Path}
	if line != "" {
		draft.Line, _ = after.Where(key)
	}
	_, draft.Diff = configs.Diff(store.Current(), after)
	if write {
		if _, err := configs.Edit(options.Layout.Config(), options, change); err != nil {
			return view.FilterDraft{}, fmt.Errorf("save the filter: %w", filterProblem(err))
		}
	}
	return draft, nil
}

// filterProblem is the first of what is wrong with a config that a filter would make: the
// place in the file would be one that is not there yet.
func filterProblem(err error) error {
	refused, is := errors.AsType[*configs.Error](err)
	if !is || len(refused.Problems) == 0 {
		return err
	}
	p := refused.Problems[0]
	return fmt.Errorf("%s: %s. %s", p.Key, p.Message, p.Hint)
}
