package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/gateway/wire"
)

func TestSecondGatewayNamesTheFirst(t *testing.T) {
	h := start(t, "")
	second := build(t, h.layout, freePort(t), "", nil)
	err := second.refusedStart()
	failure, is := errors.AsType[*Error](err)
	if !is || failure.Kind != KindRunning || failure.PID != os.Getpid() || failure.Hint == "" ||
		err.Error() != "lock state folder: a gateway already runs (pid "+strconv.Itoa(os.Getpid())+")" {
		t.Fatal(err)
	}
	if err := h.local().Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("the first suffers:", err)
	}
}

func TestTakenPortNamesItsHolder(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, listener.Addr().(*net.TCPAddr).Port, "", nil)
	err = h.refusedStart()
	failure, is := errors.AsType[*Error](err)
	if !is || failure.Kind != KindPortTaken || !strings.Contains(failure.Hint, "gateway.port") {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && (failure.PID != os.Getpid() || !strings.Contains(err.Error(), "(pid "+strconv.Itoa(os.Getpid())+")")) {
		t.Fatal(err)
	}
	if _, err := os.Lstat(h.layout.Socket()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("a socket is left:", err)
	}
}

func TestSocketOfADeadGatewayIsReplacedAndAFileIsNot(t *testing.T) {
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", nil)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: h.layout.Socket(), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	h.run()
	info, err := os.Lstat(h.layout.Socket())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	if folder, err := os.Stat(h.layout.Run()); err != nil || folder.Mode().Perm() != 0o700 {
		t.Fatal(folder.Mode(), err)
	}
	if err := h.local().Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(h.layout.Socket()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the socket is left after the stop:", err)
	}
	if err := os.WriteFile(h.layout.Socket(), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := build(t, h.layout, freePort(t), "", nil)
	if err := again.refusedStart(); err == nil {
		t.Fatal("it started over a file")
	}
	if kept, _ := os.ReadFile(h.layout.Socket()); string(kept) != "precious" {
		t.Fatal("a file was removed")
	}
}

func TestUnsafeConfigsDoNotStart(t *testing.T) {
	for name, lines := range map[string]string{
		"message encryption":        "  encryption:\n    enabled: true\n",
		"TLS without a certificate": "  tls:\n    enabled: true\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), lines, nil)
			failure, is := errors.AsType[*Error](h.refusedStart())
			if !is || failure.Kind != KindRefused || failure.Hint == "" {
				t.Fatal(failure)
			}
		})
	}
	for _, row := range []struct {
		host        string
		auth, tls   bool
		proxy, want bool
	}{
		{"127.0.0.1", false, false, false, true}, {"localhost", true, false, false, true}, {"::1", true, false, false, true}, {"127.0.0.2", true, true, false, true},
		{"0.0.0.0", true, false, false, false}, {"::", true, false, false, false}, {"192.168.1.5", true, false, false, false}, {"example.com", true, true, false, false},
		{"0.0.0.0", true, true, false, true}, {"::", true, true, false, true}, {"192.168.1.5", false, true, false, false}, {"0.0.0.0", true, false, true, true}, {"0.0.0.0", false, false, true, false},
		{"fe80::1%eth0", true, true, false, false},
	} {
		config := configs.Default()
		config.Gateway.Host, config.Gateway.RequireAuth, config.Gateway.TLS.Enabled = row.host, row.auth, row.tls
		if row.proxy {
			config.Gateway.BehindProxy, config.Gateway.TrustedProxies = true, []string{"10.0.0.1"}
		}
		if err := startable(&configs.Snapshot{Config: config}); (err == nil) != row.want {
			t.Errorf("%+v: %v", row, err)
		}
	}
}

func TestGatewayDoesNotStartWithoutItsAuditLog(t *testing.T) {
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", nil)
	h.breakAudit(errors.New("no space left on device"))
	if err := h.refusedStart(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatal(err)
	}
}

func TestStopLetsStreamsEndTellsSocketsAndLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	release := make(chan struct{})
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "data: first")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
			fmt.Fprintln(w, "data: last")
		})
		d.Grace = 5 * time.Second
	}).run()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.Address().String()+"/v1/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", h.token)
	transport := &http.Transport{}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "data: first\n" {
		t.Fatal(line, err)
	}
	c := h.local()
	var told wire.Event
	if err := c.Call(t.Context(), wire.MethodGatewayStop, nil, nil); err != nil {
		t.Fatal("the answer to stop did not arrive:", err)
	}
	for e := range c.Events() {
		told = e
	}
	if told.Event != wire.EventShutdown || !strings.Contains(c.Err().Error(), "gateway stopping") {
		t.Fatal(told.Event, c.Err())
	}
	close(release)
	if rest, err := io.ReadAll(lines); err != nil || string(rest) != "data: last\n" {
		t.Fatalf("the stream was cut: %q %v", rest, err)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	transport.CloseIdleConnections()
	if len(h.audited("gateway_start")) != 1 || len(h.audited("gateway_stop")) != 1 {
		t.Fatal("start and stop are not audited")
	}
	if _, err := h.dial(client.Options{Socket: h.layout.Socket()}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("what the command line looks for is not in the error:", err)
	}
	until(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before+1 })
}

func TestStreamThatNeverEndsIsCutAfterTheGrace(t *testing.T) {
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		})
		d.Grace = 100 * time.Millisecond
	}).run()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.Address().String()+"/v1/messages", nil)
	r.Header.Set("X-Api-Key", h.token)
	response, err := (&http.Transport{}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Fatal("a cut stream looks like a clean end")
	}
}
