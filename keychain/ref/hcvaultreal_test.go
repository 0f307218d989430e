package ref

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"openclaw/keychain"
)

// realVault is HashiCorp Vault 1.21 itself, its core and its KV engines, and no
// stand-in:
//
//	OPENCLAW_TEST_HCVAULT=$(.ci/vault-server) go test ./keychain/ref -run RealVault
//
// To build it takes too long for each change, whose tests have the stand-in alone.
type realVault struct {
	t       *testing.T
	address string
	key     string // that unseals it
	root    string // its first token
}

func startVault(t *testing.T) *realVault {
	t.Helper()
	program := os.Getenv("OPENCLAW_TEST_HCVAULT")
	if program == "" {
		t.Skip("Vault is run where OPENCLAW_TEST_HCVAULT names the program that .ci/vault-server builds")
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program)
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // it ends then
		if err := cmd.Wait(); err != nil {
			t.Errorf("vault: %v\n%s", err, said.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("vault said nothing: %v\n%s", err, said.String())
	}
	return &realVault{t: t, address: strings.TrimSpace(line)}
}

// asks makes a request of Vault's API with the first token, which must be answered well.
func (v *realVault) asks(method, path string, body, answer any) {
	v.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		v.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(v.t.Context(), method, v.address+"/v1/"+path, bytes.NewReader(text))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("X-Vault-Token", v.root)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	var said bytes.Buffer
	if _, err := said.ReadFrom(response.Body); err != nil {
		v.t.Fatal(err)
	}
	if response.StatusCode >= 300 {
		v.t.Fatalf("%s %s: %s %s", method, path, response.Status, said.String())
	}
	if answer != nil {
		if err := json.Unmarshal(said.Bytes(), answer); err != nil {
			v.t.Fatalf("%s %s: %v: %s", method, path, err, said.String())
		}
	}
}

type object = map[string]any

// opens initializes and unseals it.
func (v *realVault) opens() {
	v.t.Helper()
	var first struct {
		Keys []string `json:"keys"`
		Root string   `json:"root_token"`
	}
	v.asks(http.MethodPut, "sys/init", object{"secret_shares": 1, "secret_threshold": 1}, &first)
	v.key, v.root = first.Keys[0], first.Root
	v.unseals()
}

func (v *realVault) unseals() {
	v.t.Helper()
	v.asks(http.MethodPut, "sys/unseal", object{"key": v.key}, nil)
	v.becomesActive()
}

// becomesActive waits for the end of an unsealing, which goes on behind its answer.
func (v *realVault) becomesActive() {
	v.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get(v.address + "/v1/sys/health")
		if err != nil {
			v.t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			v.t.Fatalf("vault is not active: %s", response.Status)
		}
	}
}

// mounts makes a key-value engine of a version.
func (v *realVault) mounts(path, version string) {
	v.t.Helper()
	v.asks(http.MethodPost, "sys/mounts/"+path, object{"type": "kv", "options": object{"version": version}}, nil)
}

// token makes a token that may do what the policy says.
func (v *realVault) token(name, rules string) string {
	v.t.Helper()
	v.asks(http.MethodPut, "sys/policies/acl/"+name, object{"policy": rules}, nil)
	var made struct {
		Auth struct {
			Token string `json:"client_token"`
		} `json:"auth"`
	}
	v.asks(http.MethodPost, "auth/token/create", object{"policies": []string{name}, "no_default_policy": true}, &made)
	return made.Auth.Token
}

// resolver is one that nothing was asked of yet, so that it asks the server.
func (v *realVault) resolver(token string, more ...string) *Resolver {
	variables := map[string]string{"VAULT_ADDR": v.address, "VAULT_TOKEN": token}
	for i := 0; i+1 < len(more); i += 2 {
		variables[more[i]] = more[i+1]
	}
	return New(Options{LookupEnv: environment(variables), Patience: time.Minute})
}

func (v *realVault) gives(token, reference, want string) {
	v.t.Helper()
	value, _, err := v.resolver(token).Resolve(v.t.Context(), reference)
	if err != nil || string(value.Reveal()) != want {
		v.t.Errorf("%s: %q %v, want %q", reference, value.Reveal(), err, want)
	}
}

func (v *realVault) refuses(token, reference string, kind keychain.Kind, more ...string) {
	v.t.Helper()
	_, _, err := v.resolver(token, more...).Resolve(v.t.Context(), reference)
	if keychain.KindOf(err) != kind {
		v.t.Errorf("%s: %v, want kind %q", reference, err, kind)
		return
	}
	wantKind(v.t, err, kind)
	if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), canary) {
		v.t.Errorf("%s: a secret is shown: %v", reference, err)
	}
}

