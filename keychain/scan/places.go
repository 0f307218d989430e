package scan

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// format is how a file is written.
type format string

const (
	dotEnv      format = "dotenv"
	shellScript format = "shell"
	jsonText    format = "json"
	yamlText    format = "yaml"
	tomlText    format = "toml"
)

func (f format) parse(data []byte) ([]assignment, error) {
	switch f {
	case dotEnv:
		return parseDotEnv(data)
	case shellScript:
		return parseShell(data)
	case jsonText:
		return parseJSON(data)
	case yamlText:
		return parseYAML(data)
	case tomlText:
		return parseTOML(data)
	}
	return nil, errors.New("no such format")
}

// asComment takes the whole statement away and leaves a comment.
const asComment = "#"

// Place is a file in which keys may stand.
type Place struct {
	Program string
	Path    string

	format   format
	template string // what stands for the value; NAME is the variable; asComment; "" cuts nothing
	only     string // the only key for which the template holds
	comment  string // how a comment begins
	empty    string // with asComment: an empty text, for a value that is not alone in its line
	advice   string // what to do where nothing is cut
}

var errNotFolder error = syscall.ENOTDIR

// EnvFile is a .env file.
func EnvFile(path string) Place {
	return Place{Program: ".env file", Path: path, format: dotEnv, template: asComment, comment: "#", empty: `""`}
}

func profile(path string) Place {
	// ": #" is a command that does nothing: an if whose only line was the
	// assignment stays well formed.
	return Place{Program: "shell profile", Path: path, format: shellScript, template: asComment, comment: ": #", empty: "''"}
}

const (
	tellClaude = `take NAME out of "env"; openclaw's gateway puts the key in, or write "apiKeyHelper" with a command that prints it`
	tellMCP    = "take it out by hand: the program reads no variable here; give the server NAME in the environment that it starts in"
)

// Home lists the places of a home folder: shell profiles and agents' settings.
// getenv tells where the programs were told to keep them.
func Home(home string, getenv func(string) string) []Place {
	in := func(parts ...string) string { return filepath.Join(append([]string{home}, parts...)...) }
	or := func(variable, otherwise string) string {
		if path := getenv(variable); filepath.IsAbs(path) {
			return path
		}
		return otherwise
	}
	config, data := or("XDG_CONFIG_HOME", in(".config")), or("XDG_DATA_HOME", in(".local", "share"))
	zsh := or("ZDOTDIR", home)
	var places []Place
	for _, name := range []string{".profile", ".bash_profile", ".bash_login", ".bashrc", ".bash_aliases", ".cshrc", ".tcshrc", ".login"} {
		places = append(places, profile(in(name)))
	}
	for _, name := range []string{".zshenv", ".zprofile", ".zshrc", ".zlogin"} {
		places = append(places, profile(filepath.Join(zsh, name)))
	}
	places = append(places, profile(filepath.Join(config, "fish", "config.fish")), EnvFile(in(".env")))
	places = append(places, agents(home, or("CLAUDE_CONFIG_DIR", in(".claude")), or("CODEX_HOME", in(".codex")))...)
	return append(places,
		Place{Program: "Claude Code", Path: in(".claude.json"), format: jsonText, advice: tellClaude},
		Place{Program: "Codex", Path: filepath.Join(or("CODEX_HOME", in(".codex")), "auth.json"), format: jsonText, template: "null", only: "OPENAI_API_KEY", advice: "run: codex logout"},
		Place{Program: "opencode", Path: filepath.Join(config, "opencode", "opencode.json"), format: jsonText, template: `"{env:NAME}"`},
		Place{Program: "opencode", Path: filepath.Join(config, "opencode", "opencode.jsonc"), format: jsonText, template: `"{env:NAME}"`},
		Place{Program: "opencode", Path: filepath.Join(data, "opencode", "auth.json"), format: jsonText, advice: "run: opencode auth logout; it then takes the key from NAME"},
		Place{Program: "Continue", Path: in(".continue", "config.yaml"), format: yamlText, template: `"${{ secrets.NAME }}"`},
		Place{Program: "Continue", Path: in(".continue", "config.json"), format: jsonText, advice: "move to ~/.continue/config.yaml, which takes ${{ secrets.NAME }}, and delete this file"},
		EnvFile(in(".continue", ".env")),
		Place{Program: "Goose", Path: filepath.Join(config, "goose", "secrets.yaml"), format: yamlText, template: asComment, comment: "#", empty: `""`},
	)
}

// Project lists the places of a project: its .env files and the settings that
// agents keep in it.
func Project(folder string) []Place {
	var places []Place
	names, _ := filepath.Glob(filepath.Join(escapeGlob(folder), ".env*"))
	for _, name := range names {
		info, err := os.Stat(name)
		if err == nil && info.Mode().IsRegular() {
			places = append(places, EnvFile(name))
		}
	}
	places = append(places, agents(folder, filepath.Join(folder, ".claude"), filepath.Join(folder, ".codex"))...)
	return append(places,
		Place{Program: "opencode", Path: filepath.Join(folder, "opencode.json"), format: jsonText, template: `"{env:NAME}"`},
		Place{Program: "opencode", Path: filepath.Join(folder, "opencode.jsonc"), format: jsonText, template: `"{env:NAME}"`},
		Place{Program: "MCP servers", Path: filepath.Join(folder, ".mcp.json"), format: jsonText, template: `"${NAME}"`},
	)
}

// agents are the settings that look the same in a home folder and in a project.
func agents(folder, claude, codex string) []Place {
	return []Place{
		{Program: "Claude Code", Path: filepath.Join(claude, "settings.json"), format: jsonText, advice: tellClaude},
		{Program: "Claude Code", Path: filepath.Join(claude, "settings.local.json"), format: jsonText, advice: tellClaude},
		{Program: "Codex", Path: filepath.Join(codex, "config.toml"), format: tomlText, advice: tellMCP},
		{Program: "aider", Path: filepath.Join(folder, ".aider.conf.yml"), format: yamlText, template: asComment, comment: "#", empty: `""`},
		{Program: "Gemini CLI", Path: filepath.Join(folder, ".gemini", "settings.json"), format: jsonText, template: `"${NAME}"`},
		EnvFile(filepath.Join(folder, ".gemini", ".env")),
	}
}

// escapeGlob makes a folder's name stand for itself.
func escapeGlob(name string) string {
	var out []rune
	for _, r := range name {
		if r == '*' || r == '?' || r == '[' || r == '\\' && filepath.Separator != '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}
