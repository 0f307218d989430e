package redact

// token is the shape of one issuer's keys: a literal, then at least min bytes
// of an alphabet.
type token struct {
	prefix   string
	alphabet uint16
	min      int
	max      int  // 0: no limit; a longer run is something else
	digit    bool // at least one digit after the prefix
	mixed    bool // letters of both cases after the prefix
	solid    int  // at least one stretch of this many letters and digits
	keep     bool // the prefix is not secret and stays: a URL
	check    check
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
	{prefix: "csk-", alphabet: lower | digit, min: 40, digit: true},
	{prefix: "lsv2_pt_", alphabet: word, min: 32},
	{prefix: "lsv2_sk_", alphabet: word, min: 32},
	{prefix: "tgp_v1_", alphabet: wordDash, min: 40},
	{prefix: "jina_", alphabet: alphanumeric, min: 50},
	{prefix: "sk_", alphabet: hexadecimal, min: 48, max: 48}, // ElevenLabs
	{prefix: "r8_", alphabet: alphanumeric, min: 30, max: 60},
	{prefix: "nvapi-", alphabet: wordDash, min: 40},
	{prefix: "tvly-", alphabet: wordDash, min: 20, digit: true},
	{prefix: "fw_", alphabet: alphanumeric, min: 22, max: 40, mixed: true},

	// Code and packages.
	{prefix: "ghp_", alphabet: alphanumeric, min: 20, check: checkGitHub},
	{prefix: "gho_", alphabet: alphanumeric, min: 20, check: checkGitHub},
	{prefix: "ghu_", alphabet: alphanumeric, min: 20, check: checkGitHub},
	{prefix: "ghr_", alphabet: alphanumeric, min: 20, check: checkGitHub},
	{prefix: "ghs_", alphabet: identifier, min: 20, check: checkGitHub},
	{prefix: "github_pat_", alphabet: word, min: 20},
	{prefix: "glpat-", alphabet: identifier, min: 16},
	{prefix: "glptt-", alphabet: wordDash, min: 20},
	{prefix: "gldt-", alphabet: wordDash, min: 16, digit: true},
	{prefix: "glrt-", alphabet: identifier, min: 16, digit: true},
	{prefix: "glcbt-", alphabet: wordDash, min: 16},
	{prefix: "glsoat-", alphabet: wordDash, min: 16},
	{prefix: "glft-", alphabet: wordDash, min: 16, digit: true},
	{prefix: "glimt-", alphabet: wordDash, min: 16, digit: true},
	{prefix: "glagent-", alphabet: wordDash, min: 16, digit: true},
	{prefix: "gloas-", alphabet: wordDash, min: 20},
	{prefix: "rubygems_", alphabet: hexadecimal, min: 40},
	{prefix: "sgp_", alphabet: word, min: 40},
	{prefix: "bkua_", alphabet: hexadecimal, min: 40},
	{prefix: "CCIPAT_", alphabet: word, min: 40},
	{prefix: "ATATT3", alphabet: wordDash | padding, min: 60},
	{prefix: "ATCTT3", alphabet: wordDash | padding, min: 60},
	{prefix: "ATBB", alphabet: alphanumeric, min: 32, max: 40, digit: true},
	{prefix: "PMAK-", alphabet: wordDash, min: 40},
	{prefix: "npm_", alphabet: alphanumeric, min: 36, max: 36, check: checkGitHub},
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
	{prefix: "xoxc-", alphabet: wordDash, min: 10, digit: true},
	{prefix: "xoxd-", alphabet: wordDash | padding, min: 20, digit: true},
	{prefix: "xapp-", alphabet: wordDash, min: 10, digit: true},
	{prefix: "hooks.slack.com/services/", alphabet: wordDash | slash, min: 20, keep: true},
	{prefix: "discord.com/api/webhooks/", alphabet: wordDash | slash, min: 40, keep: true},
	{prefix: "hooks.slack.com%2Fservices%2F", alphabet: alphanumeric | slash, min: 20, keep: true},
	{prefix: "discord.com%2Fapi%2Fwebhooks%2F", alphabet: wordDash | slash, min: 40, keep: true},
	{prefix: "hooks.slack.com%252Fservices%252F", alphabet: alphanumeric | slash, min: 20, keep: true},
	{prefix: "discord.com%252Fapi%252Fwebhooks%252F", alphabet: wordDash | slash, min: 40, keep: true},
	{prefix: "SG.", alphabet: identifier, min: 50},
	{prefix: "key-", alphabet: hexadecimal, min: 32, max: 32},
	{prefix: "xkeysib-", alphabet: wordDash, min: 40},
	{prefix: "figd_", alphabet: wordDash, min: 30},
	{prefix: "secret_", alphabet: alphanumeric, min: 43, max: 43, digit: true},
	{prefix: "pat-na1-", alphabet: hexadecimal | dash, min: 32},
	{prefix: "pat-eu1-", alphabet: hexadecimal | dash, min: 32},
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
	{prefix: "sk_prod_", alphabet: alphanumeric, min: 16},
	{prefix: "sq0csp-", alphabet: wordDash, min: 30},
	{prefix: "sq0atp-", alphabet: wordDash, min: 20},
	{prefix: "EAAA", alphabet: wordDash, min: 56, digit: true},
	{prefix: "shippo_live_", alphabet: hexadecimal, min: 32},
	{prefix: "whsec_", alphabet: alphanumeric | padding, min: 20},
	{prefix: "AKIA", alphabet: base32, min: 16, max: 16},
	{prefix: "ASIA", alphabet: base32, min: 16, max: 16},
	{prefix: "ABIA", alphabet: base32, min: 16, max: 16},
	{prefix: "ACCA", alphabet: base32, min: 16, max: 16},
	{prefix: "LTAI", alphabet: alphanumeric, min: 20, max: 26, digit: true},
	{prefix: "sbp_", alphabet: hexadecimal, min: 40},
	{prefix: "pul-", alphabet: hexadecimal, min: 40},
	{prefix: "tskey-", alphabet: wordDash, min: 24, digit: true},
	{prefix: "cfut_", alphabet: wordDash, min: 36},
	{prefix: "nfp_", alphabet: alphanumeric, min: 36},
	{prefix: "vck_", alphabet: alphanumeric, min: 40},
	{prefix: "pscale_tkn_", alphabet: identifier, min: 32},
	{prefix: "pscale_pw_", alphabet: identifier, min: 32},
	{prefix: "NRAK-", alphabet: upper | digit, min: 27},
	{prefix: "sntrys_eyJ", alphabet: wordDash | padding, min: 40},
	{prefix: "phx_", alphabet: alphanumeric, min: 40},
	{prefix: "dop_v1_", alphabet: hexadecimal, min: 40},
	{prefix: "doo_v1_", alphabet: hexadecimal, min: 40},
	{prefix: "dor_v1_", alphabet: hexadecimal, min: 40},
	{prefix: "dapi", alphabet: hexadecimal, min: 32, max: 34},
	{prefix: "dp.pt.", alphabet: alphanumeric, min: 40},
	{prefix: "dp.st.", alphabet: identifier, min: 40},
	{prefix: "hvs.", alphabet: wordDash, min: 20},
	{prefix: "hvb.", alphabet: wordDash, min: 20},
	{prefix: "hvr.", alphabet: wordDash, min: 20},
	{prefix: "glsa_", alphabet: word, min: 38, check: checkGrafana},
	{prefix: "glc_eyJ", alphabet: alphanumeric | padding, min: 40},
	{prefix: "ops_eyJ", alphabet: wordDash | padding, min: 40},
	{prefix: "AGE-SECRET-KEY-1", alphabet: upper | digit, min: 40},
	{prefix: "AGE-SECRET-KEY-PQ-1", alphabet: upper | digit, min: 40},
	{prefix: "AGE-PLUGIN-", alphabet: upper | digit | dash, min: 40},

	// More of 2026, by their issuers' documents: vector stores, hosting, builds,
	// forms, reports, money. Keys whose prefix alone says little have a length.
	{prefix: "pcsk_", alphabet: word, min: 40},
	{prefix: "crsr_", alphabet: hexadecimal, min: 40},
	{prefix: "key_", alphabet: hexadecimal, min: 64, max: 64},
	{prefix: "sk_car_", alphabet: alphanumeric, min: 20},
	{prefix: "fc-", alphabet: hexadecimal, min: 32, max: 32, digit: true},
	{prefix: "e2b_", alphabet: hexadecimal, min: 40},
	{prefix: "bb_live_", alphabet: wordDash, min: 20},
	{prefix: "rpa_", alphabet: upper | digit, min: 40},
	{prefix: "apify_api_", alphabet: alphanumeric, min: 30},
	{prefix: "wandb_v1_", alphabet: word, min: 40},
	{prefix: "api_org_", alphabet: alphanumeric, min: 30},
	{prefix: "signkey-prod-", alphabet: hexadecimal, min: 32},
	{prefix: "signkey-test-", alphabet: hexadecimal, min: 32},
	{prefix: "sb_secret_", alphabet: wordDash, min: 20},
	{prefix: "napi_", alphabet: alphanumeric, min: 40, digit: true},
	{prefix: "rnd_", alphabet: alphanumeric, min: 28, max: 40, digit: true, mixed: true},
	{prefix: "re_", alphabet: word, min: 24, max: 40, digit: true, mixed: true},
	{prefix: "HRKU-", alphabet: wordDash, min: 30},
	{prefix: "fm1_", alphabet: alphanumeric | padding, min: 60},
	{prefix: "fm2_", alphabet: alphanumeric | padding, min: 60},
	{prefix: "fo1_", alphabet: wordDash, min: 40},
	{prefix: "tr_dev_", alphabet: alphanumeric, min: 18},
	{prefix: "tr_prod_", alphabet: alphanumeric, min: 18},
	{prefix: "squ_", alphabet: hexadecimal, min: 40},
	{prefix: "sqp_", alphabet: hexadecimal, min: 40},
	{prefix: "sqa_", alphabet: hexadecimal, min: 40},
	{prefix: "AKCp", alphabet: alphanumeric, min: 60},
	{prefix: "oy2", alphabet: lower | digit, min: 43, max: 43, digit: true},
	{prefix: "CLOJARS_", alphabet: hexadecimal, min: 60},
	{prefix: "sntryu_", alphabet: hexadecimal, min: 60},
	{prefix: "NRJS-", alphabet: hexadecimal, min: 19},
	{prefix: "NRII-", alphabet: wordDash, min: 32},
	{prefix: "dt0c01.", alphabet: upper | digit | dot, min: 40},
	{prefix: "dt0s01.", alphabet: upper | digit | dot, min: 40},
	{prefix: "dt0s16.", alphabet: upper | digit | dot, min: 40},
	{prefix: "hcaik_", alphabet: lower | digit, min: 50},
	{prefix: "xaat-", alphabet: hexadecimal | dash, min: 36},
	{prefix: "xapt-", alphabet: hexadecimal | dash, min: 36},
	{prefix: "pnu_", alphabet: alphanumeric, min: 36},
	{prefix: "tfp_", alphabet: wordDash, min: 40},
	{prefix: "CFPAT-", alphabet: wordDash, min: 40},
	{prefix: "lin_oauth_", alphabet: alphanumeric, min: 32},
	{prefix: "rdme_", alphabet: lower | digit, min: 60},
	{prefix: "sl.", alphabet: wordDash, min: 60, digit: true, mixed: true},
	{prefix: "fio-u-", alphabet: wordDash, min: 50},
	{prefix: "p8e-", alphabet: lower | digit, min: 32, max: 32},
	{prefix: "access-sandbox-", alphabet: hexadecimal | dash, min: 36},
	{prefix: "access-development-", alphabet: hexadecimal | dash, min: 36},
	{prefix: "access-production-", alphabet: hexadecimal | dash, min: 36},
	{prefix: "rzp_live_", alphabet: alphanumeric, min: 14},
	{prefix: "rzp_test_", alphabet: alphanumeric, min: 14},
	{prefix: "FLWSECK-", alphabet: wordDash, min: 30},
	{prefix: "FLWSECK_TEST-", alphabet: wordDash, min: 30},
	{prefix: "cal_live_", alphabet: hexadecimal, min: 32},
	{prefix: "shpua_", alphabet: hexadecimal, min: 32},
	{prefix: "glffct-", alphabet: wordDash, min: 16, digit: true},
	{prefix: "glwt-", alphabet: wordDash, min: 16, digit: true},
	{prefix: "dp.ct.", alphabet: alphanumeric, min: 40},
	{prefix: "dp.sa.", alphabet: alphanumeric, min: 40},
	{prefix: "dp.scim.", alphabet: alphanumeric, min: 40},
	{prefix: "1%2F%2F0", alphabet: wordDash, min: 40, digit: true},
	{prefix: "1//0", alphabet: wordDash, min: 40, digit: true},
	{prefix: "zpka_", alphabet: word, min: 32, digit: true},
	{prefix: "depot_org_", alphabet: hexadecimal, min: 40},
	{prefix: "EZAK", alphabet: alphanumeric, min: 54, max: 54},
	{prefix: "EAA", alphabet: alphanumeric, min: 80, digit: true, mixed: true},
	{prefix: "SK", alphabet: hexadecimal, min: 32, max: 32, digit: true},
	{prefix: "xprv", alphabet: alphanumeric, min: 90},
	{prefix: "yprv", alphabet: alphanumeric, min: 90},
	{prefix: "zprv", alphabet: alphanumeric, min: 90},
	{prefix: "nsec1", alphabet: lower | digit, min: 58, max: 58},

	// Our own: gateway, agent, client, device, recovery.
	{prefix: "ocg_", alphabet: wordDash, min: 20, check: checkOwn},
	{prefix: "oca_", alphabet: wordDash, min: 20, check: checkOwn},
	{prefix: "occ_", alphabet: wordDash, min: 20, check: checkOwn},
	{prefix: "ocd_", alphabet: wordDash, min: 20, check: checkOwn},
	{prefix: "ocr_", alphabet: wordDash, min: 20, check: checkOwn},
}