// A real Vault gives what was put into it, by its own words, to whom its policies let
// read it, and each of its refusals is told apart.
func TestRealVault(t *testing.T) {
	v := startVault(t)
	v.refuses("hvs.none", "hcvault://secret/app#key", keychain.KindLocked) // it is not even initialized
	v.opens()

	v.mounts("secret", "2")
	v.mounts("team/deep/kv", "2")
	v.mounts("old", "1")
	for i := range 4 {
		v.asks(http.MethodPost, "secret/data/app", object{"data": object{"key": fmt.Sprint("value ", i+1), "deep": object{"er": "inner"}, "n": 7}}, nil)
	}
	v.asks(http.MethodPost, "secret/delete/app", object{"versions": []int{2}}, nil)
	v.asks(http.MethodPut, "secret/destroy/app", object{"versions": []int{3}}, nil)
	v.asks(http.MethodPost, "secret/data/one", object{"data": object{"only": "single"}}, nil)
	v.asks(http.MethodPost, "secret/data/empty", object{"data": object{}}, nil)
	v.asks(http.MethodPost, "secret/data/closed", object{"data": object{"key": canary}}, nil)
	v.asks(http.MethodPost, "secret/data/a%20b/c%25", object{"data": object{"key": "escaped"}}, nil)
	v.asks(http.MethodPost, "team/deep/kv/data/app/of/ours", object{"data": object{"key": "deeper"}}, nil)
	v.asks(http.MethodPost, "old/app", object{"key": "first version", "n": 7}, nil)
	v.asks(http.MethodPost, "old/one", object{"only": "single"}, nil)

	for reference, want := range map[string]string{
		"hcvault://secret/app#key": "value 4", "hcvault://secret/app#deep.er": "inner", "hcvault://secret/app#n": "7", "hcvault://secret/one": "single",
		"hcvault://secret/app?version=1#key": "value 1", "hcvault://secret/app?version=4#key": "value 4",
		"hcvault://secret/a b/c%25#key": "escaped", "hcvault://team/deep/kv/app/of/ours#key": "deeper",
		"hcvault://old/app#key": "first version", "hcvault://old/app#n": "7", "hcvault://old/one": "single",
	} {
		v.gives(v.root, reference, want)
	}
	for reference, kind := range map[string]keychain.Kind{
		"hcvault://secret/app": keychain.KindBadReference, "hcvault://secret/app#none": keychain.KindNotFound, "hcvault://secret/app#deep": keychain.KindNotFound,
		"hcvault://secret/app?version=2#key": keychain.KindNotFound, "hcvault://secret/app?version=3#key": keychain.KindNotFound, "hcvault://secret/app?version=9#key": keychain.KindNotFound,
		"hcvault://secret/none#key": keychain.KindNotFound, "hcvault://secret/empty": keychain.KindNotFound,
		"hcvault://old/none#key": keychain.KindNotFound, "hcvault://old/app": keychain.KindBadReference, "hcvault://old/app?version=1#key": keychain.KindBadReference,
		"hcvault://identity/entity#key": keychain.KindUnsupported,
		"hcvault://nothing/there#key":   keychain.KindWrongKey, // as to a token that may not know
	} {
		v.refuses(v.root, reference, kind)
	}

	reader := v.token("reader", `path "secret/data/app" { capabilities = ["read"] }`)
	v.gives(reader, "hcvault://secret/app#key", "value 4")
	v.gives(reader, "hcvault://secret/app?version=1#key", "value 1")
	v.refuses(reader, "hcvault://secret/closed#key", keychain.KindWrongKey)
	v.refuses(reader, "hcvault://old/app#key", keychain.KindWrongKey)
	v.refuses("hvs.not-a-token-of-this-server", "hcvault://secret/app#key", keychain.KindWrongKey)
	v.asks(http.MethodPost, "auth/token/revoke", object{"token": reader}, nil)
	v.refuses(reader, "hcvault://secret/app#key", keychain.KindWrongKey)

	v.asks(http.MethodPut, "sys/seal", nil, nil)
	v.refuses(v.root, "hcvault://secret/app#key", keychain.KindLocked)
	v.unseals()
	v.gives(v.root, "hcvault://secret/app#key", "value 4")
}
