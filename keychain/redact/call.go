package redact

// calls take a password or a key by its place: after a user's name, a text to sign.
var calls = [...]string{
	"basicauth(", ".login(", "getconnection(", "auth=(", "auth=[", "auth: [", "credentials(", "jwt.sign(", "jwt.verify(", "jwt.encode(", "jwt.decode(", "createhmac(",
	"createcipheriv(", "hmac.new(", "createclient(", "cookiesession(", "cookieparser(", "setbasicauth(", "plainauth(", "mysqli(",
}

// called finds what stands in quotes among the arguments that begin at p and looks
// random, or as people choose a password.
func called(text []byte, p int) (span, bool) {
	from := p
	text = text[:min(len(text), p+commandReach)]
	for p < len(text) && text[p] != ';' {
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
