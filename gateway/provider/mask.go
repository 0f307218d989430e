package provider

import (
	"bytes"

	"openclaw/keychain"
)

// shortestMasked is the shortest key that is searched for, in bytes. Keys of
// providers have 40 and more; what is shorter is a placeholder.
const shortestMasked = 16

// mask replaces a key by bullets of the same length in bytes, so that the
// length that an answer announces stays true. It keeps no copy of the key.
type mask struct {
	key keychain.Secret
}

func newMask(key keychain.Secret) *mask {
	if key.Len() < shortestMasked {
		key = keychain.Secret{}
	}
	return &mask{key: key}
}

// cover overwrites every whole key in b and returns how many of the last bytes
// must wait, because they begin like the key.
func (m *mask) cover(b []byte) (wait int) {
	key := m.key.Reveal()
	if len(key) == 0 {
		return 0
	}
	from := 0
	for {
		at := bytes.Index(b[from:], key)
		if at < 0 {
			break
		}
		bullets(b[from+at : from+at+len(key)])
		from += at + len(key)
	}
	tail := b[max(from, len(b)-len(key)+1):]
	for len(tail) > 0 {
		at := bytes.IndexByte(tail, key[0])
		if at < 0 {
			return 0
		}
		tail = tail[at:]
		if bytes.HasPrefix(key, tail) {
			return len(tail)
		}
		tail = tail[1:]
	}
	return 0
}

// bullets fills b: as many bullets as fit, and stars.
func bullets(b []byte) {
	n := 0
	for n+len("•") <= len(b) {
		n += copy(b[n:], "•")
	}
	for ; n < len(b); n++ {
		b[n] = '*'
	}
}

// rest covers what waited for more of the key when no more comes: half a key
// is already too much.
func (m *mask) rest(b []byte) {
	if 2*len(b) >= m.key.Len() {
		bullets(b)
	}
}

// names reports whether a header's name holds the key, in any case of letters.
func (m *mask) names(name string) bool {
	key := m.key.Reveal()
	return len(key) > 0 && len(name) >= len(key) && bytes.Contains(bytes.ToLower([]byte(name)), bytes.ToLower(key))
}

// values masks a header's values; they are copied only where the key is.
func (m *mask) values(in []string) []string {
	key := m.key.Reveal()
	if len(key) == 0 {
		return in
	}
	out := in
	for i, value := range in {
		if len(value) < len(key) || !bytes.Contains([]byte(value), key) { // a string of the key could not be wiped
			continue
		}
		if &out[0] == &in[0] {
			out = append([]string(nil), in...)
		}
		// A header is ASCII: no bullets.
		out[i] = string(bytes.ReplaceAll([]byte(value), key, bytes.Repeat([]byte("*"), len(key))))
	}
	return out
}
