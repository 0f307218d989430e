package configs

// unbuilt is a setting that is understood and checked and that nothing acts on.
// Whoever builds the feature deletes the row.
type unbuilt struct {
	Key    string
	What   string // the feature, as the subject of a sentence
	Hint   string
	Refuse bool // it would be unsafe to go on without it: a gateway does not start
	Always bool // said also when the file does not hold the key
	Active func(*Config) bool
}

func (u unbuilt) message() string {
	if u.Refuse {
		return u.What + " is not built yet: the gateway refuses to start with it"
	}
	return u.What + " is not built yet: it has no effect"
}

func notBuilt() []unbuilt {
	return []unbuilt{
		// Messages that the person believes to be encrypted must not go in the clear.
		{Key: "gateway.encryption.enabled", What: "message encryption", Refuse: true, Hint: "write enabled: false", Active: func(c *Config) bool { return c.Gateway.Encryption.Enabled }},
		{Key: "client.encryption.enabled", What: "the client's side of message encryption", Active: func(c *Config) bool { return c.Client.Encryption.Enabled }},
		// Nothing is removed by age.
		{Key: "data_retention.messages.enabled", What: "retention of messages", Active: func(c *Config) bool { return c.DataRetention.Messages.Enabled }},
		{Key: "data_retention.logs.enabled", What: "retention of log files", Active: func(c *Config) bool { return c.DataRetention.Logs.Enabled }},
		{Key: "data_retention.sessions.enabled", What: "retention of sessions", Active: func(c *Config) bool { return c.DataRetention.Sessions.Enabled }},
		// Nobody is told.
		{Key: "monitoring.alerts", What: "alerting", Active: func(c *Config) bool { return len(c.Monitoring.Alerts) > 0 }},
		{Key: "monitoring.prometheus.enabled", What: "the metrics endpoint", Active: func(c *Config) bool { return c.Monitoring.Prometheus.Enabled }},
		// No backup is made.
		{Key: "backup.enabled", What: "backup by schedule", Active: func(c *Config) bool { return c.Backup.Enabled }},
	}
}
