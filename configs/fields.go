package configs

// field is what is known of one key beside its Go type. The decoder, the schema
// and the tests read the same table.
type field struct {
	About string
	Enum  []string // allowed words; of the items for a list
	Min   int64    // of a number
	Max   int64    // of a number; 0: no limit
	Path  bool     // a file or folder: ~ and $VAR expand, must be absolute
}

const (
	year    = 366      // days
	maxDays = 10 * 366 // ten years
)

// fields is the table, by Go type and key: "Gateway.host". A test keeps it
// complete.
func fields() map[string]field {
	return map[string]field{
		"Config.gateway":        {About: "The listener and how clients prove themselves."},
		"Config.roles":          {About: "Named sets of permissions that agents refer to."},
		"Config.agents":         {About: "The agents, by name. An agent's rights are the intersection of its role's and its own permissions."},
		"Config.providers":      {About: "The model providers, by name."},
		"Config.client":         {About: "How the command line and the screen reach a gateway elsewhere."},
		"Config.approve":        {About: "How held requests are answered on a screen."},
		"Config.tui":            {About: "The terminal screen on this machine."},
		"Config.logging":        {About: "The gateway's log."},
		"Config.data_retention": {About: "How long data is kept."},
		"Config.audit":          {About: "The audit log."},
		"Config.monitoring":     {About: "Alerts and metrics."},
		"Config.backup":         {About: "The backup schedule."},

		"Gateway.host":            {About: "Address to listen on. One that is not loopback needs require_auth and TLS, or behind_proxy with trusted_proxies."},
		"Gateway.port":            {About: "TCP port of HTTP and WebSocket.", Min: 1, Max: 65535},
		"Gateway.require_auth":    {About: "Every client must prove itself."},
		"Gateway.gateway_token":   {About: "Reference to the gateway's token; absent: generated and kept in the secret store as token/gateway."},
		"Gateway.token_rotation":  {About: "The age at which the token is replaced."},
		"Gateway.tls":             {About: "false, or the server's certificate and what it asks of clients."},
		"Gateway.rate_limiting":   {About: "What one address may do."},
		"Gateway.encryption":      {About: "Message encryption, over and above TLS."},
		"Gateway.behind_proxy":    {About: "A reverse proxy on this machine or in trusted_proxies ends TLS."},
		"Gateway.trusted_proxies": {About: "Addresses and CIDRs whose X-Forwarded-For is believed."},
		"Gateway.allowed_origins": {About: "Web origins that may connect, beyond the gateway's own."},
		"Gateway.allowed_hosts":   {About: "Host header values that are accepted, beyond the gateway's own."},

		"TokenRotation.enabled":            {About: "Replace the token when it is too old."},
		"TokenRotation.interval_days":      {About: "Days from a token's creation to its end.", Min: 1, Max: maxDays},
		"TokenRotation.notify_before_days": {About: "Days before the end from which on it is announced.", Max: maxDays},
		"TokenRotation.grace_hours":        {About: "Hours for which the old token is still accepted.", Max: 24 * year},
		"TokenRotation.enforce":            {About: "Refuse new connections with a token that is too old and that the gateway cannot replace."},

		"TLS.enabled":         {About: "Serve TLS."},
		"TLS.cert_file":       {About: "PEM file of the certificate chain; default certs/gateway.crt in the state folder.", Path: true},
		"TLS.key_file":        {About: "PEM file of the private key; default certs/gateway.key in the state folder.", Path: true},
		"TLS.client_auth":     {About: "Whether clients show a certificate.", Enum: []string{"none", "optional", "required"}},
		"TLS.ca_file":         {About: "PEM file of the authority of client certificates.", Path: true},
		"TLS.crl_file":        {About: "PEM or DER file of the authority's revocation lists; with it a certificate needs a list that is in date.", Path: true},
		"TLS.ocsp_file":       {About: "PEM or DER file of OCSP responses; with it a client's certificate needs one that is good and in date, or a list of crl_file. One about the gateway's own certificate is sent to clients.", Path: true},
		"TLS.min_tls_version": {About: "Lowest version that is accepted.", Enum: []string{"1.2", "1.3"}},
		"TLS.cipher_suites":   {About: "IANA names of the suites that are accepted."},

		"RateLimiting.enabled":                 {About: "Apply the limits below."},
		"RateLimiting.max_connections_per_ip":  {About: "Open connections of one address.", Min: 1, Max: 1_000_000},
		"RateLimiting.max_requests_per_minute": {About: "Requests a minute of one address; the burst is the same number.", Min: 1, Max: 10_000_000},
		"RateLimiting.ban_threshold":           {About: "Refusals within a minute that ban an address; 0 bans none.", Max: 10_000_000},
		"RateLimiting.ban_duration":            {About: "Seconds of a ban; 0: until it is lifted.", Max: year * 86400},

		"Encryption.enabled":                {About: "Encrypt messages."},
		"Encryption.algorithm":              {About: "Cipher of messages.", Enum: []string{"AES-256-GCM", "CHACHA20-POLY1305"}},
		"Encryption.key_derivation":         {About: "How keys are derived.", Enum: []string{"PBKDF2", "HKDF", "ARGON2ID"}},
		"Encryption.key_rotation":           {About: "Replace message keys by age."},
		"Encryption.rotation_interval_days": {About: "Days of a message key's life.", Min: 1, Max: maxDays},

		"Role.permissions": {About: "What an agent of this role may do."},

		"Agent.workspace":   {About: "The agent's own folder; default agents/NAME in the state folder.", Path: true},
		"Agent.role":        {About: "Name of a role."},
		"Agent.permissions": {About: "What the agent may do, within its role."},
		"Agent.command":     {About: "What `agent run NAME` runs: a list, or one string for the shell."},
		"Agent.env":         {About: "Names of the user's environment variables that get in."},
		"Agent.provider":    {About: "Name of the provider that the agent uses."},
		"Agent.model":       {About: "Name of the model that the agent uses."},
		"Agent.limits":      {About: "Bounds of the agent's resources."},

		"Agent.budget": {About: "What the agent may use of model providers."},

		"Budget.max_requests_per_minute": {About: "Requests a minute; the burst is the same number.", Min: 1, Max: 10_000_000},
		"Budget.max_requests_per_day":    {About: "Requests a calendar day.", Min: 1, Max: 1_000_000_000},
		"Budget.max_tokens_per_day":      {About: "Tokens a calendar day, of requests and answers, cached ones too. A call that begins with some left goes on to its end.", Min: 1, Max: 1_000_000_000_000_000},
		"Budget.max_concurrent_calls":    {About: "Calls at the same time, streamed or not.", Min: 1, Max: 1_000_000},
		"Budget.allowed_models":          {About: "Names of models such as claude-sonnet-5 or gpt-5*, in which * is any text; absent: every model."},

		"Limits.memory": {About: "Memory of all processes of a run together, such as 512MB or 4GB; at least 32MB."},
		"Limits.pids":   {About: "Processes and threads of a run together.", Min: 1, Max: 4_194_304},
		"Limits.cpu":    {About: "Processor cores of a run, such as 1.5."},

		"Permissions.read_only":        {About: "Nothing may be written."},
		"Permissions.allowed_paths":    {About: "Paths that are allowed with all below them: a path, or a mapping with path and access."},
		"Permissions.denied_paths":     {About: "Paths and globs that are denied, also inside an allowed path and also when they do not exist yet."},
		"Permissions.file_write":       {About: "Files may be written."},
		"Permissions.execute_commands": {About: "Programs other than the command that started the agent may run."},
		"Permissions.system_commands":  {About: "sudo, mount, package managers and the like may run."},
		"Permissions.network_access":   {About: "The network may be reached."},
		"Permissions.max_file_size":    {About: "Bytes that a written file may have.", Min: 1},
		"Permissions.network":          {About: "What of the network may be reached."},
		"Permissions.ask":              {About: "What is neither allowed nor denied and is held for the person's answer.", Enum: classes()},
		"Permissions.ask_timeout":      {About: "How long an answer is waited for; then it is a denial. Written like 60s. Its clock is paused while a person is at the request on a screen, for as long again at most."},
		"Permissions.never_always":     {About: "Classes for which the answer \"always\" is not offered.", Enum: classes()},
		"Permissions.enforce":          {About: "What happens where a machine cannot enforce all of it: strict refuses, reduced accepts weaker mechanisms.", Enum: []string{"strict", "reduced"}},
		"Permissions.nested":           {About: "Programs may build sandboxes of their own inside the cage (bubblewrap, Codex, Chromium); opens much of the kernel. Role and agent must both say true."},

		"Permissions.on_narrow": {About: "What happens to a run when a change of the config forbids what a running cage cannot take back: flag shows it, stop ends the run.", Enum: []string{"flag", "stop"}},

		"PathEntry.path":   {About: "The path."},
		"PathEntry.access": {About: "How far it goes.", Enum: []string{"read", "write"}},

		"Network.allow_outbound":  {About: "Connections out may be made."},
		"Network.allowed_domains": {About: "Names such as api.example.com or *.example.com, optionally with :port; absent: every name that is not blocked."},
		"Network.blocked_ips":     {About: "Addresses and CIDRs that are never reached, checked against the resolved address."},
		"Network.allowed_ips":     {About: "Addresses and CIDRs, optionally with :port, that may be reached although they are private or local."},

		"Provider.api_key":  {About: "Reference to the key (keychain://, vault://, ${NAME}, file:///, pass://, op://, hcvault://, aws-secrets://, gcp-secrets://, azure-keyvault://, exec:); absent: the secret that is named like the provider."},
		"Provider.base_url": {About: "URL of the provider's API; required for a name other than anthropic, gemini and openai."},
		"Provider.kind":     {About: "Shape of the API; absent: by the provider's name.", Enum: KnownProviders()},
		"Provider.budget":   {About: "What all agents and the operator together may use of this provider."},
		"Provider.paths":    {About: "Paths that are passed on beside the endpoints of a conversation, such as /v1/files/* or GET /v1/batches/**: * is one name, a last ** whatever follows."},

		"Client.gateway_url": {About: "URL of the gateway: ws, wss or unix."},
		"Client.tls":         {About: "The client's certificate and what it asks of the server."},
		"Client.encryption":  {About: "The client's side of message encryption."},

		"ClientTLS.cert_file":     {About: "PEM file of the client's certificate.", Path: true},
		"ClientTLS.key_file":      {About: "PEM file of its private key.", Path: true},
		"ClientTLS.ca_file":       {About: "PEM file of the gateway's authority.", Path: true},
		"ClientTLS.verify_server": {About: "Check the gateway's certificate."},

		"ClientEncryption.enabled":          {About: "Encrypt messages."},
		"ClientEncryption.public_key_path":  {About: "PEM file of the gateway's public key.", Path: true},
		"ClientEncryption.private_key_path": {About: "PEM file of the client's private key.", Path: true},

		"Approve.confirm": {About: "When an allow on the screen asks for y once more: always; on-widen, where it reaches further than the one call that waits; never. A rule for the config is always shown first and written by y.", Enum: []string{"always", "never", "on-widen"}},

		"Screen.theme":         {About: "Colours: auto are the terminal's own, fit for dark and light alike; dark and light are the stronger of its 16 for such a background; mono has none. NO_COLOR goes before it.", Enum: []string{"auto", "dark", "light", "mono"}},
		"Screen.glyphs":        {About: "Marks beside words: unicode, or ascii alone. openclaw tui --ascii goes before it.", Enum: []string{"unicode", "ascii"}},
		"Screen.filters":       {About: "Lines of the screen's filter, by a name: with mine: agent:coder -state:closed, @mine in a filter stands for that."},
		"Screen.keys":          {About: "Keys of actions, by the action's name: asks.allow: f5, or a list of keys. openclaw tui --keys lists the actions."},
		"Screen.mouse":         {About: "A click selects and the wheel scrolls; most terminals select text with Shift held then, and M in the screen switches it off."},
		"Screen.notifications": {About: "While a screen is open, the desktop says that an agent asks, where it shows notifications; never for what."},
		"Screen.bell":          {About: "The terminal's bell rings when a request is held, at most once in ten seconds."},

		"Logging.level":              {About: "Lowest level that is written.", Enum: []string{"debug", "info", "warn", "error"}},
		"Logging.format":             {About: "Form of a line.", Enum: []string{"json", "text"}},
		"Logging.redact_patterns":    {About: "Regular expressions (RE2) added to the built-in redaction rules."},
		"Logging.redact_replacement": {About: "What stands in place of what was redacted."},

		"DataRetention.messages": {About: "Messages."},
		"DataRetention.logs":     {About: "Log files."},
		"DataRetention.sessions": {About: "Sessions."},

		"MessageRetention.enabled":               {About: "Remove old messages."},
		"MessageRetention.retention_days":        {About: "Days that messages are kept.", Min: 1, Max: 10 * maxDays},
		"MessageRetention.archive_before_delete": {About: "Archive messages before they are removed."},
		"MessageRetention.archive_path":          {About: "Folder of the archives.", Path: true},
		"LogRetention.enabled":                   {About: "Remove old log files."},
		"LogRetention.retention_days":            {About: "Days that log files are kept.", Min: 1, Max: 10 * maxDays},
		"LogRetention.compress_after_days":       {About: "Days after which a log file is compressed.", Max: 10 * maxDays},
		"SessionRetention.enabled":               {About: "Remove old sessions."},
		"SessionRetention.retention_days":        {About: "Days that sessions are kept.", Min: 1, Max: 10 * maxDays},
		"SessionRetention.cleanup_interval":      {About: "Seconds between two cleanings.", Min: 60, Max: year * 86400},

		"Audit.enabled":    {About: "Keep an audit log."},
		"Audit.log_path":   {About: "File of the audit log; default logs/audit.log in the state folder.", Path: true},
		"Audit.log_format": {About: "Form of a record.", Enum: []string{"json"}},
		"Audit.events":     {About: "Kinds of event that are recorded.", Enum: auditEvents()},

		"Monitoring.alerts":     {About: "Alert rules."},
		"Monitoring.prometheus": {About: "The metrics endpoint."},

		"Alert.name":         {About: "Name of the rule."},
		"Alert.condition":    {About: "When it fires, such as: authentication_failed > 5 in 5m."},
		"Alert.severity":     {About: "How grave it is.", Enum: []string{"low", "medium", "high", "critical"}},
		"Alert.notification": {About: "Who is told: a list of mappings such as email: someone@example.com."},

		"Prometheus.enabled": {About: "Serve metrics."},
		"Prometheus.port":    {About: "TCP port of the metrics endpoint.", Min: 1, Max: 65535},
		"Prometheus.metrics": {About: "Names of the metrics that are served; absent: all."},

		"Backup.enabled":        {About: "Make backups by schedule."},
		"Backup.schedule":       {About: "When: five cron fields, minute hour day month weekday."},
		"Backup.retention_days": {About: "Days that backups are kept.", Min: 1, Max: 10 * maxDays},
		"Backup.encryption":     {About: "Encrypt backups."},
		"Backup.destinations":   {About: "Where backups go."},

		"BackupDestination.type":       {About: "Kind of place.", Enum: []string{"local", "s3"}},
		"BackupDestination.path":       {About: "Folder of a local destination.", Path: true},
		"BackupDestination.bucket":     {About: "Bucket of an s3 destination."},
		"BackupDestination.region":     {About: "Region of the bucket."},
		"BackupDestination.encryption": {About: "Encryption that the bucket applies.", Enum: []string{"AES256", "aws:kms"}},
	}
}

func classes() []string { return []string{"path.read", "path.write", "net", "exec"} }

// auditEvents are the kinds of event that a config may choose.
func auditEvents() []string {
	return []string{
		"authentication", "authorization", "config_change", "agent_create", "agent_delete",
		"file_access", "command_execution", "api_call",
	}
}
