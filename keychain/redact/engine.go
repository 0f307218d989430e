package redact

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// engine is one immutable set of rules and known values.
type engine struct {
	triggers    *triggers
	rules       []rule
	values      []pattern
	known       func() *known // compiled at its first use
	replacement string
}

// rule is what to do at a hit of a trigger's literal.
type rule struct {
	kind  ruleKind
	token token
	key   key
	value int // index of a value pattern
}

type ruleKind uint8

const (
	ruleToken ruleKind = iota
	ruleKey
	ruleArmour
	ruleURL
	ruleBearer
	ruleBasic
	ruleWebToken
	ruleTelegram
	ruleEntra
	ruleLogin
	ruleArgument
	ruleFlag    // a command's flag of one letter
	ruleInfix   // a text in the middle of a key
	ruleWebKey  // a private key as JSON
	rulePutty   // a private key of PuTTY
	ruleSource  // user:password@tcp(
	ruleSlash   // user/password@
	ruleCookies // the values of a Cookie header
	ruleKeyLog  // the secrets of TLS sessions
	ruleEcho    // what goes into a password prompt by a pipe
	ruleVerb    // a command of a protocol
	ruleThird   // the third argument of a call
	ruleHint    // a text before an argument
	ruleHook    // the path of a URL
	ruleCall    // the arguments of a call
	ruleQuoted  // the first argument of any call
	ruleSection // a name that says what its members are
	rulePattern // a text that one of the value patterns needs
)

// builtIn are the program's own rules: the same in every Masker.
var builtIn = sync.OnceValues(func() ([]string, []rule) {
	var literals []string
	var rules []rule
	add := func(literal string, r rule) {
		literals, rules = append(literals, strings.Map(lowerASCII, literal)), append(rules, r)
	}
	for _, t := range tokens {
		add(t.prefix, rule{kind: ruleToken, token: t})
	}
	for _, t := range moreTokens {
		add(t.prefix, rule{kind: ruleToken, token: t})
	}
	for _, k := range keys {
		add(k.word, rule{kind: ruleKey, key: k})
	}
	add("-----BEGIN ", rule{kind: ruleArmour})
	add("://", rule{kind: ruleURL})
	add("bearer ", rule{kind: ruleBearer})
	add("bearer%20", rule{kind: ruleBearer})
	add("bearer, ", rule{kind: ruleBearer})
	add("basic ", rule{kind: ruleBasic})
	add("basic%20", rule{kind: ruleBasic})
	add("eyJ", rule{kind: ruleWebToken})
	for _, literal := range []string{":AA", "%3AAA", "%253AAA"} {
		add(literal, rule{kind: ruleTelegram, token: token{prefix: literal}})
	}
	add("Q~", rule{kind: ruleEntra})
	add(" -u ", rule{kind: ruleLogin})
	add("--user ", rule{kind: ruleLogin})
	add("--proxy-user ", rule{kind: ruleLogin})
	for _, literal := range []string{"sshpass -p", "convertto-securestring ", "issecret=true]", "identified by '", "identified by \""} {
		add(literal, rule{kind: ruleArgument})
	}
	for i, f := range flags {
		for _, command := range f.commands {
			add(command+" ", rule{kind: ruleFlag, value: i, token: token{prefix: command}})
		}
	}
	for i, f := range infixes {
		add(f.text, rule{kind: ruleInfix, value: i})
	}
	add("kty", rule{kind: ruleWebKey})
	add("Private-Lines:", rule{kind: rulePutty})
	for _, literal := range []string{"@tcp(", "@unix(", "@tcp6(", "@/"} {
		add(literal, rule{kind: ruleSource})
	}
	add("oracle:thin:", rule{kind: ruleSlash})
	add("sqlplus ", rule{kind: ruleSlash})
	for _, literal := range []string{"cookie:", "--cookie ", " -b "} {
		add(literal, rule{kind: ruleCookies})
	}
	for _, literal := range []string{"CLIENT_RANDOM ", "TRAFFIC_SECRET_0 ", "TRAFFIC_SECRET ", "EXPORTER_SECRET "} {
		add(literal, rule{kind: ruleKeyLog})
	}
	for _, literal := range []string{"AUTH ", "LOGIN ", "PASS "} {
		add(literal, rule{kind: ruleVerb, token: token{prefix: literal}})
	}
	for _, literal := range []string{"PDO->__construct(", "mysqli->__construct(", "mysqli_connect(", "new PDO(", "new mysqli("} {
		add(literal, rule{kind: ruleThird})
	}
	for _, literal := range []string{"echo ", "printf %s ", "vault login "} {
		add(literal, rule{kind: ruleEcho, token: token{prefix: literal}})
	}
	for i, h := range hints {
		add(h.text, rule{kind: ruleHint, value: i})
	}
	add("('", rule{kind: ruleQuoted})
	add("(\"", rule{kind: ruleQuoted})
	for _, literal := range calls {
		add(literal, rule{kind: ruleCall})
	}
	for i, s := range sections {
		add(s.name, rule{kind: ruleSection, value: i})
	}
	for _, literal := range []string{"hook/", "hooks/", "/key/"} {
		add(literal, rule{kind: ruleHook})
	}
	return literals, rules
})

