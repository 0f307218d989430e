package tui

import (
	"bytes"
	"os"
	"testing"
	"time"
)

// torn is a keyboard whose bytes come when a test says so.
type torn struct {
	*keyboard

	t    *testing.T
	in   *os.File
	wait []piece
	at   time.Time
}

// piece is what comes at once, some time after what came before.
type piece struct {
	text  string
	after time.Duration
}

func newTorn(t *testing.T, pieces ...piece) *torn {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
	k := &torn{newKeyboard(r), t, w, pieces, time.Unix(1_800_000_000, 0)}
	k.now = func() time.Time { return k.at }
	k.more = func(wait time.Duration) bool {
		if len(k.wait) == 0 || k.wait[0].after > wait {
			return false
		}
		k.next()
		return true
	}
	return k
}

func (k *torn) next() {
	k.t.Helper()
	k.at = k.at.Add(k.wait[0].after)
	if _, err := k.in.WriteString(k.wait[0].text); err != nil {
		k.t.Fatal(err)
	}
	k.wait = k.wait[1:]
}

// reads are what each read gives that gives something.
func (k *torn) reads() (all []string) {
	k.t.Helper()
	var p [maxSequence]byte
	for len(k.wait) > 0 {
		k.next()
		n, err := k.Read(p[:])
		if err != nil {
			k.t.Fatal(err)
		}
		if n > 0 {
			all = append(all, string(p[:n]))
		}
	}
	return all
}

// A key whose bytes come apart is one key, and never Esc and letters; Esc alone is
// Esc.
func TestAKeyThatComesInPieces(t *testing.T) {
	t.Parallel()
	const soon, late, other = 50 * time.Millisecond, 900 * time.Millisecond, 5 * time.Second
	for name, c := range map[string]struct {
		pieces []piece
		want   []string
	}{
		"whole":                       {[]piece{{"\x1b[A", 0}}, []string{"\x1b[A"}},
		"byte by byte":                {[]piece{{"\x1b", 0}, {"[", soon}, {"D", soon}}, []string{"\x1b[D"}},
		"with numbers":                {[]piece{{"\x1b[1;", 0}, {"5D", soon}}, []string{"\x1b[1;5D"}},
		"application keys":            {[]piece{{"\x1bO", 0}, {"A", soon}}, []string{"\x1bOA"}},
		"a console's":                 {[]piece{{"\x1b[[", 0}, {"A", soon}}, []string{"\x1b[[A"}},
		"Esc":                         {[]piece{{"\x1b", 0}}, []string{"\x1b"}},
		"Esc, and a letter later":     {[]piece{{"\x1b", 0}, {"A", late}}, []string{"\x1b", "A"}},
		"Esc, and Esc":                {[]piece{{"\x1b", 0}, {"\x1b", late}, {"D", late}}, []string{"\x1b", "\x1b", "D"}},
		"a late rest":                 {[]piece{{"\x1b", 0}, {"[D", late}}, []string{"\x1b"}},
		"a late rest in pieces":       {[]piece{{"\x1b", 0}, {"[", late}, {"1;5", late}, {"D", late}, {"x", late}}, []string{"\x1b", "x"}},
		"a late last byte":            {[]piece{{"\x1b[", 0}, {"D", late}}, []string{"\x1b[D"}},
		"Esc, then a key of its own":  {[]piece{{"\x1b", 0}, {"[", other}, {"D", other}}, []string{"\x1b", "[", "D"}},
		"a late application key":      {[]piece{{"\x1b", 0}, {"O", late}, {"D", late}, {"x", late}}, []string{"\x1b", "x"}},
		"a mouse":                     {[]piece{{"\x1b[<0;1", 0}, {"0;5", soon}, {"m", soon}}, []string{"\x1b[<0;10;5m"}},
		"an old mouse":                {[]piece{{"\x1b[M", 0}, {"aD", soon}, {"A", soon}}, []string{"\x1b[MaDA"}},
		"the beginning of a paste":    {[]piece{{"\x1b[20", 0}, {"0~sa", soon}}, []string{"\x1b[200~sa"}},
		"a late beginning of a paste": {[]piece{{"\x1b", 0}, {"[200", late}, {"~sa\x1b[201~", late}}, []string{"\x1b", "\x1b[200~sa\x1b[201~"}},
		"a terminal's answer":         {[]piece{{"x\x1b]11;rgb:0a", 0}, {"0a\x1b", soon}, {"\\y", soon}}, []string{"xy"}},
		"an answer with a bell":       {[]piece{{"\x1b]52;c;QQ\x07y", 0}}, []string{"y"}},
		"cut short":                   {[]piece{{"\x1b[1;\x1b[B", 0}}, []string{"\x1b[B"}},
		"alt":                         {[]piece{{"\x1bf", 0}}, []string{"\x1bf"}},
		"a character in pieces":       {[]piece{{"\xe4\xb8", 0}, {"\xad", soon}}, []string{"中"}},
		"half a character":            {[]piece{{"\xe4\xb8", 0}, {"a", late}}, []string{"\xe4\xb8", "a"}},
		"much text at once":           {[]piece{{"sadAD", 0}}, []string{"sadAD"}},
	} {
		if got := newTorn(t, c.pieces...).reads(); !equal(got, c.want) {
			t.Errorf("%s: read %q, want %q", name, got, c.want)
		}
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// However the bytes of keys that are no letters are torn apart, as long as each comes
// within the time, no letter comes of them, and the keyboard works on.
func FuzzNoKeyFallsApart(f *testing.F) {
	f.Add(uint64(0x1234), []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, seed uint64, order []byte) {
		sequences := []string{
			"\x1b[A", "\x1b[D", "\x1bOA", "\x1b[1;5D", "\x1b[3~", "\x1b[<0;10;12M", "\x1b[<0;10;12m", "\x1b[Z",
			"\x1bOP", "\x1b[24~", "\x1b[I", "\x1b]11;rgb:aaaa/aaaa/aaaa\x07", "\x1bP1$r0m\x1b\\",
		}
		if len(order) > 40 {
			order = order[:40]
		}
		var pieces []piece
		for _, n := range order {
			text := sequences[int(n)%len(sequences)]
			pause := 2 * time.Second // after the key before
			for len(text) > 0 {
				seed = seed*6364136223846793005 + 1442695040888963407
				size := min(1+int(seed>>60), len(text))
				pieces = append(pieces, piece{text[:size], pause})
				text = text[size:]
				pause = time.Duration(seed>>40%99) * time.Millisecond
				if isReply(sequences[int(n)%len(sequences)][1]) {
					pause /= 10
				} else if seed>>33%3 == 0 {
					pause += 800 * time.Millisecond
				}
			}
		}
		pieces = append(pieces, piece{"q", 2 * time.Second})
		all := []byte{}
		for _, read := range newTorn(t, pieces...).reads() {
			all = append(all, read...)
		}
		if !bytes.HasSuffix(all, []byte("q")) {
			t.Fatalf("the last key is gone: %q of %v", all, pieces)
		}
		for all = all[:len(all)-1]; len(all) > 0; {
			n, whole := keyLength(all)
			if all[0] != 0x1b || n > 1 && (!whole || !isKey(all[:n])) {
				t.Fatalf("%q came of %v", all, pieces)
			}
			all = all[n:]
		}
	})
}
