package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// hands is a wall clock and a monotonic one that a test turns.
type hands struct {
	wall    time.Time
	elapsed time.Duration
}

func (h *hands) pass(d time.Duration) { h.wall, h.elapsed = h.wall.Add(d), h.elapsed+d }

func (h *hands) clock(seen time.Time) *Clock {
	return NewClock(func() time.Time { return h.wall }, func() time.Duration { return h.elapsed }, seen)
}

// desk is Tokens as a gateway has it, over restarts.
type desk struct {
	*Tokens
	t     *testing.T
	hands *hands
	disk  []byte
	full  bool
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, hands: &hands{wall: time.Unix(1_800_000_000, 0)}}
	d.restart()
	return d
}

// restart is a new process on the same disk: its monotonic clock begins anew.
func (d *desk) restart() {
	d.t.Helper()
	var saved Saved
	if len(d.disk) > 0 {
		if err := json.Unmarshal(d.disk, &saved); err != nil {
			d.t.Fatal(err)
		}
	}
	d.hands.elapsed = 0
	d.Tokens = NewTokens(saved, d.hands.clock(saved.Seen), func(saved Saved) error {
		if d.full {
			return errors.New("no space left on device")
		}
		text, err := json.Marshal(saved)
		d.disk = text
		return err
	})
}

func (d *desk) observe(token string) {
	d.t.Helper()
	if _, err := d.Observe(HashOf([]byte(token)), WellFormed(GatewayPrefix, token)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) wants(token string, want Standing) {
	d.t.Helper()
	if got, _ := d.Standing(HashOf([]byte(token))); got != want {
		d.t.Fatalf("the token is %s, want %s", got, want)
	}
}

// rotate is what a gateway does.
func (d *desk) rotate(grace time.Duration) (next string) {
	d.t.Helper()
	if _, _, _, err := d.BeginRotation(grace); err != nil {
		d.t.Fatal(err)
	}
	next = GenerateToken()
	d.observe(next)
	return next
}

func TestTheClockIsNeverSetBack(t *testing.T) {
	h := &hands{wall: time.Unix(1_000_000, 0)}
	seen := h.wall.Add(time.Hour)
	clock := h.clock(seen)
	if !clock.Now().Equal(seen) {
		t.Fatal("a clock that was set back over a restart is believed")
	}
	h.pass(30 * time.Minute) // the wall is still behind
	if got := clock.Now(); !got.Equal(seen.Add(30 * time.Minute)) {
		t.Fatal("time stands still until the wall clock catches up:", got)
	}
	h.wall = h.wall.Add(24 * time.Hour) // ahead
	ahead := clock.Now()
	if !ahead.Equal(h.wall) {
		t.Fatal("a wall clock that is ahead is not believed:", ahead)
	}
	h.wall = h.wall.Add(-48 * time.Hour) // and back
	h.elapsed += time.Minute
	if got := clock.Now(); !got.Equal(ahead.Add(time.Minute)) {
		t.Fatal("the clock went back:", got)
	}
}

func TestAGracePeriodEndsAtItsTime(t *testing.T) {
	for name, between := range map[string]func(d *desk){
		"in one life":                      func(*desk) {},
		"over a restart":                   func(d *desk) { d.restart() },
		"over a restart after the time":    func(d *desk) { d.hands.wall = d.hands.wall.Add(-time.Hour); d.restart() },
		"the clock is set back":            func(d *desk) { d.hands.wall = d.hands.wall.Add(-100 * time.Hour) },
		"the clock is set back and a stop": func(d *desk) { d.hands.wall = d.hands.wall.Add(-100 * time.Hour); d.restart() },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			old := GenerateToken()
			d.observe(old)
			d.hands.pass(90 * 24 * time.Hour)
			next := d.rotate(24 * time.Hour)
			between(d)
			d.observe(next)
			d.wants(old, Good)
			d.hands.pass(24*time.Hour - time.Second)
			d.wants(old, Good)
			if left := d.Next().Sub(d.Now()); left != time.Second {
				t.Fatal("the next end is in", left)
			}
			d.hands.pass(time.Second)
			d.wants(old, GraceOver)
			if err := d.Remember(); err != nil {
				t.Fatal(err)
			}
			d.restart()
			d.observe(next)
			d.wants(old, GraceOver)
			if !d.Grace().IsZero() || !d.Next().IsZero() {
				t.Fatal("something is still to end")
			}
		})
	}
}

