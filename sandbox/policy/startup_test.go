package policy

import (
	"slices"
	"testing"
)

// What runs at the person's next login or shell is not an agent's to write, however
// wide its folders are; naming it is saying so.
func TestStartUpFilesAreOnlyRead(t *testing.T) {
	const builtIn = "built-in: start-up file of a shell (read only)"
	check(t, compiled(t, "", `{allowed_paths: ["~"]}`), []want{
		{"write /home/ada/notes", Allow, ""},
		{"read /home/ada/.bashrc", Allow, ""},
		{"write /home/ada/.bashrc", Deny, builtIn},
		{"write /home/ada/.bashrc.d", Allow, ""},
		{"write /home/ada/.config/fish", Deny, builtIn},
		{"write /home/ada/.config/fish/conf.d/x.fish", Deny, builtIn},
		{"write /home/ada/.config/other", Allow, ""},
		{"write /home/ada/.config/systemd/user/x.service", Deny, "built-in: start-up of the person's session (read only)"},
		{"write /home/ada/.local/bin/ls", Deny, "built-in: programs that the person's shell finds (read only)"},
		{"write /home/ada/.gitconfig", Deny, "system folder: ~/.gitconfig (read only)"},
	})
	check(t, compiled(t, "", `{allowed_paths: ["/", ~/.bashrc, ~/.config/fish/functions, ~/.vim]}`), []want{
		{"write /home/ada/.profile", Deny, builtIn},
		{"write /home/ada/.bashrc", Allow, "allowed_paths: ~/.bashrc"},
		{"write /home/ada/.vim/plugin/x.vim", Allow, "allowed_paths: ~/.vim"},
		{"write /home/ada/.config/fish/functions/x.fish", Allow, "allowed_paths: ~/.config/fish/functions"},
		{"write /home/ada/.config/fish/config.fish", Deny, builtIn},
	})
	// They open nothing that was not open.
	check(t, compiled(t, "", `{allowed_paths: [~/projects]}`), []want{
		{"read /home/ada/.bashrc", Deny, "not in allowed_paths"},
		{"read /home/ada/.config/fish", Deny, "not in allowed_paths"},
	})
	check(t, compiled(t, "", `{allowed_paths: ["~"], denied_paths: [~/.bashrc]}`), []want{
		{"read /home/ada/.bashrc", Deny, "denied_paths: ~/.bashrc"},
	})
}

// The rows are judged one by one, which they may be while none lies in another.
func TestStartUpPathsDoNotLieInEachOther(t *testing.T) {
	rows := startUpPaths()
	for i, row := range rows {
		if slices.ContainsFunc(rows[i+1:], func(other builtinPath) bool { return under(row.path, other.path) || under(other.path, row.path) }) {
			t.Errorf("%s lies in another, or holds one", row.path)
		}
	}
}
