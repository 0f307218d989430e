package policy

// startUpPaths is what runs outside any cage, as the person, the next time that
// they log in, open a shell, an editor or a terminal: an agent that can write one
// is out of its cage by then. In a folder that a config opens for writing they can
// only be read, unless the config names them, or something in them, for writing.
func startUpPaths() []builtinPath {
	rows := []struct {
		reason string
		paths  []string
	}{
		{"start-up file of a shell", []string{
			"~/.profile", "~/.bash_profile", "~/.bash_login", "~/.bash_logout", "~/.bashrc", "~/.bash_aliases", "~/.inputrc",
			"~/.zshenv", "~/.zprofile", "~/.zshrc", "~/.zlogin", "~/.zlogout", "~/.oh-my-zsh", "~/.kshrc", "~/.mkshrc",
			"~/.cshrc", "~/.tcshrc", "~/.login", "~/.logout", "~/.config/fish", "~/.config/nushell", "~/.config/powershell",
			"~/.config/direnv", "~/.cargo/env",
		}},
		{"start-up of the person's session", []string{
			"~/.xprofile", "~/.xinitrc", "~/.xsession", "~/.xsessionrc", "~/.pam_environment", "~/.config/environment.d",
			"~/.config/autostart", "~/.config/autostart-scripts", "~/.config/plasma-workspace", "~/.config/systemd",
			"~/.local/share/systemd", "~/.config/i3", "~/.config/sway", "~/.config/hypr", "~/Library/LaunchAgents",
		}},
		{"programs that the person's shell finds", []string{"~/bin", "~/.local/bin"}},
		{"settings that run programs", []string{
			"~/.vimrc", "~/.vim", "~/.config/nvim", "~/.emacs", "~/.emacs.d", "~/.config/emacs", "~/.tmux.conf", "~/.config/tmux",
			"~/.screenrc", "~/.gdbinit", "~/.config/gdb", "~/.cargo/config", "~/.cargo/config.toml", "~/.config/Code/User",
			"~/Library/Application Support/Code/User",
		}},
	}
	var out []builtinPath
	for _, row := range rows {
		for _, p := range row.paths {
			out = append(out, builtinPath{path: p, access: AccessRead, reason: row.reason})
		}
	}
	return out
}

// startUp adds a rule for each of startUpPaths that the rules so far let the agent
// write.
func (c *compiler) startUp(p *Policy) {
	known := len(p.Paths) // the rows do not lie in each other
	for _, row := range startUpPaths() {
		where := c.builtinPath(row.path)
		var deepest *PathRule
		for i := range p.Paths[:known] {
			rule := &p.Paths[i]
			if rule.Effect == Allow && under(where, rule.Path) && (deepest == nil || len(rule.Path) > len(deepest.Path)) {
				deepest = rule
			}
		}
		if deepest == nil || deepest.Access != AccessWrite || deepest.Path == where {
			continue
		}
		origin := Origin{BuiltIn: row.reason}
		text := "built-in: " + row.reason
		p.Paths = append(p.Paths, PathRule{
			Path: where, Effect: Allow, Access: AccessRead, Origin: origin, Text: text, Limit: text + " (read only)", LimitFrom: origin,
		})
	}
}
