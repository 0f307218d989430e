package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/configs/templates"
	"openclaw/gateway/limit"
)

func integrateCommand(t *terminal) *cobra.Command {
	return group("integrate", "Write ready files for other programs, filled in from the config", integrateNginxCommand(t), integrateFail2banCommand(t),
		integrateSystemdCommand(t), integrateLaunchdCommand(t))
}

// generated is one file for another program.
type generated struct {
	name string // below --output
	text []byte
	note string // what to do with it
}

// deliver writes the files below a folder, or prints them where none is given. A
// file that is there and differs is somebody's, and stays without --force.
func (t *terminal) deliver(folder string, force bool, files ...generated) error {
	for _, file := range files {
		if folder == "" {
			if len(files) > 1 {
				t.print("# %s", file.name)
			}
			t.print("%s", strings.TrimRight(string(file.text), "\n"))
			continue
		}
		path := filepath.Join(folder, file.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for another program to read
			return fmt.Errorf("make the folder: %w", err)
		}
		old, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look at what is there: %w", err)
		}
		if err == nil && string(old) != string(file.text) && !force {
			return &failure{err: fmt.Errorf("%s is there and differs", path), hint: "look at it, and give --force to replace it"}
		}
		if err := configs.ReplaceFile(path, file.text); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // as above; it holds no secret
			return fmt.Errorf("write %s: %w", path, err)
		}
		t.print("wrote %s", path)
		if file.note != "" {
			t.print("  %s", file.note)
		}
	}
	return nil
}

func outputFlags(cmd *cobra.Command, folder *string, force *bool) {
	cmd.Flags().StringVar(folder, "output", "", "write below this folder instead of printing")
	cmd.Flags().BoolVar(force, "force", false, "replace a file that is there and differs")
}

func integrateNginxCommand(t *terminal) *cobra.Command {
	var site templates.Nginx
	var folder string
	var force bool
	cmd := &cobra.Command{
		Use: "nginx", Short: "Write nginx's configuration of this gateway", Args: exactly(0),
		Long: "Write the configuration of nginx as the gateway's reverse proxy: TLS, WebSocket, streams that are not held\n" +
			"back, a rate limit, the client's address. It belongs inside nginx's http block. The gateway's own config must\n" +
			"know the proxy and the name; what is missing there is said.",
		Example: "  openclaw integrate nginx --server-name gateway.example.com --output /etc/nginx/conf.d",
		RunE: func(*cobra.Command, []string) error {
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			layout, err := t.layout()
			if err != nil {
				return err
			}
			g := snapshot.Config.Gateway
			if site.ServerName == "" && len(g.AllowedHosts) > 0 {
				site.ServerName, _, _ = strings.Cut(g.AllowedHosts[0], ":")
			}
			if site.ServerName == "" {
				return usage("openclaw integrate nginx --server-name gateway.example.com", "which name do clients use?")
			}
			if site.Certificate == "" {
				site.Certificate = "/etc/letsencrypt/live/" + site.ServerName + "/fullchain.pem"
			}
			if site.Key == "" {
				site.Key = "/etc/letsencrypt/live/" + site.ServerName + "/privkey.pem"
			}
			site.Gateway, site.MaxBody = net.JoinHostPort(reachable(g.Host), strconv.Itoa(g.Port)), limit.MaxBody>>20
			text, err := site.Site()
			if err != nil {
				return &failure{err: err, code: exitUsage, hint: "openclaw integrate nginx --help"}
			}
			if err := t.deliver(folder, force, generated{name: "openclaw.conf", text: text, note: "then: nginx -t && systemctl reload nginx"}); err != nil {
				return err
			}
			if len(g.TrustedProxies) == 0 || !slices.ContainsFunc(g.AllowedHosts, func(host string) bool {
				name, _, _ := strings.Cut(host, ":")
				return name == site.ServerName
			}) {
				t.warn("the gateway does not know this proxy yet; write into %s:\n  gateway:\n    behind_proxy: true\n    trusted_proxies: [127.0.0.1]\n    allowed_hosts: [%s]",
					layout.Config(), site.ServerName)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&site.ServerName, "server-name", "", "the name that clients use; default: the first of gateway.allowed_hosts")
	cmd.Flags().StringVar(&site.Listen, "listen", "443", "nginx's port, or address:port")
	cmd.Flags().StringVar(&site.Certificate, "cert", "", "the certificate's path; default: Let's Encrypt's")
	cmd.Flags().StringVar(&site.Key, "key", "", "the key's path; default: Let's Encrypt's")
	outputFlags(cmd, &folder, &force)
	return cmd
}

// reachable is where a program of this machine reaches a listener.
func reachable(host string) string {
	switch host {
	case "", "0.0.0.0", "localhost":
		return "127.0.0.1"
	case "::":
		return "::1"
	}
	return host
}

func integrateFail2banCommand(t *terminal) *cobra.Command {
	var folder, ports string
	var force bool
	cmd := &cobra.Command{
		Use: "fail2ban", Short: "Write fail2ban's filter and jail for the gateway's log", Args: exactly(0),
		Long: "Write the filter and the jail with which fail2ban shuts out, at the firewall, who is refused again and again.\n" +
			"The gateway's own bans (gateway.rate_limiting) need none of it; this keeps such packets from reaching it at all.",
		Example: "  openclaw integrate fail2ban --output /etc/fail2ban",
		RunE: func(*cobra.Command, []string) error {
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			layout, err := t.layout()
			if err != nil {
				return err
			}
			g := snapshot.Config.Gateway
			if ports == "" {
				ports = strconv.Itoa(g.Port)
				if len(g.TrustedProxies) > 0 {
					ports += ",443" // the clients reach the proxy's port
				}
			}
			values := templates.Fail2ban{Ports: ports, Log: layout.GatewayLog(), BanTime: g.RateLimiting.BanDuration, Trusted: g.TrustedProxies}
			if values.BanTime == 0 {
				values.BanTime = -1 // for fail2ban: for ever
			}
			jail, err := values.Jail()
			if err != nil {
				return &failure{err: err, code: exitUsage, hint: "openclaw integrate fail2ban --help"}
			}
			return t.deliver(folder, force,
				generated{name: filepath.Join("filter.d", "openclaw.conf"), text: values.Filter()},
				generated{name: filepath.Join("jail.d", "openclaw.conf"), text: jail, note: "then: fail2ban-client reload"})
		},
	}
	cmd.Flags().StringVar(&ports, "ports", "", "the ports to close, such as 443,18789; default: the gateway's, and 443 behind a proxy")
	outputFlags(cmd, &folder, &force)
	return cmd
}
