package configs

import (
	"errors"
	"net/mail"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func (v *validator) logging() {
	l := v.config().Logging
	for i, pattern := range l.RedactPatterns {
		key := itemKey("logging.redact_patterns", i)
		compiled, err := regexp.Compile("(?i)" + pattern)
		switch {
		case len(pattern) > 1000:
			v.fail(key, "", "is longer than 1000 characters")
		case err != nil:
			v.fail(key, "Go's RE2 has no look-around and no back-references", "is not a regular expression")
		case compiled.MatchString(""):
			v.fail(key, "", "matches the empty text, so it would redact everything")
		}
	}
	if len(l.RedactReplacement) > 100 || strings.ContainsAny(l.RedactReplacement, "\n\r\"\\") {
		v.fail("logging.redact_replacement", "", "must be at most 100 characters without quotes, backslashes and line ends")
	}
	retention := v.config().DataRetention
	if retention.Logs.CompressAfterDays > retention.Logs.RetentionDays {
		v.warn("data_retention.logs.compress_after_days", "", "log files are removed before they would be compressed")
	}
	audit := v.config().Audit
	if !audit.Enabled {
		v.warn("audit.enabled", "write true", "no audit log is kept")
	} else if len(audit.Events) == 0 {
		v.warn("audit.events", "remove the key to record all events", "no event is recorded")
	}
	seen := map[string]bool{}
	for i, event := range audit.Events {
		if seen[event] {
			v.warn(itemKey("audit.events", i), "", "%s is written twice", event)
		}
		seen[event] = true
	}
	if filepath.Clean(audit.LogPath) == filepath.Clean(v.snapshot.options.Layout.GatewayLog()) {
		v.fail("audit.log_path", "", "is the gateway's own log")
	}
}

func (v *validator) monitoring() {
	seen := map[string]bool{}
	for i, alert := range v.config().Monitoring.Alerts {
		key := itemKey("monitoring.alerts", i)
		switch {
		case alert.Name == "":
			v.fail(key, "", "needs a name")
		case seen[alert.Name]:
			v.fail(childKey(key, "name"), "", "another alert has this name")
		}
		seen[alert.Name] = true
		if strings.TrimSpace(alert.Condition) == "" {
			v.fail(key, "such as: authentication_failed > 5 in 5m", "needs a condition")
		}
		for j, notification := range alert.Notification {
			v.notification(itemKey(childKey(key, "notification"), j), notification)
		}
	}
	prometheus := v.config().Monitoring.Prometheus
	if prometheus.Enabled && prometheus.Port == v.config().Gateway.Port {
		v.fail("monitoring.prometheus.port", "", "is the gateway's own port")
	}
}

func (v *validator) notification(key string, targets map[string]string) {
	ways := []string{"email", "slack", "pagerduty", "webhook"}
	if len(targets) == 0 {
		v.fail(key, "write email: someone@example.com", "names nobody")
	}
	for way, target := range targets {
		switch way {
		case "email":
			if _, err := mail.ParseAddress(target); err != nil {
				v.fail(childKey(key, way), "", "%s is not an e-mail address", quote(target))
			}
		case "slack", "pagerduty", "webhook":
			if strings.TrimSpace(target) == "" {
				v.fail(childKey(key, way), "", "is empty")
			}
		default:
			v.fail(childKey(key, way), "known are "+strings.Join(ways, ", "), "is not a way to notify%s", didYouMean(way, ways))
		}
	}
}

func (v *validator) backup() {
	b := v.config().Backup
	if err := checkSchedule(b.Schedule); err != nil {
		v.fail("backup.schedule", `write five fields, such as "0 2 * * *"`, "%v", err)
	}
	for i, destination := range b.Destinations {
		key := itemKey("backup.destinations", i)
		switch destination.Type {
		case "local":
			if destination.Path == "" {
				v.fail(key, "", "a local destination needs path")
			}
		case "s3":
			if destination.Bucket == "" {
				v.fail(key, "", "an s3 destination needs bucket")
			}
		case "":
			v.fail(key, "write type: local or type: s3", "needs a type")
		}
	}
	if b.Enabled && len(b.Destinations) == 0 {
		v.fail("backup", "write destinations", "is enabled and has no destination")
	}
}

// checkSchedule checks five cron fields: numbers, *, ranges, steps and lists.
func checkSchedule(text string) error {
	parts := strings.Fields(text)
	if len(parts) != 5 {
		return errors.New("has " + strconv.Itoa(len(parts)) + " fields")
	}
	for i, bounds := range [5][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}} {
		for item := range strings.SplitSeq(parts[i], ",") {
			if !cronItem(item, bounds[0], bounds[1]) {
				return errors.New("field " + strconv.Itoa(i+1) + " is not a number from " +
					strconv.Itoa(bounds[0]) + " to " + strconv.Itoa(bounds[1]) + ", a range, a step or *")
			}
		}
	}
	return nil
}

func cronItem(item string, low, high int) bool {
	span, step, hasStep := strings.Cut(item, "/")
	if n, err := strconv.Atoi(step); hasStep && (err != nil || n < 1 || n > high) {
		return false
	}
	if span == "*" {
		return true
	}
	from, to, hasTo := strings.Cut(span, "-")
	first, err := strconv.Atoi(from)
	if err != nil || first < low || first > high {
		return false
	}
	if !hasTo {
		return true
	}
	last, err := strconv.Atoi(to)
	return err == nil && last >= first && last <= high
}
