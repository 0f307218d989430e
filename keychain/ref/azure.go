package ref

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"openclaw/keychain"
)

// azureAPI is the version of the REST API that is spoken ("Get Secret").
const azureAPI = "7.4"

// azureCall is one conversation with Azure.
type azureCall struct {
	*cloud
	resolver  *Resolver
	authority string // the host that gives tokens
	suffix    string // of the hosts of vaults
}

// azureClouds are Azure's own clouds: the host that gives tokens, and the end of the
// hosts of vaults ("National clouds", and the SDK's azcore/cloud).
var azureClouds = [...][2]string{
	{"login.microsoftonline.com", "vault.azure.net"},
	{"login.chinacloudapi.cn", "vault.azure.cn"},
	{"login.partner.microsoftonline.cn", "vault.azure.cn"},
	{"login.microsoftonline.us", "vault.usgovcloudapi.net"},
}

// askAzure asks Azure Key Vault: one call, Get Secret, and before it one without a
// token, whose refusal has to name this cloud. Azure's libraries are not used: they add
// 72 packages and 400 allocations before main.
func (r *Resolver) askAzure(ctx context.Context, reference Reference) (keychain.Secret, error) {
	c, err := r.openCloud("Azure", "check the vault's name, AZURE_AUTHORITY_HOST if you set it, and the network", "")
	if err != nil {
		return keychain.Secret{}, err
	}
	defer c.release()
	call := &azureCall{cloud: c, resolver: r}
	if err := call.choose(); err != nil {
		return keychain.Secret{}, err
	}
	vault, name, _ := strings.Cut(reference.first, "/")
	where := "https://" + strings.ToLower(vault) + "." + call.suffix + "/secrets/" + name + "/" + reference.version
	token, held, err := call.token(ctx, where)
	if err != nil {
		return keychain.Secret{}, err
	}
	value, err := call.secret(ctx, token, where, name)
	if kind := keychain.KindOf(err); kind == keychain.KindLocked || kind == keychain.KindWrongKey {
		r.cache.forgetKey(held)
	}
	return value, err
}

// choose finds which of Azure's clouds is spoken to.
func (c *azureCall) choose() error {
	text := c.resolver.firstOf("AZURE_AUTHORITY_HOST")
	if text == "" {
		text = azureClouds[0][0]
	}
	host := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(text, "https://"), "/"))
	for _, known := range azureClouds {
		if host == known[0] {
			c.authority, c.suffix = known[0], known[1]
			return nil
		}
	}
	return outside(keychain.KindBadReference, "AZURE_AUTHORITY_HOST is none of Azure's clouds", "write https://login.microsoftonline.com, https://login.microsoftonline.us or https://login.partner.microsoftonline.cn")
}

// request makes a Get Secret; without a token it is the question for the challenge.
func (c *azureCall) request(ctx context.Context, where, token string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where+"?api-version="+azureAPI, nil)
	if err != nil {
		return nil, outside(keychain.KindBadReference, "the reference makes no address", c.look)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request, nil
}

// challenge asks the vault with no token for whom one has to be ("Authentication,
// requests and responses"), and refuses a vault that names another place: the token
// would open other vaults to it. It returns the tenant.
func (c *azureCall) challenge(ctx context.Context, where string) (tenant string, err error) {
	answer, err := c.ask(ctx, func() (*http.Request, error) { return c.request(ctx, where, "") }, nil)
	if err != nil {
		return "", err
	}
	defer clear(answer.body)
	if answer.status != http.StatusUnauthorized {
		if answer.status == http.StatusOK {
			return "", c.notUnderstood()
		}
		return "", c.refused(answer, azureToken{from: "no token"})
	}
	fields := challengeFields(answer.header.Get("WWW-Authenticate"))
	where, resource := fields["authorization"], fields["resource"]
	if where == "" {
		where = fields["authorization_uri"]
	}
	if scope := fields["scope"]; resource == "" {
		resource = strings.TrimSuffix(scope, "/.default")
	}
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "https" || u.User != nil {
		return "", c.notUnderstood()
	}
	tenant = strings.Trim(u.Path, "/")
	if !strings.EqualFold(u.Host, c.authority) || strings.TrimSuffix(resource, "/") != "https://"+c.suffix || !cloudForms().azureTenant.MatchString(tenant) {
		return "", outside(keychain.KindUnsupported, "the vault asks for a token of another place, and gets none", "check AZURE_AUTHORITY_HOST, and that nothing answers in the vault's place")
	}
	return tenant, nil
}

