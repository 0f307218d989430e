package auth

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/keychain"
)

func TestGenerateTokenHasTheFormAndNoTwoAreAlike(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		token := GenerateToken()
		if !WellFormed(GatewayPrefix, token) || seen[token] {
			t.Fatalf("%q", token)
		}
		seen[token] = true
		typo := []byte(token)
		typo[10] ^= 1
		if WellFormed(GatewayPrefix, string(typo)) {
			t.Fatalf("a mistyped token passes its checksum: %s", typo)
		}
	}
}

func TestGrantIsTheSmallerOfAskedAndGranted(t *testing.T) {
	for name, test := range map[string]struct {
		asked []string
		may   Scopes
		want  []string
	}{
		"admin may all":               {[]string{"operator.read", "operator.admin"}, Scopes{ScopeAdmin}, []string{"operator.read", "operator.admin"}},
		"self-declared admin":         {[]string{"operator.admin", "operator.read"}, Scopes{ScopeRead}, []string{"operator.read"}},
		"write implies read":          {[]string{"operator.read"}, Scopes{ScopeWrite}, []string{"operator.read"}},
		"write does not imply admin":  {[]string{"operator.admin"}, Scopes{ScopeWrite}, nil},
		"unknown is never granted":    {[]string{"operator.root", "", "OPERATOR.ADMIN"}, Scopes{ScopeAdmin}, nil},
		"asking nothing gets nothing": {nil, Scopes{ScopeAdmin}, nil},
		"twice is once":               {[]string{"operator.read", "operator.read"}, Scopes{ScopeAdmin}, []string{"operator.read"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Grant(test.asked, test.may).Strings(); !slices.Equal(got, test.want) {
				t.Fatalf("%v, want %v", got, test.want)
			}
		})
	}
}

func TestHostNamesOnlyThisGateway(t *testing.T) {
	site := Site{Port: 18789, Hosts: []string{"gateway.example.com", "Box.local:8443"}}
	for host, want := range map[string]bool{
		"127.0.0.1:18789": true, "localhost:18789": true, "LOCALHOST:18789": true, "[::1]:18789": true,
		"gateway.example.com": true, "gateway.example.com:443": true, "box.local:8443": true,
		"": false, "127.0.0.1": false, "localhost": false, "localhost:80": false, "evil.example:18789": false,
		"127.0.0.1.evil.example:18789": false, "localhost.evil.example:18789": false, "127.0.0.2:18789": false,
		"0.0.0.0:18789": false, "127.1:18789": false, "2130706433:18789": false, "[::ffff:127.0.0.1]:18789": false,
		"127.0.0.1:018789": false, "127.0.0.1:18789:18789": false, "localhost:18789,evil": false,
		"user@127.0.0.1:18789": false, "box.local": false, "box.local:8444": false, "localhost.:18789": false, "[::1%lo]:18789": false,
	} {
		if got := site.CheckHost(host); got != want {
			t.Errorf("CheckHost(%q) = %v", host, got)
		}
	}
}

func TestOriginIsExactlyOurs(t *testing.T) {
	site := Site{Port: 18789, Origins: []string{"https://panel.example.com"}}
	for name, test := range map[string]struct {
		origins []string
		want    bool
	}{
		"none":             {nil, true},
		"ours":             {[]string{"http://127.0.0.1:18789"}, true},
		"ours by name":     {[]string{"http://localhost:18789"}, true},
		"configured":       {[]string{"https://panel.example.com"}, true},
		"null":             {[]string{"null"}, false},
		"empty":            {[]string{""}, false},
		"foreign":          {[]string{"https://evil.example"}, false},
		"other local app":  {[]string{"http://localhost:3000"}, false},
		"https of ours":    {[]string{"https://127.0.0.1:18789"}, false},
		"prefix":           {[]string{"http://127.0.0.1:18789.evil.example"}, false},
		"path":             {[]string{"http://127.0.0.1:18789/"}, false},
		"two":              {[]string{"http://127.0.0.1:18789", "https://evil.example"}, false},
		"extension":        {[]string{"chrome-extension://abcdef"}, false},
		"rebound name":     {[]string{"http://evil.example:18789"}, false},
		"configured + sub": {[]string{"https://x.panel.example.com"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			for _, origin := range test.origins {
				header.Add("Origin", origin)
			}
			if got := site.CheckOrigin(header); got != test.want {
				t.Fatal(got)
			}
		})
	}
	// No config opens the door to every sandboxed frame; and over TLS ours is https.
	for origin, secure := range map[string]bool{"null": false, "http://127.0.0.1:18789": true} {
		site := Site{Port: 18789, Secure: secure, Origins: []string{"null", ""}}
		for _, origin := range []string{origin, "", "https://localhost:1"} {
			if site.CheckOrigin(http.Header{"Origin": {origin}}) {
				t.Errorf("%q passes, TLS %v", origin, secure)
			}
		}
		if ours := map[bool]string{false: "http", true: "https"}[secure] + "://localhost:18789"; !site.CheckOrigin(http.Header{"Origin": {ours}}) {
			t.Errorf("%q does not pass, TLS %v", ours, secure)
		}
	}
}

