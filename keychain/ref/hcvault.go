package ref

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

const maxVaultAnswer = 1 << 20 // bytes

// hcvault asks HashiCorp Vault or OpenBao by their HTTP API, version 1. The
// addresses, the headers and the answers are those of its documents: "KV secrets
// engine - version 1 (API)", "… version 2 (API)" and, for which of them is
// mounted, what vault's own command line asks: sys/internal/ui/mounts.
type hcvault struct {
	client    *http.Client
	address   *url.URL
	token     string
	namespace string
}

// firstOf returns the first variable that is set: OpenBao has names of its own.
func (r *Resolver) firstOf(names ...string) string {
	for _, name := range names {
		if value, ok := r.lookup(name); ok && value != "" {
			return value
		}
	}
	return ""
}

func (r *Resolver) askHCVault(ctx context.Context, reference Reference) (keychain.Secret, error) {
	h, err := r.openHCVault()
	if err != nil {
		return keychain.Secret{}, err
	}
	if closer, ok := h.client.Transport.(*http.Transport); ok && r.options.Transport == nil {
		defer closer.CloseIdleConnections()
	}
	mount, second, err := h.mountOf(ctx, reference.first)
	if err != nil {
		return keychain.Secret{}, err
	}
	entry := strings.TrimPrefix(reference.first, mount)
	if !second && reference.version != "" {
		return keychain.Secret{}, outside(keychain.KindBadReference, "the mount "+mount+" keeps no versions (KV version 1)", "leave ?version= out")
	}
	where, query := mount+entry, url.Values{}
	if second {
		where = mount + "data/" + entry
	}
	if reference.version != "" {
		query.Set("version", reference.version)
	}
	answer, err := h.get(ctx, where, query)
	if err != nil {
		return keychain.Secret{}, err
	}
	defer clear(answer)
	data, err := entryData(answer, second)
	if err != nil {
		return keychain.Secret{}, err
	}
	return vaultMember(data, reference.field)
}

// vaultMember picks the member. An entry of one needs no name.
func vaultMember(data json.RawMessage, field string) (keychain.Secret, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil || len(members) == 0 {
		return keychain.Secret{}, outside(keychain.KindNotFound, "the entry is empty", "write it, or correct the path")
	}
	if field == "" {
		if len(members) > 1 {
			return keychain.Secret{}, outside(keychain.KindBadReference, fmt.Sprintf("the entry has %d members", len(members)), "say which: hcvault://mount/path#member")
		}
		for name := range members {
			return single(members[name])
		}
	}
	whole := keychain.NewSecret(bytes.Clone(data))
	defer whole.Wipe()
	return member(whole, field)
}

func single(raw json.RawMessage) (keychain.Secret, error) {
	wrapped, err := json.Marshal(map[string]json.RawMessage{"x": raw})
	if err != nil {
		return keychain.Secret{}, outside(keychain.KindCorrupt, "the member is no JSON", "write it anew")
	}
	whole := keychain.NewSecret(wrapped)
	defer whole.Wipe()
	return member(whole, "x")
}

func (r *Resolver) openHCVault() (*hcvault, error) {
	text := r.firstOf("VAULT_ADDR", "BAO_ADDR")
	if text == "" {
		return nil, outside(keychain.KindNoService, "the server's address is not known", "export VAULT_ADDR=https://vault.example.com:8200 before openclaw starts")
	}
	address, err := url.Parse(text)
	if err != nil || address.Host == "" || address.User != nil || address.RawQuery != "" || address.Fragment != "" || (address.Scheme != "https" && address.Scheme != "http") {
		return nil, outside(keychain.KindBadReference, "VAULT_ADDR is no address of a server", "write VAULT_ADDR=https://vault.example.com:8200")
	}
	if address.Scheme == "http" && !loopback(address.Hostname()) {
		return nil, outside(keychain.KindUnsupported, "VAULT_ADDR has no TLS: the token and the secret would cross the network in clear", "use https://, or a tunnel to an address of this machine")
	}
	h := &hcvault{address: address, token: r.firstOf("VAULT_TOKEN", "BAO_TOKEN"), namespace: r.firstOf("VAULT_NAMESPACE", "BAO_NAMESPACE")}
	if h.token == "" {
		if home, ok := r.lookup("HOME"); ok && filepath.IsAbs(home) {
			path := filepath.Join(home, ".vault-token") // where 'vault login' keeps it
			data, err := file.ReadPrivate(path, 4<<10)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, fileError("read the token", path, err)
			}
			h.token = strings.TrimSpace(string(data))
			clear(data)
		}
	}
	if h.token == "" || strings.ContainsAny(h.token, "\r\n") {
		return nil, outside(keychain.KindLocked, "there is no token for the server", "run 'vault login' (or bao login), or export VAULT_TOKEN before openclaw starts")
	}
	transport := r.options.Transport
	if transport == nil {
		if transport, err = r.vaultTransport(); err != nil {
			return nil, err
		}
	}
	h.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return h, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// vaultTransport trusts the system's certificates, and those of VAULT_CACERT.
func (r *Resolver) vaultTransport() (http.RoundTripper, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: r.firstOf("VAULT_TLS_SERVER_NAME", "BAO_TLS_SERVER_NAME")},
	}
	path := r.firstOf("VAULT_CACERT", "BAO_CACERT")
	if path == "" {
		return transport, nil
	}
	pem, err := file.Read(path, 1<<20)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		return nil, outside(keychain.KindFailed, "the certificates of VAULT_CACERT cannot be read", "check the file "+path)
	}
	transport.TLSClientConfig.RootCAs = pool
	return transport, nil
}

