package configs

import "strings"

const screenKeys = "tui.keys"

// isScreenKeys reports whether a key path leads to the keys of an action.
func isScreenKeys(key string) bool {
	rest, below := strings.CutPrefix(key, screenKeys)
	return below && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// screen has the keys of the screen judged by who knows its actions.
func (v *validator) screen() {
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
