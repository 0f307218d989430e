package redact

// token is the shape of one issuer's keys: a literal, then at least min bytes
// of an alphabet.
type token struct {
	prefix   string
	alphabet uint16
	min      int
	max      int  // 0: no limit; a longer run is something else
	digit    bool // at least one digit after the prefix
	solid    int  // at least one stretch of this many letters and digits
	keep     bool // the prefix is not secret and stays: a URL
}

// tokens are the shapes in use in 2026. A minimum is lower than the real
// length where the prefix alone says enough, so that a key that was cut short
// by a log's own limit is found.
var tokens = []token{
	// Model providers.
	{prefix: "sk-ant-", alphabet: wordDash, min: 8},
	{prefix: "sk-proj-", alphabet: wordDash, min: 8},
	{prefix: "sk-svcacct-", alphabet: wordDash, min: 8},
	{prefix: "sk-admin-", alphabet: wordDash, min: 8},
	{prefix: "sk-or-v1-", alphabet: alphanumeric, min: 8},
	{prefix: "sk-", alphabet: wordDash, min: 20, digit: true, solid: 16},
	{prefix: "AIza", alphabet: wordDash, min: 30, max: 60},
	{prefix: "AQ.Ab", alphabet: wordDash, min: 25},
	{prefix: "ya29.", alphabet: identifier, min: 20},
	{prefix: "GOCSPX-", alphabet: wordDash, min: 20},
	{prefix: "hf_", alphabet: alphanumeric, min: 30, max: 60},
	{prefix: "gsk_", alphabet: alphanumeric, min: 40},
	{prefix: "xai-", alphabet: alphanumeric, min: 40},
	{prefix: "pplx-", alphabet: alphanumeric, min: 40},
	{prefix: "r8_", alphabet: alphanumeric, min: 30, max: 60},
	{prefix: "nvapi-", alphabet: wordDash, min: 40},
	{prefix: "tvly-", alphabet: wordDash, min: 20, digit: true},
	{prefix: "fw_", alphabet: alphanumeric, min: 22, max: 40, digit: true},

	// Code and packages.
	{prefix: "ghp_", alphabet: alphanumeric, min: 20},
	{prefix: "gho_", alphabet: alphanumeric, min: 20},
	{prefix: "ghu_", alphabet: alphanumeric, min: 20},
	{prefix: "ghr_", alphabet: alphanumeric, min: 20},
	{prefix: "ghs_", alphabet: identifier, min: 20},
	{prefix: "github_pat_", alphabet: word, min: 20},
	{prefix: "glpat-", alphabet: identifier, min: 16},
	{prefix: "glptt-", alphabet: wordDash, min: 20},
	{prefix: "gldt-", alphabet: wordDash, min: 16, digit: true},
	{prefix: "glrt-", alphabet: identifier, min: 16, digit: true},
	{prefix: "glcbt-", alphabet: wordDash, min: 16},
	{prefix: "glsoat-", alphabet: wordDash, min: 16},
	{prefix: "npm_", alphabet: alphanumeric, min: 36, max: 36},
	{prefix: "pypi-AgE", alphabet: wordDash, min: 40},
	{prefix: "dckr_pat_", alphabet: wordDash, min: 20},
	{prefix: "dckr_oat_", alphabet: wordDash, min: 20},

	// Chat, mail, work.
	{prefix: "xoxb-", alphabet: wordDash, min: 10, digit: true},
	{prefix: "xoxp-", alphabet: wordDash, min: 10, digit: true},
	{prefix: "xoxa-", alphabet: wordDash, min: 10, digit: true},
	{prefix: "xoxr-", alphabet: wordDash, min: 10, digit: true},
	{prefix: "xoxs-", alphabet: wordDash, min: 10, digit: true},
	{prefix: "xoxe-", alphabet: wordDash, min: 10, digit: true},
	{prefix: "xapp-", alphabet: wordDash, min: 10, digit: true},
	{prefix: "hooks.slack.com/services/", alphabet: alphanumeric | slash, min: 20, keep: true},
	{prefix: "discord.com/api/webhooks/", alphabet: wordDash | slash, min: 40, keep: true},
	{prefix: "SG.", alphabet: identifier, min: 50},
	{prefix: "lin_api_", alphabet: alphanumeric, min: 32},
	{prefix: "ntn_", alphabet: alphanumeric, min: 40},
	{prefix: "shpat_", alphabet: hexadecimal, min: 32},
	{prefix: "shpss_", alphabet: hexadecimal, min: 32},
	{prefix: "shpca_", alphabet: hexadecimal, min: 32},
	{prefix: "shppa_", alphabet: hexadecimal, min: 32},

	// Money and clouds.
	{prefix: "sk_live_", alphabet: alphanumeric, min: 10},
	{prefix: "sk_test_", alphabet: alphanumeric, min: 16},
	{prefix: "rk_live_", alphabet: alphanumeric, min: 10},
	{prefix: "rk_test_", alphabet: alphanumeric, min: 16},
	{prefix: "whsec_", alphabet: alphanumeric | padding, min: 20},
	{prefix: "AKIA", alphabet: base32, min: 16, max: 16},
	{prefix: "ASIA", alphabet: base32, min: 16, max: 16},
	{prefix: "dop_v1_", alphabet: hexadecimal, min: 40},
	{prefix: "doo_v1_", alphabet: hexadecimal, min: 40},
	{prefix: "dor_v1_", alphabet: hexadecimal, min: 40},
	{prefix: "dapi", alphabet: hexadecimal, min: 32, max: 34},
	{prefix: "dp.pt.", alphabet: alphanumeric, min: 40},
	{prefix: "dp.st.", alphabet: identifier, min: 40},
	{prefix: "hvs.", alphabet: wordDash, min: 20},
	{prefix: "hvb.", alphabet: wordDash, min: 20},
	{prefix: "hvr.", alphabet: wordDash, min: 20},
	{prefix: "glsa_", alphabet: word, min: 38},
	{prefix: "glc_eyJ", alphabet: alphanumeric | padding, min: 40},
	{prefix: "ops_eyJ", alphabet: wordDash | padding, min: 40},
	{prefix: "AGE-SECRET-KEY-1", alphabet: upper | digit, min: 40},
	{prefix: "AGE-SECRET-KEY-PQ-1", alphabet: upper | digit, min: 40},
	{prefix: "AGE-PLUGIN-", alphabet: upper | digit | dash, min: 40},

	// Our own: gateway, agent, client, device, recovery.
	{prefix: "ocg_", alphabet: wordDash, min: 20},
	{prefix: "oca_", alphabet: wordDash, min: 20},
	{prefix: "occ_", alphabet: wordDash, min: 20},
	{prefix: "ocd_", alphabet: wordDash, min: 20},
	{prefix: "ocr_", alphabet: wordDash, min: 20},
}