// lowerASCII folds as hasPrefix does.
func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r - 'A' + 'a'
	}
	return r
}

// follows reports whether a rule can accept what has c behind its literal.
func (r *rule) follows(c byte) bool {
	switch r.kind {
	case ruleToken:
		return r.token.check != checkNone || is(c, r.token.alphabet) || c == '%'
	case ruleKey, ruleSection:
		return !is(c, identifier)
	case ruleWebToken, ruleTelegram:
		return is(c, wordDash)
	case ruleQuoted:
		return is(c, wordDash|padding)
	case ruleEntra:
		return is(c, identifier|tilde)
	case ruleWebKey:
		return c == '"' || c == '\'' || c == '\\'
	case ruleInfix:
		return infixes[r.value].forward == 0 || is(c, infixes[r.value].forward)
	case ruleArmour, ruleURL, ruleBearer, ruleBasic, ruleLogin, ruleArgument, rulePattern, ruleFlag, rulePutty, ruleSource, ruleSlash, ruleCookies, ruleKeyLog, ruleEcho, ruleVerb, ruleThird, ruleHint, ruleHook, ruleCall:
	}
	return true
}

// newEngine compiles the patterns of a config on top of the built-in rules.
func newEngine(patterns []string, replacement string) (*engine, error) {
	e := &engine{replacement: replacement}
	literals, rules := builtIn()
	literals, e.rules = slices.Clone(literals), slices.Clone(rules)
	for _, text := range patterns {
		p, err := parsePattern(text)
		if err != nil {
			return nil, err
		}
		if p.value != nil {
			for _, literal := range p.literals {
				literals = append(literals, literal)
				e.rules = append(e.rules, rule{kind: rulePattern, value: len(e.values)})
			}
			e.values = append(e.values, p)
			continue
		}
		for _, w := range p.words {
			if slices.ContainsFunc(keys, func(k key) bool { return k.word == w }) {
				continue
			}
			literals = append(literals, w)
			e.rules = append(e.rules, rule{kind: ruleKey, key: key{word: w, gate: gateUser}})
		}
	}
	e.triggers = newTriggers(literals, func(index int, c byte) bool { return e.rules[index].follows(c) })
	for index, r := range e.rules {
		if r.kind == ruleKey {
			last := r.key.word[len(r.key.word)-1]
			e.triggers.ends[last] = append(e.triggers.ends[last], index)
		}
	}
	return e, nil
}

// carry is what one line leaves for the next.
type carry struct {
	armour  bool    // inside a private key
	before  int     // bytes before the body in each of its lines
	pending pending // a key's name whose value the next lines may have

	// Of the text that find has read, for who waits for more of it:
	open  int // where a value begins whose end its last line has not; its length if there is none
	began int // where the body of a private key begins that is open
}

// find appends all spans of text, sorted, and not overlapping. Text is cut
// into lines here; state carries over, so that whole texts and streams agree.
// The first skip bytes are only what stands before.
func (e *engine) find(text []byte, skip int, state *carry, spans []span) []span {
	first := len(spans)
	for at := 0; at < len(text); {
		end := len(text)
		if n := bytes.IndexByte(text[max(at, skip):], '\n'); n >= 0 {
			end = max(at, skip) + n + 1
		}
		spans = e.line(text[at:end], max(skip-at, 0), at, state, spans)
		at = end
	}
	if len(text) == 0 || text[len(text)-1] == '\n' {
		state.open = len(text)
	}
	spans = e.known().find(text[skip:], skip, spans)
	return spans[:first+merge(spans[first:])]
}

