package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"openclaw/configs"
	"openclaw/gateway/certs"
	"openclaw/gateway/client"
	"openclaw/keychain"
	"openclaw/keychain/ref"
)

// The variables that say where a gateway is and open it.
const (
	gatewayURLVariable   = "OPENCLAW_GATEWAY_URL"
	gatewayTokenVariable = "OPENCLAW_GATEWAY_TOKEN"
)

// place is where a command finds its gateway: the unix socket of the state folder,
// or what OPENCLAW_GATEWAY_URL or client.gateway_url says.
type place struct {
	layout  configs.Layout
	at      configs.GatewayURL
	from    string // "OPENCLAW_GATEWAY_URL" or "client.gateway_url"; empty: this state folder's own
	options client.Options
	token   func(context.Context) (keychain.Secret, error) // nil: the unix socket needs none
}

// here reports whether it is this state folder's own gateway.
func (p place) here() bool { return p.from == "" }

// place reads where the gateway is. Nothing is connected yet.
func (t *terminal) place() (place, error) {
	layout, err := t.layout()
	if err != nil {
		return place{}, err
	}
	p := place{layout: layout, options: client.Options{Socket: layout.Socket(), Name: asCommand, Version: version}}
	text, settings, err := t.gatewayURL(layout, &p)
	if err != nil {
		return p, err
	}
	if text != "" {
		if p.at, err = configs.ParseGatewayURL(text); err != nil {
			var bad *configs.URLError
			errors.As(err, &bad)
			return p, usage(bad.Hint, "%s %s", p.from, bad.Message)
		}
		if p.at.Socket != "" {
			p.options.Socket = p.at.Socket
			if p.at.Socket == layout.Socket() {
				p.from = ""
			}
		}
	}
	if !p.at.Secure {
		if t.insecure {
			return p, usage("leave it out", "--insecure is for a gateway that is reached over wss://")
		}
		if p.at.URL == "" {
			return p, nil
		}
	}
	p.options.Socket, p.options.URL = "", p.at.URL
	if p.at.Secure {
		if p.options.TLS, err = t.clientTLS(settings, p.at); err != nil {
			return p, err
		}
	}
	if t.variables(layout)(gatewayTokenVariable) == "" {
		return p, &failure{
			err:  fmt.Errorf("the gateway at %s wants a token, and %s is not set", p.at.Host, gatewayTokenVariable),
			hint: "set it in the environment, or in " + layout.Env() + " (mode 0600), as the token itself or as a reference such as keychain://openclaw/" + gatewayTokenName,
		}
	}
	p.token = func(ctx context.Context) (keychain.Secret, error) { return t.clientToken(ctx, layout) }
	return p, nil
}

// clientToken reads the token anew for each connection: whoever names a reference
// follows a rotation without starting again.
func (t *terminal) clientToken(ctx context.Context, layout configs.Layout) (keychain.Secret, error) {
	text := t.variables(layout)(gatewayTokenVariable)
	reference, err := ref.Parse(text)
	switch {
	case !strings.Contains(text, "://"): // a token is any text; a reference is one on purpose
		return keychain.NewSecret([]byte(text)), nil
	case err != nil:
		return keychain.Secret{}, fmt.Errorf("read %s: %w", gatewayTokenVariable, err)
	}
	h := &house{layout: layout}
	if err := t.openSecrets(ctx, h); err != nil {
		return keychain.Secret{}, err
	}
	defer h.secrets.Close()
	secret, _, err := h.resolver.ResolveReference(ctx, reference)
	if err != nil {
		return keychain.Secret{}, fmt.Errorf("read %s: %w", gatewayTokenVariable, err)
	}
	return secret, nil
}

