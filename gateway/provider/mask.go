package provider

import (
	"bytes"

	"openclaw/keychain"
	"openclaw/keychain/redact"
)

// shortestMasked is the shortest key that is searched for, in bytes. Keys of
// providers have 40 and more; what is shorter is a placeholder.
const shortestMasked = 16

// mask replaces a key, and every encoding of it, by bullets of the same length
// in bytes, so that the length that an answer announces stays true.
type mask struct {
	key   keychain.Secret
	exact *redact.Exact
}

func newMask(key keychain.Secret) *mask {
	if key.Len() < shortestMasked {
		return &mask{}
	}
	return &mask{key: key, exact: redact.NewExact(key.Reveal())}
}

// maskOf is newMask of a provider's key.
func (h *Handler) maskOf(provider string, key keychain.Secret) *mask {
	if key.Len() < shortestMasked {
		return &mask{}
	}
	return &mask{key: key, exact: h.matchers.exact(provider, key, h.options.Providers)}
}

// cover overwrites every whole key in b and returns how many of the last bytes
// must wait, because they begin like the key.
func (m *mask) cover(b []byte) (wait int) {
	if m.key.Empty() {
		return 0
	}
	from := 0
	m.exact.Find(b, func(start, end int) {
		bullets(b[start:end])
		from = end
	})
	return len(b) - max(from, m.exact.Open(b))
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
	if m.key.Empty() {
		return in
	}
	out := in
	for i, value := range in {
		covered := []byte(value)
		found := false
		m.exact.Find(covered, func(start, end int) {
			found = true
			for at := start; at < end; at++ {
				covered[at] = '*' // a header is ASCII: no bullets
			}
		})
		if !found {
			continue
		}
		if &out[0] == &in[0] {
			out = append([]string(nil), in...)
		}
		out[i] = string(covered)
	}
	return out
}
