package configs

import (
	"regexp"
	"strings"
)

// Masking here is for differences of a file that may not even parse. It errs on
// the side of bullets: a masked path costs a look into the file, a shown key
// costs the key.

var (
	secretKey = regexp.MustCompile(
		`(?i)(["']?[a-z0-9_-]*(?:api[_-]?key|token|secret|password|passphrase|private[_-]?key)["']?\s*[:=]\s*)("[^"]*"?|'[^']*'?|[^\s,}#][^,}#]*)`)
	secretShape = regexp.MustCompile(
		`\b(?:sk|pk|rk|ocg|oca|hf|npm|gh[pousr]|glpat|xox[abeprs])[-_][A-Za-z0-9_-]{8,}|\bAKIA[A-Z0-9]{12,}|\bAIza[A-Za-z0-9_-]{20,}|\beyJ[A-Za-z0-9_-]{16,}[A-Za-z0-9_.-]*`)
	longWord = regexp.MustCompile(`[A-Za-z0-9+/_=-]{28,}`)
	hexWord  = regexp.MustCompile(`^[0-9A-Fa-f]{32,}$`)
	urlLogin = regexp.MustCompile(`(://[^\s/:@]*:)([^\s/@]+)(@)`)
	settings = regexp.MustCompile(`^["']?(?:token_rotation|audit|redact_patterns)["']?\s*[:=]`)
)

// maskText replaces what looks like a secret by bullets.
func maskText(text string) string {
	text = urlLogin.ReplaceAllString(text, "${1}"+mask+"${3}")
	text = secretShape.ReplaceAllString(text, mask)
	return longWord.ReplaceAllStringFunc(text, func(word string) string {
		if hexWord.MatchString(word) || random(word) {
			return mask
		}
		return word
	})
}

// random reports whether a long word mixes small letters, capitals and digits
// as a generated key does, and is not a path.
func random(word string) bool {
	if strings.Contains(word, "/") && !strings.ContainsAny(word, "+=") {
		return false
	}
	return strings.ContainsAny(word, "abcdefghijklmnopqrstuvwxyz") &&
		strings.ContainsAny(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") &&
		strings.ContainsAny(word, "0123456789")
}

// maskLine masks one line of a config: the values of keys that hold secrets,
// and whatever looks like one elsewhere, comments included.
func maskLine(line string) string {
	line = secretKey.ReplaceAllStringFunc(line, func(match string) string {
		parts := secretKey.FindStringSubmatch(match)
		if settings.MatchString(match) {
			return match
		}
		value := strings.TrimRight(parts[2], " \t\r")
		bare := strings.Trim(value, `"'`)
		if reference := Reference(bare); bare == "" || !reference.Literal() {
			if _, _, err := reference.Parse(); err == nil {
				return match
			}
		}
		return parts[1] + mask + parts[2][len(value):]
	})
	return maskText(line)
}

// maskLines masks the lines of a text. A block value (`api_key: |`) is masked to
// its end, and known literals are masked wherever they stand.
func maskLines(lines []string, known []string) []string {
	masked := make([]string, len(lines))
	block := -1 // indentation of the key whose block value is being masked
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if block >= 0 && (strings.TrimSpace(line) == "" || indent > block) {
			if strings.TrimSpace(line) != "" {
				line = line[:indent] + mask
			}
			masked[i] = line
			continue
		}
		block = -1
		if m := secretKey.FindStringSubmatch(line); m != nil && strings.ContainsAny(m[2][:1], "|>\"'&") {
			// A quote that stays open, or an anchor, goes on in the next lines too.
			if open := m[2][0]; (open != '"' && open != '\'') || strings.Count(m[2], string(open))%2 == 1 {
				block = indent
			}
		}
		for _, secret := range known {
			line = strings.ReplaceAll(line, secret, mask)
		}
		masked[i] = maskLine(line)
	}
	return masked
}

// literals lists the values in the clear of a config's secret fields.
func literals(c *Config) []string {
	var found []string
	add := func(r Reference) {
		if secret := r.literal(); secret != "" {
			found = append(found, secret)
			for line := range strings.Lines(secret) {
				if line = strings.TrimSpace(line); len(line) >= 6 {
					found = append(found, line)
				}
			}
		}
	}
	add(c.Gateway.Token)
	for _, p := range c.Providers {
		add(p.APIKey)
	}
	return found
}
