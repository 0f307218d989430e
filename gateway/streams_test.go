package gateway

import (
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"openclaw/configs"
	"openclaw/gateway/client"
)

// What is under way ends with the right to it: the agent is taken out of the
// config, its provider is another one, its run ends, or the gateway asks for
// tokens again.
func TestCallsEndWithTheRightToThem(t *testing.T) {
	const withoutCoder = "\nagents:\n  reviewer: {}\n"
	const otherProvider = "\nagents:\n  coder: {provider: openai}\n  reviewer: {}\n"
	for name, end := range map[string]func(h *house, run string){
		"agent removed":    func(h *house, _ string) { h.writeConfig("", withoutCoder) },
		"another provider": func(h *house, _ string) { h.writeConfig("", otherProvider) },
		"run ended":        func(h *house, run string) { h.endRun(run, "exit 0") },
	} {
		t.Run(name, func(t *testing.T) {
			begun, ended := make(chan struct{}, 2), make(chan string, 2)
			h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) {
				d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					agent, _ := r.Context().Value(callerKey{}).(string)
					_, _ = io.WriteString(w, "event: ping\n\n")
					_ = http.NewResponseController(w).Flush() // a client that is gone shows below
					begun <- struct{}{}
					<-r.Context().Done()
					ended <- agent
				})
			}).run()
			run := startRun(t, h.local(), "coder")
			other := h.agents.Mint("reviewer", "other")
			for _, token := range []string{run.Token, other} {
				go func() {
					request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.Address().String()+"/v1/messages", nil)
					if err != nil {
						return
					}
					request.Header.Set("X-Api-Key", token)
					if response, err := http.DefaultClient.Do(request); err == nil {
						_, _ = io.Copy(io.Discard, response.Body)
						response.Body.Close()
					}
				}()
			}
			<-begun
			<-begun
			end(h, run.Run)
			if agent := <-ended; agent != "coder" {
				t.Fatalf("the call of %s was cut", agent)
			}
			if len(ended) != 0 {
				t.Fatal("another agent's call was cut")
			}
		})
	}
}

// A gateway that asks for tokens again keeps nobody who got in without one.
func TestAuthenticationSwitchedOnCutsWhoHadNone(t *testing.T) {
	h := start(t, "  require_auth: false\n")
	open, err := h.dial(client.Options{URL: h.url(), Name: "cli", Scopes: []string{"operator.read"}})
	if err != nil {
		t.Fatal(err)
	}
	withToken := h.remote("operator.read")
	h.writeConfig("", agentsConfig)
	<-open.Done()
	if err := withToken.Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("a socket with a token was cut:", err)
	}
}
