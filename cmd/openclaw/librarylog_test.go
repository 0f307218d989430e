package main

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

type syncedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A provider that sends its key behind an answer gets it into no log: net/http
// quotes what came unasked.
func TestLibrariesQuoteNoProvider(t *testing.T) {
	const key = "sk-real-0123456789abcdefghijklmnop"
	var kept syncedBuffer
	log.SetOutput(libraryLog{slog.New(slog.NewTextHandler(&kept, nil))})
	t.Cleanup(func() { log.SetOutput(io.Discard) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 401 No\r\n\r\nyour key "+key) // the client may be gone
			_, _ = io.Copy(io.Discard, conn)
		}
	}()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	reply, err := (&http.Client{Transport: transport}).Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, reply.Body) // what it is does not matter
	reply.Body.Close()
	for end := time.Now().Add(time.Minute); !strings.Contains(kept.String(), "Unsolicited response"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("net/http no longer reports it: ", kept.String())
		}
	}
	if strings.Contains(kept.String(), key) || strings.Contains(kept.String(), "401") {
		t.Error(kept.String())
	}
}
