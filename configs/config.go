package configs

import (
	"openclaw/sandbox/policy"
)

// Config is the whole tree of config.yaml. It is immutable once loaded.
type Config struct {
	Gateway       Gateway             `yaml:"gateway"`
	Roles         map[string]Role     `yaml:"roles"`
	Agents        map[string]Agent    `yaml:"agents"`
	Providers     map[string]Provider `yaml:"providers"`
	Client        Client              `yaml:"client"`
	Approve       Approve             `yaml:"approve"`
	Screen        Screen              `yaml:"tui"`
	Logging       Logging             `yaml:"logging"`
	DataRetention DataRetention       `yaml:"data_retention"`
	Audit         Audit               `yaml:"audit"`
	Monitoring    Monitoring          `yaml:"monitoring"`
	Backup        Backup              `yaml:"backup"`
}

// Reference is a field that names a secret or holds a literal: ${NAME},
// keychain://service/account, vault://name, file:///path and so on. It prints
// as written when it is a reference and as bullets when it is a literal.
type Reference string

// Gateway is the listener and how clients prove themselves.
type Gateway struct {
	Host           string        `yaml:"host"`
	Port           int           `yaml:"port"`
	RequireAuth    bool          `yaml:"require_auth"`
	Token          Reference     `yaml:"gateway_token"` // empty: generated, kept in the secret store as token/gateway
	TokenRotation  TokenRotation `yaml:"token_rotation"`
	TLS            TLS           `yaml:"tls"` // `tls: false` or a mapping
	RateLimiting   RateLimiting  `yaml:"rate_limiting"`
	Encryption     Encryption    `yaml:"encryption"`
	BehindProxy    bool          `yaml:"behind_proxy"`
	TrustedProxies []string      `yaml:"trusted_proxies"`
	AllowedOrigins []string      `yaml:"allowed_origins"`
	AllowedHosts   []string      `yaml:"allowed_hosts"`
}

// TokenRotation is the age at which the gateway's token is replaced.
type TokenRotation struct {
	Enabled          bool `yaml:"enabled"`
	IntervalDays     int  `yaml:"interval_days"`
	NotifyBeforeDays int  `yaml:"notify_before_days"`
	GraceHours       int  `yaml:"grace_hours"`
	Enforce          bool `yaml:"enforce"`
}

// TLS is the server's certificate and what it asks of clients.
type TLS struct {
	Enabled       bool     `yaml:"enabled"`
	CertFile      string   `yaml:"cert_file"`
	KeyFile       string   `yaml:"key_file"`
	ClientAuth    string   `yaml:"client_auth"` // none | optional | required
	CAFile        string   `yaml:"ca_file"`
	CRLFile       string   `yaml:"crl_file"`  // revocation lists of the authorities of ca_file
	OCSPFile      string   `yaml:"ocsp_file"` // OCSP responses of these, and about the gateway's own certificate
	MinTLSVersion string   `yaml:"min_tls_version"`
	CipherSuites  []string `yaml:"cipher_suites"`
}

// RateLimiting bounds what one address may do.
type RateLimiting struct {
	Enabled              bool `yaml:"enabled"`
	MaxConnectionsPerIP  int  `yaml:"max_connections_per_ip"`
	MaxRequestsPerMinute int  `yaml:"max_requests_per_minute"`
	BanThreshold         int  `yaml:"ban_threshold"`
	BanDuration          int  `yaml:"ban_duration"` // seconds
}

// Encryption is message encryption over and above TLS.
type Encryption struct {
	Enabled              bool   `yaml:"enabled"`
	Algorithm            string `yaml:"algorithm"`
	KeyDerivation        string `yaml:"key_derivation"`
	KeyRotation          bool   `yaml:"key_rotation"`
	RotationIntervalDays int    `yaml:"rotation_interval_days"`
}

// Role is a named set of permissions.
type Role struct {
	Permissions policy.Permissions `yaml:"permissions"`
}

// Agent is one agent: its permissions and how it is started.
type Agent struct {
	Workspace   string             `yaml:"workspace"` // default: agents/NAME in the state folder
	Role        string             `yaml:"role"`
	Permissions policy.Permissions `yaml:"permissions"`
	Command     []string           `yaml:"command"` // a sequence, or one string that the shell runs
	Env         []string           `yaml:"env"`     // names of the user's variables that get in
	Provider    string             `yaml:"provider"`
	Model       string             `yaml:"model"`
	Limits      Limits             `yaml:"limits"`
	Budget      Budget             `yaml:"budget"`
}

// Budget bounds what an agent may use of model providers, or what may be used of
// one provider. Zero is no bound.
type Budget struct {
	RequestsPerMinute int      `yaml:"max_requests_per_minute"`
	RequestsPerDay    int      `yaml:"max_requests_per_day"`
	TokensPerDay      int64    `yaml:"max_tokens_per_day"`
	ConcurrentCalls   int      `yaml:"max_concurrent_calls"`
	AllowedModels     []string `yaml:"allowed_models"` // absent: every model; empty: none
}

// Limits bounds an agent's resources.
type Limits struct {
	Memory string `yaml:"memory"` // "4GB"
	PIDs   int    `yaml:"pids"`
	CPU    string `yaml:"cpu"` // cores, "1.5"
}