// What a browser says of where a request comes from: only our own pages and the
// person's own address line may.
func TestFetchSiteIsOursOrThePersons(t *testing.T) {
	for _, row := range []struct {
		values []string
		want   bool
	}{
		{nil, true}, {[]string{"same-origin"}, true}, {[]string{"none"}, true},
		{[]string{"same-site"}, false}, {[]string{"cross-site"}, false}, {[]string{""}, false}, {[]string{"SAME-ORIGIN"}, false}, {[]string{"none", "cross-site"}, false},
	} {
		if got := CheckFetchSite(http.Header{"Sec-Fetch-Site": row.values}); got != row.want {
			t.Errorf("%q: %v", row.values, got)
		}
	}
}

func FuzzCheckHost(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:18789", "[::1]:18789", "localhost", "[", "a:b:c", "evil.example:18789"} {
		f.Add(seed)
	}
	site := Site{Port: 18789}
	f.Fuzz(func(t *testing.T, host string) {
		if !site.CheckHost(host) {
			return
		}
		// Zero-padded forms of ::1 are the same address.
		if name, _, _ := strings.Cut(strings.ToLower(host), ":18789"); name != "127.0.0.1" && name != "localhost" && !strings.HasPrefix(name, "[") {
			t.Fatalf("%q passes", host)
		}
	})
}

func TestAgentTokenDiesWithItsRun(t *testing.T) {
	tokens := NewAgentTokens()
	token := tokens.Mint("coder", "run1")
	if caller, ok := tokens.Lookup(token); !ok || caller != (Caller{Agent: "coder", Run: "run1"}) {
		t.Fatal(caller, ok)
	}
	second := tokens.Mint("coder", "run1")
	if _, ok := tokens.Lookup(token); ok {
		t.Fatal("the token before the last still works")
	}
	tokens.Revoke("run1")
	if _, ok := tokens.Lookup(second); ok {
		t.Fatal("a revoked token works")
	}
	if err := tokens.Adopt("coder", "run1", "oca_guess"); err == nil {
		t.Fatal("a malformed token was adopted")
	}
	if err := tokens.Adopt("coder", "run1", second); err != nil {
		t.Fatal(err)
	}
	if err := tokens.Adopt("reviewer", "run2", second); err == nil {
		t.Fatal("one run took another's token")
	}
}

func TestRightTokenIsNeverDelayedAndWrongOnesAre(t *testing.T) {
	var mu sync.Mutex
	clock := time.Unix(1_700_000_000, 0)
	var slept []time.Duration
	guard := NewGuard(func() time.Time { mu.Lock(); defer mu.Unlock(); return clock },
		func(_ context.Context, d time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			slept = append(slept, d)
			clock = clock.Add(d)
			return nil
		})
	local := netip.MustParseAddr("127.0.0.1")
	for i := range 7 {
		if _, limited := guard.Wrong(t.Context(), local, HashOf([]byte{byte(i)})); limited {
			t.Fatal("sequential guesses are slowed, not refused")
		}
	}
	want := []int64{250, 500, 1000, 2000, 4000, 5000, 5000}
	for i := range want {
		if slept[i].Milliseconds() != want[i] {
			t.Fatalf("delays %v", slept)
		}
	}
	slept = nil
	for range 3 {
		guard.Wrong(t.Context(), netip.MustParseAddr("203.0.113.9"), HashOf([]byte("stale")))
	}
	if !slices.Equal(slept, []time.Duration{250e6, 250e6, 250e6}) {
		t.Fatalf("the same stale token is slowed like a guess: %v", slept)
	}
}

// A program of this machine may come from any address of 127.0.0.0/8, and is one
// guesser all the same.
func TestALocalGuesserIsOne(t *testing.T) {
	frozen := time.Unix(1_700_000_000, 0)
	guard := NewGuard(func() time.Time { return frozen }, func(context.Context, time.Duration) error { return nil })
	limited := 0
	for i := range 200 {
		address := netip.AddrFrom4([4]byte{127, byte(i), 3, 4})
		if i%2 == 1 {
			address = netip.IPv6Loopback()
		}
		if _, over := guard.Wrong(t.Context(), address, HashOf([]byte{byte(i), 1})); over {
			limited++
		}
	}
	if limited < 190 {
		t.Fatalf("only %d of 200 guesses at one moment were turned away", limited)
	}
}

