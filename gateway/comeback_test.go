package gateway

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/wire"
)

// A gateway that is started anew does not end the login of what runs in cages: until
// their supervisors are back, calls are to be sent again. A token that ended here, one
// that nobody brings back, and one of another kind get no time.
func TestRunsOfTheGatewayBeforeAreWaitedFor(t *testing.T) {
	t.Parallel() // it waits
	for name, lines := range map[string]string{"one port": "", "an endpoint of their own": "  trusted_proxies: [127.0.0.1/32]\n"} {
		t.Run(name, func(t *testing.T) {
			layout, clock := newLayout(t), &shifted{}
			h := build(t, layout, freePort(t), lines, clock.deps).run()
			run := startRun(t, h.local(), "coder")
			stranded := h.agents.Mint("coder", "stranded")
			port := int(h.Address().Port())
			if err := h.stop(); err != nil {
				t.Fatal(err)
			}

			h = build(t, layout, port, lines, clock.deps).run()
			call := func(tokens ...string) reply {
				t.Helper()
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.AgentsAddress().String()+"/v1/messages", strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				for i, header := range []string{"X-Api-Key", "Api-Key"}[:len(tokens)] {
					request.Header.Set(header, tokens[i])
				}
				transport := &http.Transport{}
				defer transport.CloseIdleConnections()
				response, err := transport.RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				return reply{StatusCode: response.StatusCode, Header: response.Header}
			}
			for _, token := range []string{run.Token, stranded} {
				if r := call(token); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "1" {
					t.Fatalf("before it is back: %d %v", r.StatusCode, r.Header)
				}
			}
			for peer, waits := range map[string]bool{"127.0.0.1:1024": true, "[::1]:1024": true, "192.0.2.7:1024": false} {
				request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/messages", nil)
				request.RemoteAddr = peer
				if h.awaited(httptest.NewRecorder(), request, []string{stranded}) != waits {
					t.Errorf("from %s it is told to try again: %v", peer, !waits)
				}
			}
			if r := call(run.Token, "sk-a-guess-of-another-kind"); r.StatusCode != http.StatusUnauthorized {
				t.Errorf("a guess beside it: %d", r.StatusCode)
			}
			if r := call(run.Token[:len(run.Token)-1]); r.StatusCode != http.StatusUnauthorized {
				t.Errorf("a token that is cut: %d", r.StatusCode)
			}
			local := h.local()
			resume := wire.RunResumeParams{Run: run.Run, Agent: "coder", Token: run.Token, PID: os.Getpid()}
			if err := local.Call(t.Context(), wire.MethodRunResume, resume, nil); err != nil {
				t.Fatal(err)
			}
			if r := call(run.Token); r.StatusCode != http.StatusOK {
				t.Errorf("when it is back: %d", r.StatusCode)
			}
			if err := local.Call(t.Context(), wire.MethodRunEnd, wire.RunEndParams{Run: run.Run, Exit: "exit 0"}, nil); err != nil {
				t.Fatal(err)
			}
			if r := call(run.Token); r.StatusCode != http.StatusUnauthorized {
				t.Errorf("when it has ended here: %d", r.StatusCode)
			}
			clock.ahead(comeBack + time.Second)
			if r := call(stranded); r.StatusCode != http.StatusUnauthorized {
				t.Errorf("a run that does not come back: %d", r.StatusCode)
			}
		})
	}
}
