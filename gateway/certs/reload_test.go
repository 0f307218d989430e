package certs_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/gateway/certs"
	"openclaw/gateway/certs/authority"
)

// watched is a server whose files are watched.
type watched struct {
	*certs.Server
	changed  atomic.Int32
	mu       sync.Mutex
	problems []string
}

func (s *watched) problem() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.problems, "\n")
}

func (w *world) watch(change func(*certs.Options)) *watched {
	w.t.Helper()
	s := &watched{}
	options := certs.Options{Every: 20 * time.Millisecond, Changed: func() { s.changed.Add(1) }, Failed: func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.problems = append(s.problems, err.Error())
	}}
	if change != nil {
		change(&options)
	}
	settings := w.settings()
	settings.ClientAuth, settings.CAFile = "optional", w.path("ca.crt")
	var err error
	if s.Server, err = certs.New(settings, options); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = s.Run(ctx) })
	w.t.Cleanup(func() { cancel(); group.Wait() })
	return s
}

// serial is that of the certificate which a new connection is shown.
func (w *world) serial(address net.Addr) string {
	w.t.Helper()
	state, err := w.echo(address, &tls.Config{})
	if err != nil {
		w.t.Fatal(err)
	}
	return state.PeerCertificates[0].SerialNumber.Text(16)
}

// A pair that changes is used by the next handshake, and of 200 connections that
// are open and in use none notices.
func TestReloadLosesNoConnection(t *testing.T) {
	w := newWorld(t)
	address := w.serve(w.watch(nil).Server, certs.ListenerOptions{})
	stop := make(chan struct{})
	var live sync.WaitGroup
	var words atomic.Int64
	var rounds [200]atomic.Int64
	failed := make(chan error, 200)
	for i := range rounds {
		conn, err := tls.Dial("tcp", address.String(), &tls.Config{RootCAs: w.roots(), ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		live.Go(func() {
			defer func() { _ = conn.Close() }()
			answer := make([]byte, 2)
			for {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
				}
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				_, err := conn.Write([]byte("hi"))
				if err == nil {
					_, err = conn.Read(answer)
				}
				if err != nil {
					failed <- err
					return
				}
				rounds[i].Add(1)
				words.Add(1)
			}
		})
	}
	before := w.serial(address)
	for range 3 {
		pair := w.server()
		w.pair("gateway", pair)
		want := parse(t, pair.Certificate).SerialNumber.Text(16)
		until(t, "the new certificate is shown", func() bool { return w.serial(address) == want })
	}
	if before == w.serial(address) {
		t.Fatal("nothing changed")
	}
	start := [200]int64{}
	for i := range rounds {
		start[i] = rounds[i].Load()
	}
	until(t, "each connection still works", func() bool {
		for i := range rounds {
			if rounds[i].Load() <= start[i] {
				return len(failed) > 0
			}
		}
		return true
	})
	close(stop)
	live.Wait()
	select {
	case err := <-failed:
		t.Fatal("a connection was lost:", err)
	default:
	}
}

// Who replaces a pair writes one file after the other: what does not fit is told
// when it stays so, and not before.
func TestAHalfWrittenPairIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	var told []error
	s, err := certs.New(w.settings(), certs.Options{Failed: func(err error) { told = append(told, err) }})
	if err != nil {
		t.Fatal(err)
	}
	pair := w.server()
	want := parse(t, pair.Certificate).SerialNumber.Text(16)
	if err := authority.Write(w.path("gateway.key"), pair.Key, 0o600, true); err != nil {
		t.Fatal(err)
	}
	s.Look()
	if len(told) != 0 || s.Problem() == nil || s.Expiries()[0].Serial == want {
		t.Fatal(told, s.Problem())
	}
	w.write("gateway.crt", pair.Certificate)
	s.Look()
	if len(told) != 0 || s.Problem() != nil || s.Expiries()[0].Serial != want {
		t.Fatal(told, s.Problem())
	}
	w.write("gateway.crt", pair.Certificate[:100])
	for range 4 {
		s.Look()
	}
	if len(told) != 1 || s.Expiries()[0].Serial != want {
		t.Fatal(told)
	}
}