func TestGuesserCannotFillMemoryAndParallelGuessesAreBounded(t *testing.T) {
	frozen := time.Unix(1_700_000_000, 0)
	guard := NewGuard(func() time.Time { return frozen }, func(context.Context, time.Duration) error { return nil })
	for i := range 3 * maxGuessers {
		guard.Wrong(t.Context(), netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), HashOf([]byte("x")))
	}
	if n := len(guard.guessers); n > maxGuessers || guard.order.Len() != n {
		t.Fatal(n)
	}
	limited := 0
	for i := range 100 {
		if retry, over := guard.Wrong(t.Context(), netip.MustParseAddr("::1"), HashOf([]byte{byte(i), 1})); over {
			limited++
			if retry <= 0 {
				t.Fatal("no time to try again")
			}
		}
	}
	if limited < 90 {
		t.Fatalf("only %d of 100 guesses at one moment were turned away", limited)
	}
	if n := len(guard.guessers[netip.MustParseAddr("127.0.0.1")].Value.(*guesser).seen); n > maxSeen {
		t.Fatal(n)
	}
}

// Whoever has a network of IPv6 addresses is one guesser, and not as many as it likes;
// the neighbour of that network is another. Who was quiet for long begins anew.
func TestAGuesserIsItsNetworkAndIsForgotten(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	var slept []time.Duration
	guard := NewGuard(func() time.Time { return clock }, func(_ context.Context, d time.Duration) error {
		slept = append(slept, d)
		clock = clock.Add(d)
		return nil
	})
	guess := func(address string, token byte) time.Duration {
		guard.Wrong(t.Context(), netip.MustParseAddr(address), HashOf([]byte{token}))
		return slept[len(slept)-1]
	}
	for i, want := range []time.Duration{250e6, 500e6, 1e9, 2e9} {
		if got := guess("2001:db8:1:2::"+string(rune('1'+i)), byte(i)); got != want {
			t.Errorf("guess %d of a network waits %v, want %v", i, got, want)
		}
	}
	if got := guess("2001:db8:1:3::1", 9); got != 250*time.Millisecond {
		t.Errorf("its neighbour waits %v", got)
	}
	clock = clock.Add(forget + time.Second)
	if got := guess("2001:db8:1:2::1", 10); got != 250*time.Millisecond {
		t.Errorf("after a long silence it waits %v", got)
	}
}

func TestGatewayTokenFollowsItsSource(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	value, failure, asked := "first", error(nil), 0
	token := NewGatewayToken(func(context.Context) (keychain.Secret, error) {
		asked++
		return keychain.NewSecret([]byte(value)), failure
	}, func() time.Time { return clock })
	if token.Check(t.Context(), HashOf(nil)) || token.Check(t.Context(), Hash{}) {
		t.Fatal("an empty token passes while none is known")
	}
	clock = clock.Add(2 * reread)
	if !token.Check(t.Context(), HashOf([]byte("first"))) {
		t.Fatal("the right token is refused")
	}
	value = "second"
	asked = 0
	for range 1000 {
		token.Check(t.Context(), HashOf([]byte("guess")))
	}
	if asked > 1 {
		t.Fatalf("a guesser made the source answer %d times within a second", asked)
	}
	clock = clock.Add(2 * reread)
	if !token.Check(t.Context(), HashOf([]byte("second"))) || token.Check(t.Context(), HashOf([]byte("first"))) {
		t.Fatal("rotation did not take effect")
	}
	failure = &keychain.Error{Op: "get", Kind: keychain.KindLocked}
	if _, err := token.Refresh(t.Context()); err == nil || !token.Check(t.Context(), HashOf([]byte("second"))) {
		t.Fatal("a locked store took the token away")
	}
	failure = &keychain.Error{Op: "get", Kind: keychain.KindNotFound}
	if changed, _ := token.Refresh(t.Context()); !changed || token.Check(t.Context(), HashOf([]byte("second"))) {
		t.Fatal("a deleted token still works")
	}
	failure, value = nil, ""
	if _, err := token.Refresh(t.Context()); err == nil || !token.Current().Zero() {
		t.Fatal("an empty secret became a token")
	}
}

func TestCandidatesFromEveryPlace(t *testing.T) {
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/v1?beta=true&key=q", nil)
	r.Header.Set("Authorization", "bearer  a ")
	r.Header.Add("X-Api-Key", "b")
	r.Header.Add("X-Api-Key", "a")
	r.Header.Set("X-Goog-Api-Key", "c")
	r.Header.Set("Api-Key", "d")
	if got := Candidates(r); !slices.Equal(got, []string{"a", "b", "c", "d", "q"}) {
		t.Fatal(got)
	}
	r.Header.Set("Authorization", "Basic YTpi")
	r.Header.Del("X-Api-Key")
	if got := Candidates(r); slices.Contains(got, "YTpi") {
		t.Fatal(got)
	}
}
