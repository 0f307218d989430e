package main

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/configs/templates"
	"openclaw/keychain/vault"
)

func integrateSystemdCommand(t *terminal) *cobra.Command {
	var folder string
	var force bool
	var unit templates.Systemd
	cmd := &cobra.Command{
		Use: "systemd", Short: "Write hardened systemd units of this gateway", Args: exactly(0),
		Long: "Write the unit that runs the gateway as a service of this user, or with --system as one of the system under\n" +
			"the user's name (for servers: without a session there is no keyring, so secrets belong into the vault). The\n" +
			"gateway tells systemd when it is ready, reloads and stops, and proves every 15 s that it answers. With --socket\n" +
			"systemd opens the port: connections wait while the gateway starts again, and none is refused.\n" +
			"As a hardened service the gateway cannot try out cages: 'openclaw doctor' in a terminal does.",
		Example: "  openclaw integrate systemd --output ~/.config/systemd/user\n  sudo openclaw integrate systemd --system --user alice --output /etc/systemd/system",
		RunE: func(*cobra.Command, []string) error {
			if unit.User != "" && !unit.System {
				return usage("add --system", "--user is for a service of the system")
			}
			t, err := t.of(unit.User)
			if err != nil {
				return err
			}
			if err := t.service(&unit); err != nil {
				return err
			}
			text, err := unit.Service()
			if err != nil {
				return &failure{err: err, code: exitUsage, hint: "paths with spaces or quotes cannot stand in a unit: set OPENCLAW_HOME to another folder"}
			}
			control, name := "systemctl --user", "openclaw.service"
			if unit.System {
				control = "systemctl"
			}
			files := []generated{{name: name, text: text}}
			if unit.Socket {
				port, err := unit.Port()
				if err != nil {
					return &failure{err: err, code: exitUsage}
				}
				files = append(files, generated{name: "openclaw.socket", text: port})
				name = "openclaw.socket " + name
			}
			files[len(files)-1].note = "then: " + control + " daemon-reload && " + control + " enable --now " + name
			if err := t.deliver(folder, force, files...); err != nil {
				return err
			}
			if !unit.System {
				t.warn("it runs while you are logged in; 'loginctl enable-linger' lets it run without that, and the keyring may be locked then")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&unit.System, "system", false, "a service of the system, under a user's name")
	cmd.Flags().StringVar(&unit.User, "user", "", "with --system: the user's name; default: whoever runs this")
	cmd.Flags().BoolVar(&unit.Socket, "socket", false, "let systemd open the port, with a socket unit")
	outputFlags(cmd, &folder, &force)
	return cmd
}

// of is this terminal with another user's home folder, for whom root writes a unit.
func (t *terminal) of(name string) (*terminal, error) {
	if name == "" || t.getenv("OPENCLAW_HOME") != "" {
		return t, nil
	}
	other, err := user.Lookup(name)
	if err != nil {
		return nil, &failure{err: fmt.Errorf("find the user: %w", err), code: exitUsage, hint: "make the user first, or set OPENCLAW_HOME to the state folder"}
	}
	theirs := *t
	theirs.getenv = func(variable string) string {
		if variable == "HOME" {
			return other.HomeDir
		}
		return t.getenv(variable)
	}
	return &theirs, nil
}

// service fills in what the units say of this gateway.
func (t *terminal) service(unit *templates.Systemd) error {
	layout, err := t.layout()
	if err != nil {
		return err
	}
	snapshot, err := t.loadConfig()
	if err != nil {
		return err
	}
	unit.Home = layout.Root
	unit.Credentials = credentials(layout)
	if unit.Program, err = programPath(); err != nil {
		return err
	}
	if unit.System && unit.User == "" {
		me, err := user.Current()
		if err != nil {
			return fmt.Errorf("find this user's name: %w", err)
		}
		unit.User = me.Username
	}
	if audit := filepath.Dir(auditPath(layout, snapshot.Config)); !within(layout.Root, audit) {
		unit.Writes = append(unit.Writes, audit)
	}
	host := snapshot.Config.Gateway.Host
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	unit.Listen = net.JoinHostPort(host, strconv.Itoa(snapshot.Config.Gateway.Port))
	return nil
}

// credentials are those that the vault opens by, whose encrypted files are in their place.
func credentials(layout configs.Layout) (list []templates.Credential) {
	header, err := vault.ReadHeader(layout.Vault())
	if err != nil {
		return nil // no vault; or a damaged one, of which the gateway tells
	}
	for _, slot := range header.Slots {
		path := credentialPath(layout.Keys(), slot.Name)
		if _, err := os.Stat(path); slot.Kind == vault.SlotCredential && err == nil {
			list = append(list, templates.Credential{Name: slot.Name, Path: path})
		}
	}
	return list
}

// programPath is where this program is, past symbolic links.
func programPath() (string, error) {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("find the program itself: %w", err)
	}
	return path, nil
}

func within(folder, path string) bool {
	relative, err := filepath.Rel(folder, path)
	return err == nil && relative != ".." && !strings.HasPrefix(relative, ".."+string(filepath.Separator))
}

func integrateLaunchdCommand(t *terminal) *cobra.Command {
	var folder string
	var force bool
	cmd := &cobra.Command{
		Use: "launchd", Short: "Write launchd's property list of this gateway", Args: exactly(0),
		Long: "Write the property list with which launchd runs the gateway as an agent of this user on a Mac.\n" +
			"It is not yet run on a Mac by us: its form is checked, its working is not.",
		Example: "  openclaw integrate launchd --output ~/Library/LaunchAgents",
		RunE: func(*cobra.Command, []string) error {
			layout, err := t.layout()
			if err != nil {
				return err
			}
			program, err := programPath()
			if err != nil {
				return err
			}
			text, err := templates.Launchd{Program: program, Home: layout.Root}.Agent()
			if err != nil {
				return &failure{err: err, code: exitUsage, hint: "set OPENCLAW_HOME to another folder"}
			}
			if err := t.deliver(folder, force, generated{name: "openclaw.gateway.plist", text: text, note: "then: launchctl bootstrap gui/$(id -u) " + filepath.Join(folder, "openclaw.gateway.plist")}); err != nil {
				return err
			}
			t.warn("not yet run on a Mac by us: tell us what happens")
			return nil
		},
	}
	outputFlags(cmd, &folder, &force)
	return cmd
}
