package gateway

import (
	"io"
	"net/http"
	"testing"
	"time"

	"openclaw/gateway/wire"
)

// require_auth switched on while the gateway runs holds for what is open: sockets
// and calls that showed no token end, and never look complete; those with one go
// on; nothing new comes in without one.
func TestRequireAuthSwitchedOnLive(t *testing.T) {
	release := make(chan struct{})
	h := build(t, newLayout(t), freePort(t), "  require_auth: false\n", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "event: ping\n\n")
			_ = http.NewResponseController(w).Flush() // a client that is gone shows below
			select {
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			case <-release:
				_, _ = io.WriteString(w, "whole")
			}
		})
	}).run()
	h.writeConfig("  require_auth: false\n", "") // with agents a call needs a token anyway
	laptop := h.addClient("laptop", "operator.write")
	// call begins a call and gives its answer once it has begun.
	call := func(token string) (<-chan error, *string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.Address().String()+"/v1/messages", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			request.Header.Set("X-Api-Key", token)
		}
		response, err := http.DefaultClient.Do(request) //nolint:bodyclose // it is closed below
		if err != nil {
			t.Fatal(err)
		}
		ended, text := make(chan error, 1), new(string)
		go func() {
			all, err := io.ReadAll(response.Body)
			response.Body.Close()
			*text = string(all)
			ended <- err
		}()
		return ended, text
	}
	open, _ := call("")
	withToken, whole := call(h.token)
	named, wholeNamed := call(laptop)
	socket, answer := h.socket("")
	if !answer.OK {
		t.Fatalf("%+v", answer.Error)
	}
	admitted, answer := h.socket(h.token)
	if !answer.OK {
		t.Fatalf("%+v", answer.Error)
	}

	h.writeConfig("", "")
	select {
	case err := <-open:
		if err == nil {
			t.Error("the call that was cut looks complete")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a call without a token goes on")
	}
	if code := closeCode(socket); code != wire.CloseTokenChanged {
		t.Error("the socket was closed with", code)
	}
	if err := admitted.WriteJSON(wire.Request{Type: "req", ID: "2", Method: "status"}); err != nil {
		t.Fatal(err)
	}
	var status wire.Response
	if err := admitted.ReadJSON(&status); err != nil || !status.OK {
		t.Error("a socket with a token was cut:", err)
	}
	close(release)
	for name, one := range map[string]struct {
		ended <-chan error
		text  *string
	}{"the gateway's token": {withToken, whole}, "a client's": {named, wholeNamed}} {
		if err := <-one.ended; err != nil || *one.text != "event: ping\n\nwhole" {
			t.Errorf("a call with %s was cut: %v %q", name, err, *one.text)
		}
	}
	if r := h.ask(t, "POST", "/v1/messages", nil); r.StatusCode != 401 {
		t.Error("let in without a token:", r.Status)
	}
	if _, answer := h.socket(""); answer.OK {
		t.Error("a socket is let in without a token")
	}
}