// mountOf says where the secrets engine is mounted, and whether it is KV version 2.
func (h *hcvault) mountOf(ctx context.Context, path string) (mount string, second bool, err error) {
	answer, err := h.get(ctx, "sys/internal/ui/mounts/"+path, nil)
	if err != nil {
		switch keychain.KindOf(err) {
		case keychain.KindNotFound:
			err = outside(keychain.KindNotFound, "nothing is mounted there", "correct the part behind hcvault://; 'vault secrets list' shows the mounts")
		case keychain.KindWrongKey: // Vault answers both alike, whoever asks
			err = outside(keychain.KindWrongKey, "the server refuses the token, or nothing is mounted there",
				"see 'vault token lookup' for whether it is expired and may read this path, and 'vault secrets list' for the part behind hcvault://")
		default: // it is told as it came
		}
		return "", false, err
	}
	var found struct {
		Data struct {
			Path    string            `json:"path"`
			Type    string            `json:"type"`
			Options map[string]string `json:"options"`
		} `json:"data"`
	}
	if json.Unmarshal(answer, &found) != nil || !strings.HasSuffix(found.Data.Path, "/") || !strings.HasPrefix(path, found.Data.Path) {
		return "", false, outside(keychain.KindCorrupt, "the server's answer about its mounts is not understood", "check that VAULT_ADDR is a Vault or OpenBao server")
	}
	if found.Data.Type != "kv" && found.Data.Type != "generic" && found.Data.Type != "cubbyhole" {
		return "", false, outside(keychain.KindUnsupported, "the mount keeps no key-value secrets", "use a kv mount; what the engine there makes is not read")
	}
	return found.Data.Path, found.Data.Options["version"] == "2", nil
}

// get asks once. It follows no redirect: the token would go with it.
func (h *hcvault) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	target := *h.address
	target.Path, target.RawPath = strings.TrimRight(target.Path, "/")+"/v1/"+path, "" // escaped when it is written
	target.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, outside(keychain.KindBadReference, "the path makes no address", "correct the part behind hcvault://")
	}
	request.Header.Set("X-Vault-Token", h.token)
	request.Header.Set("X-Vault-Request", "true")
	if h.namespace != "" {
		request.Header.Set("X-Vault-Namespace", h.namespace)
	}
	response, err := h.client.Do(request)
	if err != nil {
		return nil, h.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxVaultAnswer+1))
	if err == nil {
		err = ctx.Err() // at the deadline an answer may come with its end missing
	}
	if err != nil {
		clear(body)
		return nil, h.unreachable(ctx, err)
	}
	if len(body) > maxVaultAnswer {
		clear(body)
		return nil, outside(keychain.KindTooBig, "the server's answer has more than 1 MiB", "check that VAULT_ADDR is a Vault or OpenBao server")
	}
	if response.StatusCode == http.StatusOK {
		return body, nil
	}
	defer clear(body)
	return nil, h.refused(response, body)
}

// refused gives each status its kind. The server's own words are not repeated.
func (h *hcvault) refused(response *http.Response, body []byte) error {
	switch code := response.StatusCode; {
	case code == http.StatusNotFound && gone(body) != "":
		return outside(keychain.KindNotFound, "that version was "+gone(body), "ask for another with ?version=, or write the entry anew")
	case code == http.StatusNotFound:
		return outside(keychain.KindNotFound, "the server has no such entry", "correct the path, or write it: vault kv put")
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		return outside(keychain.KindWrongKey, "the server refuses the token", "it may be expired, or its policy may not read this path (and sys/internal/ui/mounts): vault token lookup")
	case code == http.StatusServiceUnavailable:
		return outside(keychain.KindLocked, "the server is sealed or in maintenance", "unseal it: vault operator unseal")
	case code == http.StatusTooManyRequests:
		return outside(keychain.KindFailed, "the server says that it is asked too often", "it is asked again in a few seconds")
	case code >= 300 && code < 400:
		return outside(keychain.KindUnsupported, "the server sends elsewhere, and the token is not taken there", "set VAULT_ADDR to the active server")
	default:
		return outside(keychain.KindFailed, "the server answered with status "+strconv.Itoa(code), "look at the server's log")
	}
}

// gone tells what became of a version: KV version 2 says it in its 404.
func gone(body []byte) string {
	var answer struct {
		Data struct {
			Metadata struct {
				Deletion  string `json:"deletion_time"`
				Destroyed bool   `json:"destroyed"`
			} `json:"metadata"`
		} `json:"data"`
	}
	switch {
	case json.Unmarshal(body, &answer) != nil:
		return ""
	case answer.Data.Metadata.Destroyed:
		return "destroyed"
	case answer.Data.Metadata.Deletion != "":
		return "deleted"
	}
	return ""
}

func (h *hcvault) unreachable(ctx context.Context, err error) error {
	wrong, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil:
		return outside(keychain.KindTimeout, "the server "+h.address.Host+" did not answer in time", "check VAULT_ADDR and the network")
	case badCertificate:
		return outside(keychain.KindNoService, "the server's certificate is not trusted: "+wrong.Err.Error(), "set VAULT_CACERT to the file of its authority")
	}
	return outside(keychain.KindNoService, "the server "+h.address.Host+" is not reached", "check VAULT_ADDR and the network")
}

// entryData takes the members out of the answer.
func entryData(answer []byte, second bool) (json.RawMessage, error) {
	corrupt := outside(keychain.KindCorrupt, "the server's answer is not understood", "check that VAULT_ADDR is a Vault or OpenBao server")
	var outer struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(answer, &outer) != nil || len(outer.Data) == 0 {
		return nil, corrupt
	}
	if !second {
		return outer.Data, nil
	}
	var inner struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(outer.Data, &inner) != nil || len(inner.Data) == 0 {
		return nil, corrupt
	}
	return inner.Data, nil
}
