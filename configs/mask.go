package configs

import (
	"strings"
)

// Masking here is for differences of a file that may not even parse. It errs on
// the side of bullets: a masked path costs a look into the file, a shown key
// costs the key.

var (
	secretKey   = form(`(?i)[a-z0-9_-]*(?:api[_-]?key|token|secret|password|passphrase|private[_-]?key)["']?\s*[:=]\s*`)
	secretShape = form(
		`\b(?:sk|pk|rk|ocg|oca|hf|npm|gh[pousr]|glpat|xox[abeprs])[-_][A-Za-z0-9_-]{8,}|\bAKIA[A-Z0-9]{12,}|\bAIza[A-Za-z0-9_-]{20,}|\beyJ[A-Za-z0-9_-]{16,}[A-Za-z0-9_.-]*`)
	longWord = form(`[A-Za-z0-9+/_=-]{28,}`)
	hexWord  = form(`^[0-9A-Fa-f]{32,}$`)
	urlLogin = form(`(://[^\s/:@]*:)([^\s/@]+)(@)`)
)

// maskText replaces what looks like a secret by bullets.
func maskText(text string) string {
	text = urlLogin().ReplaceAllString(text, "${1}"+mask+"${3}")
	text = secretShape().ReplaceAllString(text, mask)
	return longWord().ReplaceAllStringFunc(text, func(word string) string {
		if hexWord().MatchString(word) || random(word) {
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
	var b strings.Builder
	for {
		at := secretKey().FindStringIndex(line)
		if at == nil {
			break
		}
		value, rest := cutValue(line[at[1]:], strings.Contains(line[:at[0]], "{"))
		b.WriteString(maskText(line[:at[0]]) + line[at[0]:at[1]])
		reference := Reference(strings.Trim(value, `"'`))
		if _, _, err := reference.Parse(); err != nil || reference.Literal() {
			value = mask
		}
		b.WriteString(value)
		line = rest
	}
	return b.String() + maskText(line)
}

// cutValue cuts a YAML value off the start of a line: to the closing quote, or
// to a comment, or inside braces to the next comma or brace.
func cutValue(text string, flow bool) (value, rest string) {
	if text == "" {
		return "", ""
	}
	if quote := text[0]; quote == '"' || quote == '\'' {
		for i := 1; i < len(text); i++ {
			if quote == '"' && text[i] == '\\' {
				i++
			} else if text[i] == quote {
				return text[:i+1], text[i+1:]
			}
		}
		return text, ""
	}
	end := len(text)
	if i := strings.Index(text, " #"); i >= 0 {
		end = i
	}
	if flow {
		skip := 0
		if strings.HasPrefix(text, "${") {
			skip = strings.IndexByte(text, '}') + 1
		}
		if i := strings.IndexAny(text[skip:end], ",}"); i >= 0 {
			end = skip + i
		}
	}
	value = strings.TrimRight(text[:end], " \t\r")
	return value, text[len(value):]
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
		if at := secretKey().FindStringIndex(line); at != nil && at[1] < len(line) && strings.ContainsAny(line[at[1]:at[1]+1], "|>\"'&") {
			// A block, a quote that stays open, or an anchor goes on in the next
			// lines.
			open := line[at[1]]
			if value, _ := cutValue(line[at[1]:], false); (open != '"' && open != '\'') || len(value) < 2 || value[len(value)-1] != open {
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
