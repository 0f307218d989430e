package configs

import (
	"path/filepath"
)

// Default returns a new tree with every default: what an empty config file
// means. Paths that lie in the state folder are empty until a file is loaded,
// which knows the folder.
//
// The limits of requests are higher than the specification's example (10 and
// 100), because all agents of a machine share one loopback address.
func Default() *Config {
	return &Config{
		Gateway: Gateway{
			Host:          "127.0.0.1",
			Port:          18789,
			RequireAuth:   true,
			TokenRotation: TokenRotation{IntervalDays: 90, NotifyBeforeDays: 7, GraceHours: 24},
			TLS:           TLS{ClientAuth: "none", MinTLSVersion: "1.3"},
			RateLimiting: RateLimiting{
				Enabled:              true,
				MaxConnectionsPerIP:  64,
				MaxRequestsPerMinute: 600,
				BanDuration:          3600,
			},
			Encryption: Encryption{
				Algorithm: "AES-256-GCM", KeyDerivation: "PBKDF2", RotationIntervalDays: 30,
			},
		},
		Roles:     map[string]Role{},
		Agents:    map[string]Agent{},
		Providers: map[string]Provider{},
		Client:    Client{TLS: ClientTLS{VerifyServer: true}},
		Approve:   Approve{Confirm: "on-widen"},
		Screen:    Screen{Theme: "auto", Glyphs: "unicode", Filters: map[string]string{}, Keys: map[string][]string{}, Bell: true, Notifications: true},
		Logging:   Logging{Level: "info", Format: "json", RedactReplacement: "[REDACTED]"},
		DataRetention: DataRetention{
			Messages: MessageRetention{RetentionDays: 30, ArchiveBeforeDelete: true},
			Logs:     LogRetention{RetentionDays: 90, CompressAfterDays: 7},
			Sessions: SessionRetention{RetentionDays: 7, CleanupInterval: 86400},
		},
		Audit:      Audit{Enabled: true, LogFormat: "json", Events: auditEvents()},
		Monitoring: Monitoring{Prometheus: Prometheus{Port: 9090}},
		Backup:     Backup{Schedule: "0 2 * * *", RetentionDays: 30, Encryption: true},
	}
}

// placeDefaults fills the defaults that lie in the state folder.
func placeDefaults(c *Config, layout Layout) {
	set := func(field *string, path string) {
		if *field == "" {
			*field = path
		}
	}
	certs := layout.Certs()
	set(&c.Gateway.TLS.CertFile, filepath.Join(certs, "gateway.crt"))
	set(&c.Gateway.TLS.KeyFile, filepath.Join(certs, "gateway.key"))
	set(&c.DataRetention.Messages.ArchivePath, filepath.Join(layout.Root, "archives"))
	set(&c.Audit.LogPath, layout.AuditLog())
	for name, agent := range c.Agents {
		set(&agent.Workspace, layout.Workspace(name))
		c.Agents[name] = agent
	}
}

// DefaultFile is the config that a first run writes. It loads without a warning
// and means the same as an empty file, but for the two providers that it names.
func DefaultFile() []byte { return []byte(defaultFile) }

const defaultFile = `# openclaw: this file is read again whenever it is saved.
# A mistake is reported with its line, and the config in force stays.
#   openclaw config validate    checks it
#   openclaw config show        prints all of it, defaults included

gateway:
  host: 127.0.0.1
  port: 18789
  require_auth: true

# A provider's key lives in the keychain, under the provider's name:
#   openclaw secrets set anthropic
providers:
  anthropic: {}
  openai: {}

# An agent reaches its own workspace and nothing else until it is allowed here.
# Take the "# " away from these lines to have one, then run something in it:
#   openclaw agent run coder -- COMMAND
agents:
  # coder:
  #   permissions:
  #     allowed_paths: []        # such as [~/projects/my-project]

logging:
  level: info
`
