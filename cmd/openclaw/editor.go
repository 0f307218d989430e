package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// editor is the person's editor on a file, at a line where the editor can; 0: anywhere.
func (t *terminal) editor(ctx context.Context, path string, line int) (*exec.Cmd, error) {
	editor := t.getenv("VISUAL")
	if editor == "" {
		editor = t.getenv("EDITOR")
	}
	if editor == "" {
		return nil, usage("set it, such as: EDITOR=nano openclaw config edit", "EDITOR is not set")
	}
	// The shell splits an EDITOR such as "code --wait"; the path is its argument, not its text.
	if words := strings.Fields(editor); line > 0 && len(words) > 0 && takesLine(filepath.Base(words[0])) {
		return exec.CommandContext(ctx, "sh", "-c", editor+` "$1" "$2"`, "sh", "+"+strconv.Itoa(line), path), nil
	}
	return exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, "sh", path), nil
}

// takesLine reports whether an editor opens a file at a line that is written +N before
// its name, as its manual says.
func takesLine(editor string) bool {
	switch editor {
	case "vi", "vim", "nvim", "gvim", "nano", "pico", "emacs", "emacsclient", "joe", "jed", "mg", "micro", "kak", "ne":
		return true
	}
	return false
}