// A clock that jumps ahead ends what would have ended by then, and stays ended
// when it is put right.
func TestAClockThatJumpsAheadEndsGrace(t *testing.T) {
	d := newDesk(t)
	old := GenerateToken()
	d.observe(old)
	d.rotate(24 * time.Hour)
	d.hands.wall = d.hands.wall.Add(25 * time.Hour)
	d.wants(old, GraceOver)
	d.hands.wall = d.hands.wall.Add(-25 * time.Hour)
	d.wants(old, GraceOver)
}

func TestRotationWithNoGraceEndsEveryFormerToken(t *testing.T) {
	d := newDesk(t)
	first := GenerateToken()
	d.observe(first)
	second := d.rotate(24 * time.Hour)
	d.wants(first, Good)
	third := d.rotate(0)
	d.wants(first, Revoked)
	d.wants(second, Revoked)
	d.restart()
	d.observe(third)
	d.wants(first, Revoked)
	d.wants(second, Revoked)
}

// A token that somebody put into the store by hand is a replacement with no grace.
func TestATokenReplacedByHandIsOverAtOnce(t *testing.T) {
	d := newDesk(t)
	old, next := GenerateToken(), GenerateToken()
	d.observe(old)
	d.observe(next)
	d.wants(old, Revoked)
	d.restart() // and again while no gateway runs
	third := GenerateToken()
	d.observe(third)
	d.wants(next, Revoked)
	d.observe(next) // its owner puts it back
	d.wants(next, Unknown)
	if d.Created().IsZero() {
		t.Fatal("the gateway has no token")
	}
}

// Whenever the gateway dies in a rotation, the token that is in the store is the
// gateway's, with its age.
func TestDeathInTheMiddleOfARotation(t *testing.T) {
	d := newDesk(t)
	old := GenerateToken()
	d.observe(old)
	made := d.Created()
	d.hands.pass(10 * 24 * time.Hour)
	if _, _, _, err := d.BeginRotation(time.Hour); err != nil {
		t.Fatal(err)
	}
	d.restart() // before the new one was stored
	d.observe(old)
	if !d.Created().Equal(made) {
		t.Fatal("the old token lost its age")
	}
	d.hands.pass(2 * time.Hour)
	d.wants(old, Unknown) // it is the present one, which is not judged here
	if _, _, _, err := d.BeginRotation(time.Hour); err != nil {
		t.Fatal(err)
	}
	next := GenerateToken() // stored, and then death
	d.restart()
	d.observe(next)
	d.wants(old, Good)
	d.hands.pass(time.Hour)
	d.wants(old, GraceOver)
}

func TestARotationIsTakenBackWhenTheStoreFails(t *testing.T) {
	d := newDesk(t)
	first := GenerateToken()
	d.observe(first)
	second := d.rotate(time.Hour)
	_, _, undo, err := d.BeginRotation(0)
	if err != nil {
		t.Fatal(err)
	}
	d.wants(first, Revoked)
	undo()
	d.wants(first, Good)
	d.restart()
	d.observe(second)
	d.wants(first, Good)
	d.full = true
	if _, _, _, err := d.BeginRotation(0); !errors.Is(err, ErrNotSaved) {
		t.Fatal(err)
	}
	d.wants(first, Good)
}

// A token that a person chose can be guessed from its hash: it is kept as PBKDF2,
// recognised all the same, and gone from the disk when it is replaced.
func TestATokenThatSomebodyChoseIsNotKeptAsAPlainHash(t *testing.T) {
	d := newDesk(t)
	const weak = "hunter2-hunter2"
	d.observe(weak)
	made := d.Created()
	plain, err := HashOf([]byte(weak)).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if bytes.Contains(d.disk, plain) || bytes.Contains(d.disk, []byte(weak)) {
			t.Fatal("it can be guessed from the file")
		}
		d.hands.pass(24 * time.Hour)
		d.restart()
		d.observe(weak)
		if !d.Created().Equal(made) {
			t.Fatal("it lost its age")
		}
	}
	next := d.rotate(time.Hour)
	d.wants(weak, Good)
	if bytes.Contains(d.disk, plain) {
		t.Fatal("it can be guessed from the file")
	}
	d.restart()
	d.observe(next)
	d.wants(weak, Unknown)
	d.observe("another-weak-one") // and one that is replaced by hand
	d.restart()
	d.observe("a-third-weak-one")
	d.wants("another-weak-one", Unknown)
}

