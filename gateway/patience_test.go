package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/configs"
)

// A client that asks for something long and reads none of it is given up; so is one
// that only says that it wants a WebSocket. Who reads slowly is not, whether the answer
// is the gateway's own or a provider's, which has times of its own.
func TestALongAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	t.Parallel() // it waits
	list := `{"object":"list","data":[` + strings.Repeat(`{"id":"a model with a long name","object":"model"},`, 20_000) + `{}]}`
	stream := bytes.Repeat([]byte("data: a piece of a stream\n\n"), 40_000)
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/models" {
				_, _ = io.WriteString(w, list)
				return
			}
			// As package provider writes.
			control := http.NewResponseController(w)
			_ = control.SetWriteDeadline(time.Now().Add(5 * time.Minute))
			if _, err := w.Write(stream); err != nil {
				t.Error("the provider's stream was cut:", err)
			}
			_ = control.SetWriteDeadline(time.Time{})
		})
	}).run()
	listener := make(piped, 10)
	server := &http.Server{Handler: h.tcpHandler(), ReadHeaderTimeout: headerTimeout}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) }) // it ends with its listener
	defer served.Wait()
	defer close(listener)
	ask := func(request string) net.Conn {
		conn, far := net.Pipe()
		t.Cleanup(func() { conn.Close() })
		listener <- unbuffered{far}
		_ = conn.SetDeadline(time.Now().Add(4 * time.Minute))
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	host, token := "Host: "+h.Address().String()+"\r\n", "Authorization: Bearer "+h.token+"\r\n"
	upgrade := "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	slowList := ask("GET /v1/models HTTP/1.1\r\n" + host + token + "Connection: close\r\n\r\n")
	slowStream := ask("POST /v1/messages HTTP/1.1\r\n" + host + token + "Connection: close\r\nContent-Length: 0\r\n\r\n")
	var all sync.WaitGroup
	for name, request := range map[string]string{
		"a list":              "GET /v1/models HTTP/1.1\r\n" + host + token + "\r\n",
		"a list, upgraded":    "GET /v1/models HTTP/1.1\r\n" + host + token + upgrade + "\r\n",
		"health, upgraded":    "GET /health HTTP/1.1\r\n" + host + upgrade + "\r\n",
		"no path, upgraded":   "GET /nothing HTTP/1.1\r\n" + host + upgrade + "\r\n",
		"a socket of nothing": "GET / HTTP/1.1\r\n" + host + upgrade + "\r\n",
	} {
		all.Go(func() {
			conn := ask(request)
			_ = conn.SetWriteDeadline(time.Now().Add(2 * time.Minute))
			var err error
			for err == nil { // a write blocks while the other end answers, and fails when it has given up
				_, err = io.WriteString(conn, request)
			}
			if !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	// Some of it, a long pause, the rest.
	read := func(conn net.Conn, pause func(), whole int) error {
		got, err := io.CopyN(io.Discard, conn, int64(whole/2))
		if err != nil {
			return err
		}
		pause()
		rest, err := io.Copy(io.Discard, conn)
		if err == nil && int(got+rest) < whole {
			err = fmt.Errorf("%d bytes of %d", got+rest, whole)
		}
		return err
	}
	if err := read(slowList, func() { time.Sleep(answerTimeout + 5*time.Second) }, len(list)); err != nil { // what is waited for is a time that passes
		t.Error("a list that is read slowly:", err)
	}
	if err := read(slowStream, all.Wait, len(stream)); err != nil {
		t.Error("a stream that is read slowly:", err)
	}
}
