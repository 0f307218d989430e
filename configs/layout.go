package configs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Layout is the state folder: where every file of openclaw lives.
type Layout struct{ Root string }

// FindLayout returns $OPENCLAW_HOME, or .openclaw in the home folder, which must
// be a full path. It makes nothing.
func FindLayout(getenv func(string) string) (Layout, error) {
	if root := getenv("OPENCLAW_HOME"); root != "" {
		abs, err := filepath.Abs(root)
		return Layout{Root: abs}, err
	}
	home := getenv("HOME")
	if home == "" {
		h, err := os.UserHomeDir()
		if err != nil {
			return Layout{}, errors.New("find the state folder: neither OPENCLAW_HOME nor HOME is set")
		}
		home = h
	}
	if !filepath.IsAbs(home) {
		return Layout{}, fmt.Errorf("find the state folder: HOME is %q, which names another folder wherever one stands: set it to your home folder's full path, or set OPENCLAW_HOME", home)
	}
	return Layout{Root: filepath.Join(home, ".openclaw")}, nil
}

// Config is the config file.
func (l Layout) Config() string { return filepath.Join(l.Root, "config.yaml") }

// Env is the file of variables beside the config.
func (l Layout) Env() string { return filepath.Join(l.Root, ".env") }

// Workspace is an agent's default workspace.
func (l Layout) Workspace(agent string) string { return filepath.Join(l.Root, "agents", agent) }

// Keys is the folder of key files.
func (l Layout) Keys() string { return filepath.Join(l.Root, "keys") }

// Certs is the folder of certificates and their keys.
func (l Layout) Certs() string { return filepath.Join(l.Root, "certs") }

// AgentsPort is the file of the port of the agents' endpoint.
func (l Layout) AgentsPort() string { return filepath.Join(l.Run(), "agents.port") }

// Logs is the folder of log files.
func (l Layout) Logs() string { return filepath.Join(l.Root, "logs") }

// GatewayLog is the gateway's own log.
func (l Layout) GatewayLog() string { return filepath.Join(l.Logs(), "gateway.log") }

// Output is what a run without a terminal said.
func (l Layout) Output(run string) string { return filepath.Join(l.Logs(), "runs", run+".log") }

// AuditLog is the default audit log.
func (l Layout) AuditLog() string { return filepath.Join(l.Logs(), "audit.log") }

// Run is the folder of the socket, the lock and the process id.
func (l Layout) Run() string { return filepath.Join(l.Root, "run") }

// Socket is the gateway's unix socket.
func (l Layout) Socket() string { return filepath.Join(l.Run(), "gateway.sock") }

// Pane is the socket of the terminal of a run that has one for the screen.
func (l Layout) Pane(run string) string { return filepath.Join(l.Run(), "pane-"+run+".sock") }

// Lock is held by the one gateway of this state folder.
func (l Layout) Lock() string { return filepath.Join(l.Run(), "gateway.lock") }

// State is the folder of what the program remembers.
func (l Layout) State() string { return filepath.Join(l.Root, "state") }

// Spool is the folder of what cages refused while no gateway ran.
func (l Layout) Spool() string { return filepath.Join(l.State(), "spool") }

// Versions is the folder of the configs that were in force.
func (l Layout) Versions() string { return filepath.Join(l.State(), "config") }

// Bans is the file of the addresses that the gateway shuts out.
func (l Layout) Bans() string { return filepath.Join(l.State(), "bans.json") }

// Tokens is the file of the hashes and ends of tokens.
func (l Layout) Tokens() string { return filepath.Join(l.State(), "tokens.json") }

// Budgets is the file of what agents and providers have used today.
func (l Layout) Budgets() string { return filepath.Join(l.State(), "budgets.json") }

// Conversations is the database of the chats.
func (l Layout) Conversations() string { return filepath.Join(l.State(), "conversations.db") }

// Vault is the encrypted vault file.
func (l Layout) Vault() string { return filepath.Join(l.State(), "vault.openclaw") }

// Make creates the state folder and its parts, mode 0700, and tightens those that
// are open to others. A part that another user made first, be it a folder or a
// link, is refused: whoever owns it reads and replaces what is put there.
func (l Layout) Make() error {
	for _, dir := range []string{l.Root, filepath.Join(l.Root, "agents"), l.Keys(), l.Logs(), l.Run(), l.State()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := closeFolder(dir); err != nil {
			return err
		}
	}
	return nil
}

// closeFolder makes sure that a folder is this user's alone.
func closeFolder(dir string) error {
	link, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	folder, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !madeByUs(link) || !madeByUs(folder) {
		return fmt.Errorf("%s belongs to another user", dir)
	}
	if modesMatter && folder.Mode().Perm() != 0o700 {
		return os.Chmod(dir, 0o700) //nolint:gosec // a folder needs its x bit
	}
	return nil
}