// What does not load leaves the old pair in use, and is told once.
func TestBrokenFilesLeaveTheOldOnesInUse(t *testing.T) {
	w := newWorld(t)
	s := w.watch(nil)
	address := w.serve(s.Server, certs.ListenerOptions{})
	before := w.serial(address)
	pair := w.server()
	for name, change := range map[string]func(){
		"half a certificate":   func() { w.write("gateway.crt", pair.Certificate[:len(pair.Certificate)/2]) },
		"a key of another":     func() { _ = authority.Write(w.path("gateway.key"), pair.Key, 0o600, true) },
		"an empty certificate": func() { w.write("gateway.crt", nil) },
		"a key others read":    func() { chmod(t, w.path("gateway.key"), 0o644) },
		"no certificate":       func() { _ = os.Remove(w.path("gateway.crt")) },
		"an authority of none": func() { w.write("ca.crt", pair.Certificate) },
		"a folder for a key": func() {
			_ = os.Remove(w.path("gateway.key"))
			if err := os.Mkdir(w.path("gateway.key"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
	} {
		crt, _ := os.ReadFile(w.path("gateway.crt"))
		key, _ := os.ReadFile(w.path("gateway.key"))
		s.mu.Lock()
		s.problems = nil
		s.mu.Unlock()
		change()
		until(t, name+" is told", func() bool { return s.problem() != "" })
		if now := w.serial(address); now != before {
			t.Errorf("%s: another certificate is shown", name)
		}
		if s.Problem() == nil || strings.Contains(s.problem(), string(key)) {
			t.Errorf("%s: %v", name, s.Problem())
		}
		time.Sleep(100 * time.Millisecond) // five looks
		if strings.Contains(s.problem(), "\n") {
			t.Errorf("%s is told more than once: %s", name, s.problem())
		}
		if name == "a folder for a key" {
			_ = os.Remove(w.path("gateway.key"))
		}
		was := s.changed.Load()
		w.write("ca.crt", w.own.Certificate)
		w.write("gateway.crt", crt)
		if err := authority.Write(w.path("gateway.key"), key, 0o600, true); err != nil {
			t.Fatal(err)
		}
		until(t, "it is mended", func() bool { return s.changed.Load() > was && s.Problem() == nil })
	}
}

// certbot keeps its pairs in archive/ and swaps links in live/.
func TestSwappedLinksAreSeen(t *testing.T) {
	w := newWorld(t)
	first, second := w.server(), w.server()
	link := func(number string, pair authority.Pair) {
		for name, data := range map[string][]byte{"fullchain": pair.Certificate, "privkey": pair.Key} {
			if err := authority.Write(w.path("archive/"+name+number+".pem"), data, 0o600, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	swap := func(number string) {
		if err := os.MkdirAll(w.path("live"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"fullchain", "privkey"} {
			_ = os.Remove(w.path("live/" + name + ".new"))
			if err := os.Symlink(filepath.Join("..", "archive", name+number+".pem"), w.path("live/"+name+".new")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(w.path("live/"+name+".new"), w.path("live/"+name+".pem")); err != nil {
				t.Fatal(err)
			}
		}
	}
	link("1", first)
	link("2", second)
	swap("1")
	s := w.watch(nil)
	settings := s.Settings()
	settings.CertFile, settings.KeyFile = w.path("live/fullchain.pem"), w.path("live/privkey.pem")
	if err := s.Use(settings); err != nil {
		t.Fatal(err)
	}
	address := w.serve(s.Server, certs.ListenerOptions{})
	for _, turn := range []struct {
		number string
		pair   authority.Pair
	}{{"2", second}, {"1", first}} {
		swap(turn.number)
		want := parse(t, turn.pair.Certificate).SerialNumber.Text(16)
		until(t, "the other pair is shown", func() bool { return w.serial(address) == want })
	}
}

// A connection whose certificate is revoked, or whose authority goes, is not
// welcome any longer.
func TestWhatWasLetInIsJudgedAgain(t *testing.T) {
	w := newWorld(t)
	clock := atomic.Int64{}
	clock.Store(time.Now().Unix())
	s := w.watch(func(o *certs.Options) { o.Now = func() time.Time { return time.Unix(clock.Load(), 0) } })
	pair, err := w.ca.Client("laptop")
	if err != nil {
		t.Fatal(err)
	}
	leaf := parse(t, pair.Certificate)
	peer := s.PeerOf(tls.ConnectionState{PeerCertificates: chainOf(t, pair)})
	if peer.Name != "laptop" || peer.Serial != leaf.SerialNumber.Text(16) || peer.Still() != nil {
		t.Fatal(peer.Name, peer.Still())
	}
	nobody := s.PeerOf(tls.ConnectionState{})
	if nobody.Still() != nil {
		t.Fatal(nobody.Still())
	}
	list, err := w.ca.Revoke(nil, leaf)
	if err != nil {
		t.Fatal(err)
	}
	w.write("ca.crl", list)
	settings := s.Settings()
	settings.CRLFile = w.path("ca.crl")
	if err := s.Use(settings); err != nil {
		t.Fatal(err)
	}
	if err := peer.Still(); err == nil || !strings.Contains(err.Error(), "was revoked on") {
		t.Fatal(err)
	}
	settings.CRLFile = ""
	settings.ClientAuth = "required"
	if err := s.Use(settings); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(peer.Still()); err != nil {
		t.Fatal(err)
	}
	if nobody.Still() == nil {
		t.Fatal("a connection without a certificate stays where one is required now")
	}
	clock.Store(leaf.NotAfter.Add(time.Second).Unix())
	if err := peer.Still(); err == nil || !strings.Contains(err.Error(), "not now") {
		t.Fatal("a certificate that has run out stays welcome:", err)
	}
	clock.Store(time.Now().Unix())
	foreign, own, err := authority.New("somebody else", authority.DefaultBounds(), time.Now)
	if err != nil || foreign == nil {
		t.Fatal(err)
	}
	w.write("ca.crt", own.Certificate)
	until(t, "the other authority is read", func() bool { return peer.Still() != nil })
}

func TestFilesThatOthersMayTouchAreRefused(t *testing.T) {
	w := newWorld(t)
	settings := w.settings()
	settings.ClientAuth, settings.CAFile = "required", w.path("ca.crt")
	if err := certs.Check(settings, nil); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		file      string
		mode, was os.FileMode
	}{{"gateway.key", 0o640, 0o600}, {"gateway.key", 0o604, 0o600}, {"gateway.crt", 0o646, 0o644}, {"ca.crt", 0o666, 0o644}} {
		chmod(t, w.path(row.file), row.mode)
		err := certs.Check(settings, nil)
		own, is := errors.AsType[*certs.Error](err)
		if !is || !strings.Contains(err.Error(), row.mode.String()[1:]) && !strings.Contains(err.Error(), "its mode is") || !strings.Contains(own.Hint, "chmod") {
			t.Errorf("%s with mode %o: %v", row.file, row.mode, err)
		}
		chmod(t, w.path(row.file), row.was)
	}
	_ = os.Remove(w.path("gateway.key"))
	if err := certs.Check(settings, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	if err := authority.Write(w.path("gateway.key"), encrypted, 0o600, true); err != nil {
		t.Fatal(err)
	}
	if err := certs.Check(settings, nil); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Error(err)
	}
}

func TestExpiryIsJudgedByDays(t *testing.T) {
	w := newWorld(t)
	clock := time.Now()
	s, err := certs.New(w.settings(), certs.Options{Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	end := s.Expiries()[0].Until
	for left, want := range map[time.Duration]string{
		40 * 24 * time.Hour: certs.StateGood, 30*24*time.Hour - time.Second: certs.StateSoon, 8 * 24 * time.Hour: certs.StateSoon,
		7*24*time.Hour - time.Second: certs.StateVerySoon, time.Second: certs.StateVerySoon, -time.Second: certs.StateExpired,
	} {
		clock = end.Add(-left)
		if got := s.Expiries()[0]; got.State != want {
			t.Errorf("%s before the end: %s, want %s", left, got.State, want)
		}
	}
	if err := certs.Check(w.settings(), func() time.Time { return end.Add(time.Second) }); err == nil || !strings.Contains(err.Error(), "has expired") {
		t.Error("a certificate that every client refuses is taken:", err)
	}
}
