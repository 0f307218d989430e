package redact

// calls take a password or a key by its place: after a user's name, a text to sign.
var calls = [...]string{
	"basicauth(", ".login(", "getconnection(", "auth=(", "auth=[", "auth: [", "credentials(", "jwt.sign(", "jwt.verify(", "jwt.encode(", "jwt.decode(", "createhmac(",
	"createcipheriv(", "hmac.new(", "createclient(", "cookiesession(", "cookieparser(", "setbasicauth(", "plainauth(", "mysqli(", "credentialsprovider(", "credential(", "generativeai(", "client.new(", "client.connect(", "send_keys(", "#password', ", "#password\", ", "#password').type(", "require('stripe')(", "bot.run(", "password').fill(",
}

// quotedArgument judges the text in quotes that is the first argument of a call and
// opened before p: only one that is random in letters of both cases and digits.
func quotedArgument(text []byte, p int) (span, bool) {
	stop := run(text[:min(len(text), p+200)], p, wordDash|padding)
	v := text[p:stop]
	if len(v) < 20 || stop == len(text) || text[stop] != text[p-1] || run(v, 0, hexadecimal|dash) == len(v) || !isMixed(v) || !isScattered(v) || hasWord(v) {
		return span{}, false
	}
	return span{from: p, start: p, end: stop}, true
}

// called finds what stands in quotes among the arguments that begin at p and looks
// random, or as people choose a password.
func called(text []byte, p int) (span, bool) {
	from := p
	text = text[:min(len(text), p+commandReach)]
	for p < len(text) && text[p] != ';' {
		if !is(text[p], opening) {
			p++
			continue
		}
		q, start := skipQuote(text, p)
		if q.char == 0 || q.entity {
			p++
			continue
		}
		stop := closingQuote(text, start, q)
		if v := text[start:stop]; len(v) >= 8 && stop < len(text) && (random(v) || chosen(v)) && !isPlaceholder(v) && !isReference(v) {
			return span{from: from, start: start, end: stop}, true
		}
		_, p = skipQuote(text, stop)
		p = max(p, stop+1)
	}
	return span{}, false
}