func TestAClientsTokenEndsAtItsTimeAndWhenItIsRevoked(t *testing.T) {
	d := newDesk(t)
	token, client, err := d.AddClient("ci", Scopes{ScopeRead}, time.Hour)
	if err != nil || !WellFormed(ClientPrefix, token) {
		t.Fatal(token, err)
	}
	if bytes.Contains(d.disk, []byte(token)) || !strings.Contains(string(d.disk), `"ci"`) {
		t.Fatalf("on disk: %s", d.disk)
	}
	forever, _, err := d.AddClient("phone", Scopes{ScopeWrite}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.AddClient("ci", Scopes{ScopeAdmin}, 0); !errors.Is(err, ErrNameTaken) {
		t.Fatal("a name was given away twice:", err)
	}
	d.restart()
	standing, of := d.Standing(client.Hash)
	if standing != Good || of.Name != "ci" || !of.Scopes.Has(ScopeRead) || of.Scopes.Has(ScopeWrite) {
		t.Fatal(standing, of)
	}
	d.hands.pass(time.Hour - time.Nanosecond)
	d.wants(token, Good)
	d.hands.pass(time.Nanosecond)
	d.wants(token, Expired)
	again, _, err := d.AddClient("ci", Scopes{ScopeRead}, 0)
	if err != nil {
		t.Fatal("the name of one that has expired cannot be used again:", err)
	}
	if _, err := d.RevokeClient("phone"); err != nil {
		t.Fatal(err)
	}
	d.wants(forever, Revoked)
	d.restart()
	d.wants(forever, Revoked)
	d.wants(token, Expired)
	d.wants(again, Good)
	if _, err := d.RevokeClient("phone"); !errors.Is(err, ErrNoClient) {
		t.Fatal(err)
	}
	d.full = true
	if _, err := d.RevokeClient("ci"); !errors.Is(err, ErrNotSaved) {
		t.Fatal(err)
	}
	d.wants(again, Revoked) // in force all the same
	if _, _, err := d.AddClient("more", Scopes{ScopeRead}, 0); !errors.Is(err, ErrNotSaved) || len(d.live) != 0 {
		t.Fatal("a token that was not saved is in force:", err)
	}
}

func TestTokensThatAreRememberedAreBounded(t *testing.T) {
	d := newDesk(t)
	d.save = func(Saved) error { return nil }
	var last string
	for i := range MaxClients + 1 {
		token, _, err := d.AddClient("c"+strings.Repeat("x", i%3)+time.Duration(i).String(), Scopes{ScopeRead}, 0)
		if i == MaxClients {
			if !errors.Is(err, ErrTooManyClients) {
				t.Fatal(err)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last = token
		d.hands.pass(time.Second)
	}
	for _, c := range d.Clients() {
		if _, err := d.RevokeClient(c.Name); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.Clients()); n != maxRevoked {
		t.Fatal("remembered:", n)
	}
	d.wants(last, Revoked) // the newest of them
	for range maxFormer * 3 {
		d.observe(GenerateToken())
	}
	if n := len(d.former); n != maxFormer {
		t.Fatal("remembered:", n)
	}
}

// Who has been remembered longest is not who has been over longest: a client that was
// made first and is taken back last is over, also at the next start.
func TestAClientOfLongAgoIsRevokedForGood(t *testing.T) {
	d := newDesk(t)
	oldest, _, err := d.AddClient("phone", Scopes{ScopeRead}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for i := range maxRevoked {
		d.hands.pass(time.Hour)
		token, client, err := d.AddClient("ci", Scopes{ScopeRead}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = token
		}
		if _, err := d.RevokeClient(client.Name); err != nil {
			t.Fatal(err)
		}
	}
	d.wants(first, Revoked)
	d.hands.pass(time.Hour)
	if client, err := d.RevokeClient("phone"); err != nil || client.Name != "phone" || client.Revoked.IsZero() {
		t.Fatal(client, err)
	}
	d.restart()
	d.wants(oldest, Revoked)
	d.wants(first, Unknown) // it made room
}
