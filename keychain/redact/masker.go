package redact

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// DefaultReplacement stands where a secret stood.
const DefaultReplacement = "[REDACTED]"

// DefaultPatterns returns the patterns that a config has by default. The
// built-in rules cover more than they do.
func DefaultPatterns() []string {
	return []string{"api[_-]?key", "token", "password", "secret", "sk-[a-zA-Z0-9-]+", "Bearer [a-zA-Z0-9-]+"}
}

// Options are the settings of a Masker.
type Options struct {
	Patterns    []string // added to the built-in rules; see Configure
	Replacement string   // empty: DefaultReplacement
}

// Error says what is wrong with a setting. It holds no secret.
type Error struct {
	Op      string
	Pattern string
	Err     error
	Hint    string // what a person can do
}

func (e *Error) Error() string {
	text := e.Op
	if e.Pattern != "" {
		text += fmt.Sprintf(" %q", e.Pattern)
	}
	if e.Err != nil {
		return text + ": " + e.Err.Error()
	}
	return text + ": " + e.Hint
}

func (e *Error) Unwrap() error { return e.Err }

// Masker replaces secrets in text. It is safe for concurrent use.
type Masker struct {
	engine atomic.Pointer[engine]
	slow   atomic.Pointer[slowPatterns]

	mu     sync.Mutex // serialises changes; guards values
	values map[string][]registered
}

type registered struct {
	value   string
	needles []string
}

// New returns a Masker with the built-in rules and those of o.
func New(o Options) (*Masker, error) {
	m := &Masker{values: map[string][]registered{}}
	return m, m.Configure(o.Patterns, o.Replacement)
}

// Configure replaces the patterns and the replacement; registered values stay.
// On an error nothing changes. At most 200 patterns of at most 1,000 bytes.
//
// A pattern that can only match a key's name (api[_-]?key, token) hides the
// value that belongs to a key whose name ends with it, in any case. Any other
// pattern hides what it matches. Names that are built in keep their built-in
// judgement of values: a token that is plainly a parser's stays readable.
//
// The replacement has at most 400 bytes and no double quote, backslash or control
// character, so that JSON stays JSON.
func (m *Masker) Configure(patterns []string, replacement string) error {
	if replacement == "" {
		replacement = DefaultReplacement
	}
	if len(replacement) > maxReplacement || strings.ContainsFunc(replacement, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return &Error{Op: "set replacement", Hint: "use at most 400 bytes without double quotes, backslashes and control characters, such as [REDACTED]"}
	}
	if len(patterns) > maxPatterns {
		return &Error{Op: "set patterns", Hint: fmt.Sprintf("at most %d patterns", maxPatterns)}
	}
	next, err := newEngine(patterns, replacement)
	if err != nil {
		return err
	}
	slow := next.measure()
	m.mu.Lock()
	defer m.mu.Unlock()
	next.known = m.compile()
	m.engine.Store(next)
	m.slow.Store(slow)
	return nil
}

// Add registers a secret's exact value under a name. It is then hidden in
// every text, plain and encoded: as JSON, percent-encoded, HTML, hexadecimal,
// base64 at any alignment. A name may have several values: while a key is
// rotated both are secret. The value is copied.
//
// Add returns false, and registers nothing, for a value that would destroy
// ordinary text: shorter than 6 bytes after trimming white space, a common
// word, fewer than 3 different bytes, up to 7 digits. The person should be
// told that such a secret cannot be kept out of logs.
func (m *Masker) Add(name string, value []byte) bool {
	trimmed := string(bytes.TrimSpace(value))
	if !registrable(trimmed) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if strings.Contains(m.engine.Load().replacement, trimmed) {
		return false
	}
	for _, r := range m.values[name] {
		if r.value == trimmed {
			return true
		}
	}
	m.values[name] = append(m.values[name], registered{value: trimmed, needles: needles([]byte(trimmed))})
	m.swap()
	return true
}

