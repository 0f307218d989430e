package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A provider that hangs, resets, fails or streams for ever, called by a real
// curl in a cage: each call ends, is told what happened in the API's own shape
// or cut so that it cannot be taken for whole, and is on record. The gateway
// and the next call do not suffer, and no call shows the key.
func TestProvidersThatMisbehave(t *testing.T) {
	t.Parallel()
	p, u, _ := mortal(t)
	closed := freePort(t)
	write(t, p.configFile(), fmt.Sprintf("gateway:\n  port: %d\nagents:\n  coder: {}\n%s  openai:\n    base_url: http://127.0.0.1:%d\n    api_key: ${KEY_OF_THE_PROVIDER}\n",
		freePort(t), u.providers(), closed))
	p.gateway()
	c := p.cage("coder")
	call := func(does, flags string) string {
		return c.do(modelCall(does, flags+` -w '\nHTTP %{http_code}'`) + `; echo "curl $?"`)
	}
	// A client gives up once its call has come to the provider, and it has what it
	// gets: after some seconds of a busy machine neither may be so.
	givesUp := func(does, gets string) string {
		c.do(`said=$(mktemp); ` + modelCall(does, "-m 1000 -i") + ` > $said 2>&1 &`)
		p.eventually("the call", func() bool { return u.open.Load() == 1 })
		return c.do(`until [ -z "` + gets + `" ] || grep -q "` + gets + `" $said; do sleep 0.1; done; kill $!; wait $!; echo "curl $?"; cat $said`)
	}

	for _, bad := range []struct{ name, does, gets string }{
		{"hangs", "hang", ""},
		{"hangs in the middle", "hang later", "event: ping"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			said := givesUp(bad.does, bad.gets)
			says(t, said, "curl 143", bad.gets) // by SIGTERM
			if strings.Contains(said, "HTTP/1.1 200 OK") != (bad.gets != "") || strings.Contains(said, providerKey) {
				t.Errorf("it says:\n%s", said)
			}
			p.eventually("the provider's end of the call", func() bool { return u.open.Load() == 0 })
		})
	}
	for _, bad := range []struct {
		name, does, flags string
		want              []string
		never             []string
	}{
		{"resets", "reset", "", []string{`"type":"error"`, "HTTP 502", "curl 0"}, nil},
		{"resets in the middle", "reset later", "", []string{"event: ping", "HTTP 200"}, []string{"curl 0"}},
		{"ends early", "close", "", []string{"HTTP 200"}, []string{"curl 0"}},
		{"is no provider", "garbage", "", []string{`"type":"error"`, "HTTP 502", "curl 0"}, nil},
		{"answers 500", "500", "-D -", []string{ownFailure, "HTTP 500", "curl 0", "req_7"}, nil},
	} {
		t.Run(bad.name, func(t *testing.T) {
			before := u.calls.Load()
			said := call(bad.does, bad.flags)
			if calls := u.calls.Load() - before; calls != 1 {
				t.Errorf("%d calls came to the provider", calls)
			}
			says(t, said, bad.want...)
			for _, text := range append(bad.never, providerKey) {
				if strings.Contains(said, text) {
					t.Errorf("it says %q:\n%s", text, said)
				}
			}
			p.eventually("the provider's end of the call", func() bool { return u.open.Load() == 0 })
		})
	}
	t.Run("streams for ever", func(t *testing.T) {
		if said := c.do(modelCall("endless", "-m 20") + ` 2>/dev/null | head -c 3000000 | wc -c`); said != "3000000" {
			t.Errorf("%s bytes arrived", said)
		}
		p.eventually("the provider's end of the call", func() bool { return u.open.Load() == 0 })
	})
	t.Run("is not there", func(t *testing.T) {
		said := c.do(`curl -sS -m 10 -w '\nHTTP %{http_code}' "$OPENAI_BASE_URL/chat/completions" -H "authorization: Bearer $OPENAI_API_KEY" -H 'content-type: application/json' -d '{}' </dev/null`)
		says(t, said, `"error"`, "HTTP 502")
	})
	if worked, said := c.callsModel(); !worked {
		t.Errorf("the next call: %s", said)
	}
	if code := c.leave(0); code != 0 {
		t.Errorf("the run ended with %d", code)
	}

	// Every call is on record, with its end: the last ones a moment later.
	var said result
	p.eventually("the record of ten calls", func() bool {
		said = p.openclaw("audit", "search", "--since", "1h", "--event", "api_call")
		return said.code != 0 || strings.Count(said.out, `"api_call"`) >= 10
	})
	if said.code != 0 {
		t.Fatalf("audit search ended with %d: %s", said.code, said.errors)
	}
	ends := map[string]int{}
	for decoder := json.NewDecoder(strings.NewReader(said.out)); decoder.More(); {
		var row struct{ User, Result, Reason string }
		if err := decoder.Decode(&row); err != nil {
			t.Fatalf("audit search: %v: %s", err, said.errors)
		}
		if row.User != "agent coder" && row.User != "coder" {
			t.Errorf("the call of %q", row.User)
		}
		if row.Result == "failure" && row.Reason == "" {
			ends["failure without a word"]++
		}
		ends[row.Result]++
	}
	// The provider's own 500 needs no word of ours.
	if ends["success"] != 1 || ends["failure"] != 9 || ends["failure without a word"] > 1 {
		t.Errorf("on record: %v\n%s", ends, said.out)
	}
	p.noKeyInLogs(providerKey)
}