// match judges a hit of the prefix at [start, end).
func (t *token) match(text []byte, start, end int, past *runs) (span, bool) {
	// The automaton folds case; the prefixes mean theirs.
	if string(text[start:end]) != t.prefix {
		return span{}, false
	}
	if found, ok := t.checked(text, start, end); ok {
		return found, true
	}
	if !boundary(text, start) {
		return span{}, false
	}
	stop := past.run(text, end, t.alphabet)
	if t.alphabet&(padding|slash) != 0 {
		stop = runEscaped(text, stop, t.alphabet)
	}
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
	body = body[:min(len(body), decides)]
	if isFiller(body) {
		return span{}, false
	}
	if t.digit && count(body, digit) == 0 {
		return span{}, false
	}
	if t.mixed && (count(body, lower) == 0 || count(body, upper) == 0) {
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

// decides is how much of a long run says whether it is a token.
const decides = 256

// isFiller: xxxxxxxx, as in an example; a random key has more than three
// different bytes.
func isFiller(body []byte) bool {
	if len(body) < 16 {
		return false
	}
	var seen [256]bool
	different := 0
	for _, c := range body {
		if !seen[c] {
			if seen[c] = true; different == 3 {
				return false
			}
			different++
		}
	}
	return true
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
	stop := run(text[:min(len(text), end+41)], end, wordDash)
	if n := start - from; n < 8 || n > 10 || stop-end < 30 || stop-end > 40 || !boundary(text, from) && !hasPrefix(text, from-3, "bot") {
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
	stop := run(text[:min(len(text), end+37)], end, identifier|tilde)
	if run(text[:start], from, identifier|tilde) != start || stop-end < 31 || stop-end > 36 || !boundary(text, from) {
		return span{}, false
	}
	return span{from: from, start: from, end: stop}, true
}