// gatewayURL is the text of the URL, if there is one, and the client's settings of
// TLS. A config that does not load stops only whoever needs it: a person must be
// able to reach their own gateway to mend it.
func (t *terminal) gatewayURL(layout configs.Layout, p *place) (string, configs.ClientTLS, error) {
	text := t.variables(layout)(gatewayURLVariable)
	if text != "" {
		p.from = gatewayURLVariable
	}
	raw, err := configs.Text(layout.Config(), layout)
	if text == "" && (err != nil || !bytes.Contains(raw, []byte("gateway_url"))) {
		return "", configs.ClientTLS{}, nil //nolint:nilerr // a config that cannot be read says nothing of a gateway
	}
	snapshot, err := t.loadConfig()
	if err != nil {
		return "", configs.ClientTLS{}, fmt.Errorf("read where the gateway is: %w", err)
	}
	settings := snapshot.Config.Client
	if text == "" && settings.GatewayURL != "" {
		text, p.from = settings.GatewayURL, "client.gateway_url"
	}
	return text, settings.TLS, nil
}

// clientTLS is this side of TLS. A gateway that is not checked gets the token all
// the same, so that leaving the check out takes two decisions for another machine:
// verify_server: false in the config, and --insecure on the command line.
func (t *terminal) clientTLS(settings configs.ClientTLS, at configs.GatewayURL) (*tls.Config, error) {
	switch {
	case t.insecure && settings.VerifyServer:
		return nil, usage("write client.tls.verify_server: false as well, or better leave --insecure out and write client.tls.ca_file", "--insecure goes with client.tls.verify_server: false")
	case !settings.VerifyServer && !at.Loopback && !t.insecure:
		return nil, &failure{
			err:  fmt.Errorf("client.tls.verify_server is false, and %s is another machine: whoever answers in its place would get the token", at.Host),
			hint: "write client.tls.ca_file and verify_server: true, or give --insecure too", code: exitRefused,
		}
	case !settings.VerifyServer && !at.Loopback:
		t.warn("the certificate of %s is not checked: whoever answers in its place gets the token", printable(at.Host))
	}
	config, err := certs.ClientConfig(settings, !settings.VerifyServer)
	if err != nil {
		return nil, &failure{err: err, hint: certHint(err)}
	}
	return config, nil
}

func certHint(err error) string {
	if own, is := errors.AsType[*certs.Error](err); is {
		return own.Hint
	}
	return ""
}

// dial connects to the gateway that this command is for. That none runs is
// errNoGateway for this state folder's own.
func (t *terminal) dial(ctx context.Context) (*client.Client, error) {
	p, err := t.place()
	if err != nil {
		return nil, err
	}
	return p.dial(ctx)
}

func (p place) dial(ctx context.Context) (*client.Client, error) {
	if p.here() {
		return dialAs(ctx, p.layout, p.options.Name)
	}
	if p.token != nil {
		token, err := p.token(ctx)
		if err != nil {
			return nil, err
		}
		defer token.Wipe()
		p.options.Token = token
	}
	c, err := client.Dial(ctx, p.options)
	if unreachable, is := errors.AsType[*client.Error](err); is && unreachable.Kind == client.KindUnreachable {
		where := p.at.Host
		if where == "" {
			where = p.at.Socket
		}
		return nil, &failure{err: fmt.Errorf("no gateway answers at %s, which %s names: %w", where, p.from, unreachable.Err), hint: "see whether it runs there; without " + p.from + " this machine's own is used"}
	}
	return c, err
}

// dialOrLaunch connects, and starts this state folder's own gateway if that is the
// one and it does not run. name is what this client calls itself, now and whenever the
// place is dialed again.
func (t *terminal) dialOrLaunch(ctx context.Context, name string) (*client.Client, place, error) {
	p, err := t.place()
	if err != nil {
		return nil, p, err
	}
	p.options.Name = name
	if !p.here() {
		c, err := p.dial(ctx)
		return c, p, err
	}
	c, err := t.dialOrLaunchHere(ctx, p.layout, name)
	return c, p, err
}

// onlyHere refuses what cannot be done through a gateway elsewhere.
func (t *terminal) onlyHere(what string) error {
	p, err := t.place()
	if err == nil && p.here() {
		return nil
	}
	if p.from == "" {
		return err
	}
	// Whatever is wrong with the other gateway's settings, this is the reason.
	return &failure{
		err:  fmt.Errorf("%s is done by this machine's own gateway, and %s names another", what, p.from),
		hint: "take " + p.from + " away for this command", code: exitRefused,
	}
}
