package supervise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

// clientsFolder is where the known clients keep what is theirs in a workspace,
// when the policy does not let them into the person's own folders.
const clientsFolder = ".clients"

// clientFolder is a variable by which a client is told its folder.
type clientFolder struct {
	variable string
	own      string // in the person's home: what it has without the variable
	folder   string // below clientsFolder
	program  string // only for this program; empty: always, it is no other program's variable
}

func clientFolders() []clientFolder {
	return []clientFolder{
		{"CLAUDE_CONFIG_DIR", ".claude", "claude", ""},
		{"CODEX_HOME", ".codex", "codex", ""},
		{"GEMINI_CLI_HOME", ".gemini", "gemini", ""},
		{"XDG_CONFIG_HOME", ".config/opencode", "opencode/config", "opencode"},
		{"XDG_DATA_HOME", ".local/share/opencode", "opencode/data", "opencode"},
		{"XDG_STATE_HOME", ".local/state/opencode", "opencode/state", "opencode"},
		{"XDG_CACHE_HOME", ".cache/opencode", "opencode/cache", "opencode"},
	}
}

// codexConfig has Codex find the gateway, which it does by no variable. It is a
// provider of its own, because the built-in one wants a login and a WebSocket.
const codexConfig = "model_provider = \"openclaw\"\n\n[model_providers.openclaw]\nname = \"openclaw\"\nbase_url = %q\nenv_key = \"OPENCLAW_AGENT_TOKEN\"\nwire_api = \"responses\"\n"

// geminiSettings has Gemini's client use the variable with the key: with another
// base URL it takes itself for a client of Google's own gateway.
const geminiSettings = "{\"security\": {\"auth\": {\"selectedType\": \"gemini-api-key\"}}}\n"

// clients is what the known clients need beside the gateway's address and token.
type clients struct {
	policy  *policy.Policy
	base    string // the gateway's URL
	command []string
}

// environment gives the variables. What they name is there once make has run.
func (c clients) environment() (env []string) {
	writable := c.writable()
	for _, f := range c.folders() {
		place := "/tmp" // the private one, for the time of the run
		if writable {
			place = filepath.Join(c.policy.Workspace, clientsFolder, f.folder)
		}
		if !slices.Contains(c.policy.Env, f.variable) { // the person's own gets in
			env = append(env, f.variable+"="+place)
		}
	}
	return env
}

// folders are those that the command is told of.
func (c clients) folders() (list []clientFolder) {
	for _, f := range clientFolders() {
		own := filepath.Join(c.policy.Home, f.own)
		if f.program != "" && f.program != c.program() || c.policy.Decide(policy.Request{Class: policy.ClassPathWrite, Path: own}).Effect == policy.Allow {
			continue
		}
		list = append(list, f)
	}
	return list
}

func (c clients) writable() bool {
	folder := filepath.Join(c.policy.Workspace, clientsFolder)
	return c.policy.Decide(policy.Request{Class: policy.ClassPathWrite, Path: folder}).Effect == policy.Allow
}

// make makes the folders and files that the variables name. It is for a cage that
// stands: where a link of an agent's leads to the workspace, there is none. What cannot
// be made is an error that the command can live with.
func (c clients) make() error {
	if !c.writable() {
		return nil
	}
	root, err := os.OpenRoot(c.policy.Workspace)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing is lost
	var failures []error
	for _, f := range c.folders() {
		failures = append(failures, root.MkdirAll(filepath.Join(clientsFolder, f.folder), 0o700))
		switch f.folder {
		case "codex":
			failures = append(failures, writeOnce(root, filepath.Join(clientsFolder, "codex", "config.toml"), fmt.Sprintf(codexConfig, c.base+"/v1")))
		case "gemini":
			failures = append(failures, root.MkdirAll(filepath.Join(clientsFolder, "gemini", ".gemini"), 0o700),
				writeOnce(root, filepath.Join(clientsFolder, "gemini", ".gemini", "settings.json"), geminiSettings))
		}
	}
	return errors.Join(failures...)
}

// program is the name of the client that is run, as far as its file shows it.
func (c clients) program() string {
	if len(c.command) == 0 {
		return ""
	}
	return strings.TrimSuffix(filepath.Base(c.command[0]), ".exe")
}

// arguments is the command with what a client takes only there. What the person
// wrote comes later and wins.
func (c clients) arguments() []string {
	if c.program() != "codex" {
		return c.command
	}
	provider := fmt.Sprintf(`model_providers.openclaw={name="openclaw",base_url=%q,env_key="OPENCLAW_AGENT_TOKEN",wire_api="responses"}`, c.base+"/v1")
	return slices.Concat(c.command[:1], []string{"-c", `model_provider="openclaw"`, "-c", provider}, c.command[1:])
}

// without leaves variables out that confuse the client that is run: Claude Code
// asks in the terminal about a key that stands beside a token.
func (c clients) without(env []string) []string {
	if c.program() != "claude" || slices.Contains(c.command, "--bare") {
		return env
	}
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return strings.HasPrefix(entry, "ANTHROPIC_API_KEY=") })
}

// writeOnce writes a file whole, unless something is there: it is the client's own
// from then on. The folder is the agent's, and root lets no link lead out of it.
func writeOnce(root *os.Root, name, text string) error {
	if _, err := root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	next := name + ".new"
	if err := root.RemoveAll(next); err != nil {
		return err
	}
	file, err := root.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return root.Rename(next, name)
}
