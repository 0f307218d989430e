package configs

import (
	"maps"
	"slices"
	"strings"
)

const screenKeys = "tui.keys"

// isScreenKeys reports whether a key path leads to the keys of an action.
func isScreenKeys(key string) bool {
	rest, below := strings.CutPrefix(key, screenKeys)
	return below && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

const screenFilters = "tui.filters"

// screen has the keys and the filters of the screen judged by who knows them.
func (v *validator) screen() {
	v.screenFilters()
	judge := v.snapshot.options.JudgeKeys
	if judge == nil {
		return
	}
	for _, p := range judge(v.config().Screen.Keys) {
		key := childKey(screenKeys, p.Action)
		at := where(v.decoder.positions, key)
		if p.Item >= 0 {
			at = v.at(key)
			if item := itemKey(key, p.Item); v.written(item) {
				key, at = item, v.at(item)
			}
		}
		if len(v.problems) < maxProblems {
			v.problems = append(v.problems, Problem{
				File: v.decoder.file, Line: at.line, Column: at.column, Key: key, Message: p.Message, Hint: p.Hint,
			})
		}
	}
}

func (v *validator) screenFilters() {
	judge := v.snapshot.options.JudgeFilter
	filters := v.config().Screen.Filters
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		key := childKey(screenFilters, name)
		if !ValidName(name) {
			v.fail(key, "such as mine: 1 to 64 of a-z, 0-9, dot, dash and underscore", "not a name of a filter")
			continue
		}
		if judge == nil {
			continue
		}
		if message, hint := judge(filters[name]); message != "" {
			v.fail(key, hint, "%s", message)
		}
	}
}