// Remove forgets every value of name.
func (m *Masker) Remove(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.values[name]; ok {
		delete(m.values, name)
		m.swap()
	}
}

// swap installs an engine with the registered values as they are now.
func (m *Masker) swap() {
	next := *m.engine.Load()
	next.known = m.compile()
	m.engine.Store(&next)
}

// compile gives the set of the values as they are now. It is built when it is
// first needed: of many values that are added in a row only the last has one.
func (m *Masker) compile() func() *known {
	var all [][]string
	for _, values := range m.values {
		for _, r := range values {
			all = append(all, r.needles)
		}
	}
	return sync.OnceValue(func() *known { return newKnown(slices.Concat(all...)) })
}

// Text returns s with every secret replaced; s itself if there is none.
func (m *Masker) Text(s string) string {
	if s == "" {
		return s
	}
	e := m.engine.Load()
	var store [8]span
	var state carry
	spans := e.find(view(s), 0, &state, store[:0])
	if len(spans) == 0 {
		return s
	}
	return string(e.replace(make([]byte, 0, len(s)+len(spans)*len(e.replacement)), view(s), spans))
}

// Bytes returns b with every secret replaced; b itself, not a copy, if there
// is none. It never changes b.
func (m *Masker) Bytes(b []byte) []byte {
	e := m.engine.Load()
	var store [8]span
	var state carry
	spans := e.find(b, 0, &state, store[:0])
	if len(spans) == 0 {
		return b
	}
	return e.replace(make([]byte, 0, len(b)+len(spans)*len(e.replacement)), b, spans)
}

// sensitive reports whether the key's name says that its value is secret, and
// the value can be one.
func (m *Masker) sensitive(key, value string) bool {
	if key == "" {
		return false
	}
	e := m.engine.Load()
	name := view(key)
	for _, index := range e.triggers.ends[fold(name[len(name)-1])] {
		r := &e.rules[index]
		start := len(name) - len(r.key.word)
		if !hasPrefix(name, start, r.key.word) {
			continue
		}
		n, _, ok := keyName(name, start, len(name), r.key)
		k := r.key
		if ok {
			k.gate, ok = gateOf(name, start, n, k)
		}
		v := attribute(view(value), n, k)
		if ok && !isReplaced(v.text, 0, e.replacement) && v.secret() {
			return true
		}
	}
	return false
}

// attribute is the value of a structured attribute: quoted, its extent known.
func attribute(text []byte, n name, k key) value {
	return value{text: text, quoted: true, gate: k.gate, qualified: n.qualified, sep: sepColon}
}

// registrable reports whether a value can be hidden without hiding more.
func registrable(value string) bool {
	if len(value) < minValue {
		return false
	}
	var seen [256]bool
	different := 0
	for _, c := range []byte(value) {
		if !seen[c] {
			seen[c] = true
			different++
		}
	}
	if different < 3 || len(value) < 8 && count(view(value), digit) == len(value) {
		return false
	}
	return !common[strings.ToLower(value)]
}

// common are values that are also words of ordinary text and of our own logs.
var common = func() map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(`password passwd secret secrets token tokens apikey api_key changeme default example testing
		tester server client gateway openclaw anthropic openai google github gitlab claude gemini localhost 127.0.0.1 0.0.0.0 admin1 administrator
		root123 qwerty qwertz letmein welcome monkey dragon master sunshine princess iloveyou football baseball shadow superman
		abc123 123456 1234567 12345678 123456789 1234567890 password1 passw0rd system service services provider providers agent agents
		coder reviewer config configs error errors warning message status request response connection connections session sessions
		allowed denied success failed failure started stopped enabled disabled keychain sandbox policy unknown undefined
		string number boolean object function return public private bearer authorization authentication content version
		level source time method target result reason action details timestamp event_type`) {
		set[w] = true
	}
	return set
}()
