package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// memory is what a process holds now, in KiB.
func memory(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		var size int
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &size); err == nil {
			return size
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// A client that never reads costs the gateway bounded memory and nobody else
// anything: neither one that asked for an endless answer of a provider, nor one
// that asked for every event and for large answers.
func TestClientsThatNeverRead(t *testing.T) {
	t.Parallel() // it waits
	p, u, port := exposed(t)
	gateway := p.gatewayPID()
	begin := memory(t, gateway)

	// A socket that asks and asks, and reads nothing.
	// Its buffer stays as it is: a window that shrinks leaves the kernel with numbers
	// past it, and then it drops what says that the connection is closed, too.
	// It has an address of its own, or it would use up the requests of everybody here.
	deaf, status, body := upgradeFrom(t, "127.0.0.2", port, nil)
	if deaf == nil {
		t.Fatalf("no upgrade: %d %s", status, body)
	}
	deaf.admit()
	deaf.send(websocket.TextMessage, []byte(`{"type":"req","id":"s","method":"openclaw.events.subscribe"}`))
	cut := make(chan struct{})
	go func() {
		defer close(cut)
		for i := 0; ; i++ {
			_ = deaf.SetWriteDeadline(time.Now().Add(10 * time.Minute)) // never, or it would be taken for the gateway's cut
			request := fmt.Appendf(nil, `{"type":"req","id":"%d","method":"openclaw.connections.list"}`, i)
			if deaf.WriteMessage(websocket.TextMessage, request) != nil {
				return
			}
		}
	}()

	// A program that asks for an endless answer and reads nothing.
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /v1/messages?does=endless HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", port, rightToken)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReaderSize(conn, 16).ReadString(' '); err != nil || line != "HTTP/1.1 " {
		t.Fatalf("no answer begins: %q %v", line, err)
	}
	before := int64(-1)
	p.eventually("the provider's wait for the client", func() bool {
		time.Sleep(200 * time.Millisecond)
		now := u.written.Load()
		still := now == before
		before = now
		return still
	})

	// Meanwhile everybody else is served, and strangers make events.
	good := admitted(t, port)
	for range 300 {
		if status, _ := p.post(port, "/v1/messages", rightToken, func(r *http.Request) { r.Host = "evil.example" }); status != http.StatusMisdirectedRequest {
			t.Fatalf("a stranger gets %d", status)
		}
	}
	good.serves()
	if status, _ := p.post(port, "/v1/messages", rightToken, nil); status != http.StatusOK {
		t.Errorf("a model call beside it gets %d", status)
	}
	if status := p.openclaw("gateway", "status"); status.code != 0 {
		t.Errorf("status: %s", status.errors)
	}
	const most = 160 << 10 // KiB: 50 MiB may wait for one client, and Go's collector doubles it
	now := memory(t, gateway)
	t.Logf("the gateway took %d KiB at first and %d KiB then", begin, now)
	if now > begin+most {
		t.Errorf("the gateway grew from %d to %d KiB", begin, now)
	}

	// The program goes: the provider hears of it. The socket is cut.
	conn.Close()
	p.eventually("the end of the endless answer", func() bool { return u.open.Load() == 0 })
	select {
	case <-cut:
	case <-time.After(3 * time.Minute): // what the kernel keeps for a reader fills first, and a busy machine is slow
		t.Error("the socket that never reads is not cut")
	}
	good.serves()
	p.noKeyInLogs(rightToken, providerKey)
}
