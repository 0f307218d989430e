package gateway

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/gateway/certs/authority"
	"openclaw/gateway/event"
)

// The certificate, its key and the authorities are swapped a hundred times, as certbot
// does it: by links to other files. Every other time a reload is asked for, as SIGHUP
// does; else the files are watched. Streams and sockets that are under way all the
// while lose nothing, and each new connection is shown the new certificate.
func TestCertificatesAreSwappedUnderStreams(t *testing.T) {
	t.Parallel() // it waits
	var events atomic.Int64
	over := make(chan struct{})
	s := startTLS(t, "required", "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for n := 0; ; n++ {
				end := false
				select {
				case <-over:
					end = true
				case <-time.After(2 * time.Millisecond):
				}
				if end {
					fmt.Fprintf(w, "data: the end after %d\n\n", n)
					return
				}
				fmt.Fprintf(w, "data: %d\n\n", n)
				_ = http.NewResponseController(w).Flush() // the client's end is seen at the client
				events.Add(1)
			}
		})
	})
	config, _ := s.clientOf(s.ca, "laptop")

	// Two generations of everything, and links to the first.
	folder := s.layout.Certs()
	archive := filepath.Join(folder, "archive")
	if err := os.Mkdir(archive, 0o700); err != nil {
		t.Fatal(err)
	}
	second, err := s.ca.Server([]string{"localhost", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	_, next, err := authority.New("the next authority", authority.DefaultBounds(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	both := slices.Concat(read("ca.crt"), next.Certificate)
	for name, text := range map[string][]byte{
		"gateway.crt.0": read("gateway.crt"), "gateway.key.0": read("gateway.key"), "ca.crt.0": read("ca.crt"),
		"gateway.crt.1": second.Certificate, "gateway.key.1": second.Key, "ca.crt.1": both,
	} {
		writeFile(t, filepath.Join(archive, name), text)
	}
	swap := func(generation int) {
		for _, name := range []string{"gateway.crt", "gateway.key", "ca.crt"} {
			if err := os.Symlink(filepath.Join("archive", fmt.Sprint(name, ".", generation)), filepath.Join(folder, name+".new")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(folder, name+".new"), filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	shown := func() string {
		conn, err := tls.Dial("tcp", s.Address().String(), config)
		if err != nil {
			t.Fatal("a new connection is not let in:", err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Text(16)
	}
	swap(0)
	first := shown()

	var live sync.WaitGroup
	for range 4 {
		live.Go(func() {
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
			defer client.CloseIdleConnections()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.Address().String()+"/v1/messages", http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("X-Api-Key", s.token)
			response, err := client.Do(request)
			if err != nil {
				t.Error("a stream does not begin:", err)
				return
			}
			defer response.Body.Close()
			n, whole := 0, false
			lines := bufio.NewScanner(response.Body)
			for lines.Scan() {
				switch text := lines.Text(); text {
				case "":
				case fmt.Sprint("data: ", n):
					n++
				case fmt.Sprint("data: the end after ", n):
					whole = true
				default:
					t.Errorf("event %d is %q", n, text)
				}
			}
			if !whole || lines.Err() != nil {
				t.Errorf("a stream was cut after %d events: %v", n, lines.Err())
			}
		})
	}
	socket, err := s.socket(config, s.token)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the streams flow", func() bool { return events.Load() > 100 })
	seconds := ""
	for round := 1; round <= 100; round++ {
		swap(round % 2)
		if round%2 == 0 {
			if err := s.ReloadCertificates(); err != nil {
				t.Fatal(round, err)
			}
			if got := shown(); got != first {
				t.Fatalf("round %d: after a reload a new connection is shown the former certificate", round)
			}
		} else {
			until(t, "the files that were swapped are seen", func() bool { return shown() != first })
			if got := shown(); seconds != "" && got != seconds {
				t.Fatalf("round %d: it shows %s", round, got)
			}
			seconds = shown()
		}
		var o event.Overview
		if err := socket.Call(t.Context(), "openclaw.overview", nil, &o); err != nil || o.TLS.Problem != "" {
			t.Fatal(round, err, o.TLS)
		}
	}
	at := events.Load()
	until(t, "the streams flow on", func() bool { return events.Load() > at+100 })
	close(over)
	live.Wait()
}