// resources is what the text of limits says. What cannot be read has been
// refused where it stands, and counts as no bound.
func (l Limits) resources() policy.Resources {
	r := policy.Resources{PIDs: int64(l.PIDs)}
	if size, err := ParseSize(l.Memory); err == nil {
		r.Memory = size
	}
	if cores, err := parseCores(l.CPU); err == nil {
		r.CPU = cores
	}
	return r
}

// Provider is a model provider. A name other than those of KnownProviders needs
// a base URL and a kind.
type Provider struct {
	APIKey  Reference `yaml:"api_key"`  // empty: the secret that is named like the provider
	BaseURL string    `yaml:"base_url"` // empty: the provider's own
	Kind    string    `yaml:"kind"`     // anthropic | openai | gemini; empty: by name
	Paths   []string  `yaml:"paths"`    // patterns of what is passed on beside the kind's endpoints
	Budget  Budget    `yaml:"budget"`   // of all agents and the operator together
}

// KnownProviders are the providers that need no entry; each is named like the
// kind of API that it speaks.
func KnownProviders() []string { return []string{"anthropic", "gemini", "openai"} }

// Client is how the command line and the screen reach a gateway elsewhere.
type Client struct {
	GatewayURL string           `yaml:"gateway_url"`
	TLS        ClientTLS        `yaml:"tls"`
	Encryption ClientEncryption `yaml:"encryption"`
}

// ClientTLS is the client's certificate and what it asks of the server.
type ClientTLS struct {
	CertFile     string `yaml:"cert_file"`
	KeyFile      string `yaml:"key_file"`
	CAFile       string `yaml:"ca_file"`
	VerifyServer bool   `yaml:"verify_server"`
}

// ClientEncryption is the client's side of message encryption.
type ClientEncryption struct {
	Enabled        bool   `yaml:"enabled"`
	PublicKeyPath  string `yaml:"public_key_path"`
	PrivateKeyPath string `yaml:"private_key_path"`
}

// Approve is how held requests are answered on a screen.
type Approve struct {
	Confirm string `yaml:"confirm"` // always | never | on-widen: which allows ask once more before they hold
}

// Screen is the terminal screen on this machine. Keys are by the ID of an action;
// which there are, and what may be one of its keys, Options.JudgeKeys knows. Filters
// are lines of the screen's filter by a name; Options.JudgeFilter reads them.
type Screen struct {
	Theme         string              `yaml:"theme"`
	Glyphs        string              `yaml:"glyphs"`
	Filters       map[string]string   `yaml:"filters"`
	Keys          map[string][]string `yaml:"keys"`
	Mouse         bool                `yaml:"mouse"`
	Bell          bool                `yaml:"bell"`
	Notifications bool                `yaml:"notifications"`
}

// Logging is the gateway's log.
type Logging struct {
	Level             string   `yaml:"level"`
	Format            string   `yaml:"format"`
	RedactPatterns    []string `yaml:"redact_patterns"` // added to the built-in rules
	RedactReplacement string   `yaml:"redact_replacement"`
}

// DataRetention is how long data is kept.
type DataRetention struct {
	Messages MessageRetention `yaml:"messages"`
	Logs     LogRetention     `yaml:"logs"`
	Sessions SessionRetention `yaml:"sessions"`
}

// MessageRetention is how long messages are kept.
type MessageRetention struct {
	Enabled             bool   `yaml:"enabled"`
	RetentionDays       int    `yaml:"retention_days"`
	ArchiveBeforeDelete bool   `yaml:"archive_before_delete"`
	ArchivePath         string `yaml:"archive_path"`
}

// LogRetention is how long log files are kept.
type LogRetention struct {
	Enabled           bool `yaml:"enabled"`
	RetentionDays     int  `yaml:"retention_days"`
	CompressAfterDays int  `yaml:"compress_after_days"`
}

// SessionRetention is how long sessions are kept.
type SessionRetention struct {
	Enabled         bool `yaml:"enabled"`
	RetentionDays   int  `yaml:"retention_days"`
	CleanupInterval int  `yaml:"cleanup_interval"` // seconds
}

// Audit is the audit log.
type Audit struct {
	Enabled   bool     `yaml:"enabled"`
	LogPath   string   `yaml:"log_path"`
	LogFormat string   `yaml:"log_format"`
	Events    []string `yaml:"events"`
}

// Monitoring is alerts and metrics.
type Monitoring struct {
	Alerts     []Alert    `yaml:"alerts"`
	Prometheus Prometheus `yaml:"prometheus"`
}

// Alert is one alert rule.
type Alert struct {
	Name         string              `yaml:"name"`
	Condition    string              `yaml:"condition"`
	Severity     string              `yaml:"severity"`
	Notification []map[string]string `yaml:"notification"`
}

// Prometheus is the metrics endpoint.
type Prometheus struct {
	Enabled bool     `yaml:"enabled"`
	Port    int      `yaml:"port"`
	Metrics []string `yaml:"metrics"`
}

// Backup is the backup schedule.
type Backup struct {
	Enabled       bool                `yaml:"enabled"`
	Schedule      string              `yaml:"schedule"`
	RetentionDays int                 `yaml:"retention_days"`
	Encryption    bool                `yaml:"encryption"`
	Destinations  []BackupDestination `yaml:"destinations"`
}

// BackupDestination is one place that backups go to.
type BackupDestination struct {
	Type       string `yaml:"type"`
	Path       string `yaml:"path"`
	Bucket     string `yaml:"bucket"`
	Region     string `yaml:"region"`
	Encryption string `yaml:"encryption"`
}