// match judges a hit of the prefix at [start, end).
func (t *token) match(text []byte, start, end int) (span, bool) {
	// The automaton folds case; the prefixes mean theirs.
	if string(text[start:end]) != t.prefix || !boundary(text, start) {
		return span{}, false
	}
	stop := run(text, end, t.alphabet)
	if t.alphabet&dot != 0 {
		for stop > end && text[stop-1] == '.' { // the end of a sentence
			stop--
		}
	}
	body := text[end:stop]
	if len(body) < t.min || t.max > 0 && len(body) > t.max {
		return span{}, false
	}
	if t.max > 0 && stop < len(text) && is(text[stop], word) {
		return span{}, false // a longer word of another alphabet
	}
	if t.digit && count(body, digit) == 0 {
		return span{}, false
	}
	if t.solid > 0 && !hasSolid(body, t.solid) {
		return span{}, false
	}
	found := span{from: start, start: start, end: stop}
	if t.keep {
		found.start = end
	}
	return found, true
}

// hasSolid reports whether body has a stretch of at least n letters and
// digits, as random text has and hyphenated words have not.
func hasSolid(body []byte, n int) bool {
	for i := 0; i < len(body); {
		stop := run(body, i, alphanumeric)
		if stop-i >= n && count(body[i:stop], digit) > 0 {
			return true
		}
		i = stop + 1
	}
	return false
}

// webToken finds a JSON Web Token at "eyJ": two to five dotted parts.
func webToken(text []byte, start int) (span, bool) {
	if string(text[start:start+3]) != "eyJ" || !boundary(text, start) {
		return span{}, false
	}
	first := run(text, start, wordDash)
	if first-start < 12 {
		return span{}, false
	}
	stop, parts := first, 1
	for parts < 5 && stop < len(text) && text[stop] == '.' {
		end := run(text, stop+1, wordDash)
		if end == stop+1 && parts != 1 { // JWE has an empty second part with a shared key
			break
		}
		stop, parts = end, parts+1
	}
	if parts < 2 || stop-first < 10 && stop < len(text) {
		return span{}, false
	}
	return span{from: start, start: start, end: stop}, true
}

// telegram finds NNNNNNNNNN:AA…: the hit is ":AA" or "%3AAA".
func telegram(text []byte, start, end int) (span, bool) {
	if string(text[end-2:end]) != "AA" {
		return span{}, false
	}
	from := runBack(text, start, 11, digit)
	stop := run(text, end, wordDash)
	if n := start - from; n < 8 || n > 10 || stop-end < 30 || stop-end > 40 || !boundary(text, from) {
		return span{}, false
	}
	return span{from: from, start: from, end: stop}, true
}

// entra finds xxxNQ~…, a client secret of Microsoft Entra: the hit is "Q~".
func entra(text []byte, start, end int) (span, bool) {
	if text[start] != 'Q' || start < 4 || !is(text[start-1], digit) {
		return span{}, false
	}
	from := start - 4
	stop := run(text, end, identifier|tilde)
	if run(text[:start], from, identifier|tilde) != start || stop-end < 31 || stop-end > 36 || !boundary(text, from) {
		return span{}, false
	}
	return span{from: from, start: from, end: stop}, true
}