// line appends the spans of one line, of which the first skip bytes are only
// what stands before it. offset is added to positions.
func (e *engine) line(line []byte, skip, offset int, state *carry, spans []span) []span {
	state.open = offset + len(line)
	if state.armour {
		found, goesOn := armourLine(line)
		if state.before > 0 { // a log's time, a quote of mail
			found, goesOn = armourField(line, state.before)
		}
		if state.armour = goesOn; !goesOn {
			state.before = 0
		}
		if found.end > found.start {
			spans = append(spans, found.moved(offset))
		}
		if goesOn || found.end > found.start {
			return spans
		}
	}
	first := len(spans)
	past := runs{open: len(line)}
	wanted := state.pending
	if wanted.lines > 0 && skip == 0 {
		spans = e.continued(line, &wanted, &past, spans)
	}
	spans = e.scan(line, skip, state, &past, spans)
	if line[len(line)-1] == '\n' {
		if state.pending = past.name; past.name.lines == 0 {
			state.pending = wanted.left()
		}
	}
	state.open = offset + past.open
	if state.armour {
		state.began = offset + past.began
	}
	for i := range spans[first:] {
		spans[first+i] = spans[first+i].moved(offset)
	}
	for i := range e.values {
		if len(e.values[i].literals) == 0 || past.wanted[i>>6]>>(i&63)&1 != 0 {
			spans = e.values[i].find(line[skip:], offset+skip, spans)
		}
	}
	if at := bytes.IndexByte(line[skip:], 0x1b); at >= 0 {
		spans = e.uncoloured(line, skip, offset, spans)
	}
	return e.inside(line, offset, spans)
}

// scan asks the rules of the literals in line[skip:].
func (e *engine) scan(line []byte, skip int, state *carry, past *runs, spans []span) []span {
	t := e.triggers
	for i, w := t.next(line, skip); i < len(line); i, w = t.next(line, i+lookEvery) {
		list := t.hits[t.bucket[w]]
		for n := range list {
			if end, ok := list[n].matches(line, skip, i); ok {
				spans = e.judge(line, end, list[n].index, state, past, spans)
			}
		}
	}
	return spans
}

// judge asks the rule of a literal that ends at end.
func (e *engine) judge(line []byte, end, index int, state *carry, past *runs, spans []span) []span {
	r := &e.rules[index]
	var found span
	var ok bool
	switch r.kind {
	case ruleToken:
		found, ok = r.token.match(line, end-len(r.token.prefix), end, past)
	case ruleKey:
		if end+1 < past.covered {
			return spans // in a value that is replaced whole
		}
		if found, ok = keyValue(line, end-len(r.key.word), end, r.key, e.replacement, past); ok && found.end-found.start > coveredValue {
			past.covered = found.end
		}
	case rulePattern:
		past.wanted[r.value>>6] |= 1 << (r.value & 63)
		return spans
	case ruleArmour:
		var open bool
		if found, open, ok = armourStart(line, end-len("-----BEGIN "), end); ok && state != nil {
			state.armour = open
			if state.before = 0; open && len(bytes.TrimLeft(line[:end-len("-----BEGIN ")], " \t\"'`")) > 0 {
				state.before = end - len("-----BEGIN ")
			}
			past.began = found.start
		}
		if found.end == len(line) {
			past.open = min(past.open, found.start)
		}
		ok = ok && len(bytes.TrimSpace(line[found.start:found.end])) > 0
	case ruleURL:
		found, ok = userInfo(line, end)
	case ruleBearer:
		found, ok = bearer(line, end, e.replacement)
	case ruleBasic:
		found, ok = basic(line, end)
	case ruleWebToken:
		found, ok = webToken(line, end-3)
	case ruleTelegram:
		found, ok = telegram(line, end-len(r.token.prefix), end)
	case ruleLogin:
		found, ok = login(line, end)
	case ruleArgument:
		found, ok = argument(line, end)
	case ruleEntra:
		found, ok = entra(line, end-2, end)
	case ruleFlag:
		found, ok = commandValue(line, end, r.token.prefix, &flags[r.value])
	case ruleInfix:
		found, ok = infixes[r.value].match(line, end-len(infixes[r.value].text), end, past)
	case ruleWebKey:
		return webKey(line, end, past, spans)
	case rulePutty:
		found, ok = puttyKey(line, end, state, past)
	case ruleSource:
		found, ok = sourceName(line, end)
	case ruleSlash:
		found, ok = slashLogin(line, end)
	case ruleKeyLog:
		found, ok = keyLog(line, end)
	case ruleVerb:
		found, ok = verb(line, end, r.token.prefix)
	case ruleThird:
		found, ok = thirdArgument(line, end)
	case ruleEcho:
		found, ok = echoed(line, end, r.token.prefix, past)
	case ruleHint:
		found, ok = hints[r.value].match(line, end)
	case ruleCall:
		found, ok = called(line, end)
	case ruleQuoted:
		found, ok = quotedArgument(line, end)
	case ruleHook:
		found, ok = hooked(line, end)
	case ruleSection:
		return section(line, end-len(sections[r.value].name), end, sections[r.value].keyed, past, spans)
	case ruleCookies:
		return cookies(line, end, past, spans)
	}
	if ok && found.end > found.start {
		spans = append(spans, found)
	}
	return spans
}