// challengeFields reads "Bearer name="value", …" of RFC 6750, section 3.
func challengeFields(header string) map[string]string {
	fields := map[string]string{}
	rest, is := strings.CutPrefix(header, "Bearer ")
	if !is {
		return fields
	}
	for field := range strings.FieldsFuncSeq(rest, func(c rune) bool { return c == ',' || c == ' ' }) {
		name, value, _ := strings.Cut(field, "=")
		fields[strings.ToLower(name)] = strings.Trim(value, `"`)
	}
	return fields
}

func (c *azureCall) secret(ctx context.Context, token azureToken, where, name string) (keychain.Secret, error) {
	answer, err := c.ask(ctx, func() (*http.Request, error) { return c.request(ctx, where, token.Access) }, nil)
	if err != nil {
		return keychain.Secret{}, err
	}
	defer clear(answer.body)
	if answer.status != http.StatusOK {
		return keychain.Secret{}, c.refused(answer, token)
	}
	var found struct {
		Value *string `json:"value"`
		ID    string  `json:"id"`
	}
	if json.Unmarshal(answer.body, &found) != nil || found.Value == nil {
		return keychain.Secret{}, c.notUnderstood()
	}
	if _, id, ok := strings.Cut(found.ID, "/secrets/"); !ok || !strings.EqualFold(strings.Split(id, "/")[0], name) {
		return keychain.Secret{}, c.notUnderstood() // it is another secret's
	}
	return c.secretOf([]byte(*found.Value))
}

// refused gives each error of the service its kind ("Azure Key Vault REST API error
// codes"). Azure's own words are not repeated: they hold names and addresses.
func (c *azureCall) refused(answer reply, token azureToken) error {
	var said struct {
		Error struct {
			Code  string `json:"code"`
			Inner struct {
				Code string `json:"code"`
			} `json:"innererror"`
		} `json:"error"`
	}
	_ = json.Unmarshal(answer.body, &said) // an answer of a gateway in between is no JSON
	switch status, inner := answer.status, said.Error.Inner.Code; {
	case status == http.StatusNotFound:
		return outside(keychain.KindNotFound, "the vault has no such secret, or not this version of it", "correct the name; az keyvault secret list --vault-name VAULT shows those that are (a deleted one: az keyvault secret recover)")
	case inner == "SecretDisabled":
		return outside(keychain.KindNotFound, "the secret is disabled", "az keyvault secret set-attributes --enabled true")
	case inner == "ForbiddenByFirewall", inner == "ForbiddenByConnection":
		return outside(keychain.KindUnsupported, "the vault's firewall does not let this machine in", "add its address to the vault's network rules, or go by its private endpoint")
	case status == http.StatusForbidden:
		return outside(keychain.KindWrongKey, "the vault does not let the login ("+token.from+") read the secret", "give it the role Key Vault Secrets User on the vault, or the access policy Get for secrets")
	case status == http.StatusUnauthorized:
		return outside(keychain.KindLocked, "the vault does not take the token ("+token.from+")", "log in anew to the vault's own tenant: az login --tenant TENANT")
	case status == http.StatusBadRequest:
		return outside(keychain.KindBadReference, "Azure does not take the name or the version", "correct the reference")
	case status == http.StatusTooManyRequests:
		return c.busy(answer.after)
	case status >= 500:
		return c.broken(answer)
	}
	return outside(keychain.KindFailed, "Azure answered with status "+strconv.Itoa(answer.status), c.look)
}
