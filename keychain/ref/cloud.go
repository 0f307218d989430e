package ref

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// Limits of a conversation with a cloud.
const (
	maxCloudAnswer = 1 << 20         // bytes; a secret of 64 KiB, every byte written as \u00XX, has 384 KiB
	maxCloudSecret = 64 << 10        // bytes: what AWS and Google keep at most; Azure keeps 25 KiB
	maxTries       = 3               // as the clouds' own libraries
	longestWait    = 5 * time.Second // between two tries; told to wait longer, who asked is told
	maxLater       = time.Minute     // for which a service that asks for quiet is left alone
)

// cloud is one conversation: who is spoken to, and what a person can look at when
// it fails.
type cloud struct {
	name    string // "AWS"
	look    string // a hint: "check AWS_REGION and the network"
	client  *http.Client
	now     func() time.Time
	release func()
}

// reply is an answer, whole.
type reply struct {
	status int
	header http.Header
	body   []byte
	after  time.Duration // what Retry-After asks for
}

// later is the failure of a service that asked for quiet: it is remembered for as
// long as it asked, up to maxLater.
type later struct {
	text  string
	after time.Duration
}

func (l *later) Error() string { return l.text }

// forgetAfter is how long a failure is kept.
func (r *Resolver) forgetAfter(err error) time.Duration {
	if l, ok := errors.AsType[*later](err); ok {
		return max(r.options.NegativeTTL, min(l.after, maxLater))
	}
	return r.options.NegativeTTL
}

// openCloud makes a client that follows no redirect, speaks TLS with everyone but
// this machine, and trusts the system's certificates and those of the file
// authorities.
func (r *Resolver) openCloud(name, look, authorities string) (*cloud, error) {
	c := &cloud{name: name, look: look, now: r.options.Now, release: func() {}}
	inner := r.options.Transport
	if inner == nil {
		pool, err := certificates(authorities)
		if err != nil {
			return nil, err
		}
		proxy := (&httpproxy.Config{
			HTTPProxy: r.firstOf("HTTP_PROXY", "http_proxy"), HTTPSProxy: r.firstOf("HTTPS_PROXY", "https_proxy"), NoProxy: r.firstOf("NO_PROXY", "no_proxy"),
		}).ProxyFunc()
		transport := plainTransport()
		transport.Proxy = func(request *http.Request) (*url.URL, error) { return proxy(request.URL) }
		transport.TLSClientConfig.RootCAs = pool
		inner, c.release = transport, transport.CloseIdleConnections
	}
	c.client = closedClient(inner, loopback)
	return c, nil
}

// local is a conversation with a service beside this machine, as a cloud gives its
// machines and containers: in clear, at addresses that no network carries further,
// and by no proxy, which would see the keys.
func (r *Resolver) local(name, look string) *cloud {
	c := &cloud{name: name, look: look, now: r.options.Now, release: func() {}}
	inner := r.options.Transport
	if inner == nil {
		transport := plainTransport()
		inner, c.release = transport, transport.CloseIdleConnections
	}
	c.client = closedClient(inner, nearby)
	return c
}

func plainTransport() *http.Transport {
	return &http.Transport{
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, ForceAttemptHTTP2: true, DisableCompression: true,
		MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Second, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
}

// closedClient follows no redirect: the credentials would go with it.
func closedClient(inner http.RoundTripper, clear func(host string) bool) *http.Client {
	return &http.Client{
		Transport:     guard{inner, clear},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// guard lets nothing out in clear but to hosts that clear allows.
type guard struct {
	inner http.RoundTripper
	clear func(host string) bool
}

var errClear = errors.New("the address has no TLS: credentials and secret would cross the network in clear")

func (g guard) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "https" && (request.URL.Scheme != "http" || !g.clear(request.URL.Hostname())) {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, errClear
	}
	response, err := g.inner.RoundTrip(request)
	if err == nil && response.StatusCode >= 300 && response.StatusCode < 400 {
		response.Header.Del("Location") // nor can a library's own client follow it
	}
	return response, err
}

// nearby are the addresses of this machine and those at which clouds answer their
// own machines: link-local (RFC 3927, RFC 4291), and AWS's two inside fd00:ec2::/32.
func nearby(host string) bool {
	ip := net.ParseIP(host)
	return loopback(host) || ip != nil && (ip.IsLinkLocalUnicast() || strings.HasPrefix(ip.String(), "fd00:ec2::"))
}

// certificates returns nil, which stands for the system's, when there is no file.
func certificates(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := file.ReadTrusted(path, 1<<20)
	if err != nil {
		return nil, fileError("read certificates", path, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, outside(keychain.KindFailed, "the file of certificate authorities holds none", "check the file "+path)
	}
	return pool, nil
}

// address judges an address that a person set.
func address(variable, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, outside(keychain.KindBadReference, variable+" is no address of a server", "write "+variable+"=https://host, or leave it out")
	}
	return u, nil
}

// ask sends what build makes, at most maxTries times: a service that is busy or
// broken is asked again after the time that it says, or a little, longer each time.
// busy tells of an answer whether it is such; nil means by its status alone.
func (c *cloud) ask(ctx context.Context, build func() (*http.Request, error), busy func(reply) bool) (reply, error) {
	for try := 1; ; try++ {
		answer, err := c.once(ctx, build)
		again := err != nil && keychain.KindOf(err) == keychain.KindNoService && !errors.Is(err, errFinal)
		if err == nil {
			again = answer.status == http.StatusTooManyRequests || answer.status >= 500 || busy != nil && busy(answer)
		}
		if !again || try == maxTries {
			return answer, err
		}
		wait := max(answer.after, time.Duration(100<<try)*time.Millisecond)
		wait += rand.N(wait / 4) // not all at the same moment
		deadline, has := ctx.Deadline()
		if wait > longestWait || has && wait > time.Until(deadline) {
			return answer, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			clear(answer.body)
		case <-ctx.Done():
			timer.Stop()
			clear(answer.body)
			return reply{}, c.unreachable(ctx, "", ctx.Err())
		}
	}
}

// errFinal marks what a second try does not mend.
var errFinal = errors.New("asking again does not help")

func (c *cloud) once(ctx context.Context, build func() (*http.Request, error)) (reply, error) {
	request, err := build()
	if err != nil {
		return reply{}, err
	}
	response, err := c.client.Do(request.WithContext(ctx))
	if err != nil {
		return reply{}, c.unreachable(ctx, request.URL.Host, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxCloudAnswer+1))
	if err == nil {
		err = ctx.Err() // at the deadline an answer may come with its end missing
	}
	switch {
	case err != nil:
		clear(body)
		return reply{}, c.unreachable(ctx, request.URL.Host, err)
	case len(body) > maxCloudAnswer:
		clear(body)
		return reply{}, outside(keychain.KindTooBig, c.name+" answered with more than 1 MiB", c.look)
	case response.StatusCode >= 300 && response.StatusCode < 400:
		clear(body)
		return reply{}, outside(keychain.KindUnsupported, c.name+" sends elsewhere, and the credentials are not taken there", c.look)
	}
	return reply{status: response.StatusCode, header: response.Header, body: body, after: retryAfter(response.Header, c.now())}, nil
}

// retryAfter reads RFC 9110, section 10.2.3: seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// unreachable says that no answer came, and repeats no word of the library, which
// quotes addresses.
func (c *cloud) unreachable(ctx context.Context, host string, err error) error {
	if host != "" {
		host = " (" + escapeOnly("", host) + ")"
	}
	wrong, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil:
		return outside(keychain.KindTimeout, c.name+host+" did not answer in time", c.look)
	case errors.Is(err, errClear):
		return &keychain.Error{Op: resolveOp, Kind: keychain.KindUnsupported, Err: errClear, Hint: "use https://, or a tunnel to an address of this machine"}
	case badCertificate:
		return &keychain.Error{
			Op: resolveOp, Kind: keychain.KindNoService, Err: &finalError{"the certificate of " + c.name + host + " is not trusted: " + wrong.Err.Error()},
			Hint: "if a proxy of yours opens TLS, set SSL_CERT_FILE to the file of its authority",
		}
	}
	return outside(keychain.KindNoService, c.name+host+" is not reached", c.look)
}

type finalError struct{ text string }

func (e *finalError) Error() string   { return e.text }
func (e *finalError) Is(t error) bool { return t == errFinal }

// busy is the refusal of a service that is asked too often.
func (c *cloud) busy(after time.Duration) error {
	return &keychain.Error{
		Op: resolveOp, Kind: keychain.KindFailed, Err: &later{c.name + " says that it is asked too often", after},
		Hint: "it is asked again in a little while; if it stays so, ask for a higher quota",
	}
}

// broken is the refusal of a service that cannot answer now.
func (c *cloud) broken(answer reply) error {
	return &keychain.Error{
		Op: resolveOp, Kind: keychain.KindFailed, Err: &later{c.name + " answered with status " + strconv.Itoa(answer.status), answer.after},
		Hint: "it is asked again in a little while; the cloud's status page tells of outages",
	}
}

// notUnderstood is an answer that is none of the service's.
func (c *cloud) notUnderstood() error {
	return outside(keychain.KindCorrupt, "the answer of "+c.name+" is not understood", c.look)
}

// secretOf takes a value over. One newline at the end is cut, as of a file: most
// who store a key by echo store one with it.
func (c *cloud) secretOf(value []byte) (keychain.Secret, error) {
	if len(value) > maxCloudSecret {
		clear(value)
		return keychain.Secret{}, outside(keychain.KindTooBig, "the secret has more than 64 KiB", "store a key of its own")
	}
	if n := len(value); n > 0 && value[n-1] == '\n' {
		value = value[:n-1]
	}
	if n := len(value); n > 0 && value[n-1] == '\r' {
		value = value[:n-1]
	}
	if len(value) == 0 {
		return keychain.Secret{}, outside(keychain.KindNotFound, "the secret is empty", "store a value")
	}
	return keychain.NewSecret(value), nil
}

// kept returns what was made before and is still good, or makes it. What is made
// says until when it is good, or a zero time: then it is not kept. It is kept for
// keepCredentials at most, so that who logs in as another is followed.
func (r *Resolver) kept(ctx context.Context, key string, fetch func() (keychain.Secret, time.Time, error)) (keychain.Secret, error) {
	if value, err, ok := r.cache.get(key); ok && err == nil {
		return value, nil
	}
	leave, err := r.queue.enter(ctx, key)
	if err != nil {
		return keychain.Secret{}, err
	}
	defer leave()
	if value, err, ok := r.cache.get(key); ok && err == nil {
		return value, nil
	}
	ticket := r.cache.begin()
	value, until, err := fetch()
	if err != nil {
		return keychain.Secret{}, err
	}
	if life := min(keepCredentials, until.Sub(r.options.Now())-credentialMargin); !until.IsZero() && life > 0 {
		r.cache.put(ticket, key, "", value.Clone(), nil, life)
	}
	return value, nil
}

// keepCredentials and credentialMargin bound the life of temporary credentials here.
const (
	keepCredentials  = 10 * time.Minute
	credentialMargin = time.Minute
)

// get asks a service beside this machine. The headers that are empty are left out.
func (c *cloud) get(ctx context.Context, method, where string, header map[string]string) ([]byte, error) {
	answer, err := c.ask(ctx, func() (*http.Request, error) {
		request, err := http.NewRequestWithContext(ctx, method, where, nil)
		if err != nil {
			return nil, outside(keychain.KindBadReference, "the settings make no address", c.look)
		}
		for name, value := range header {
			if value != "" {
				request.Header.Set(name, value)
			}
		}
		return request, nil
	}, nil)
	switch {
	case err != nil:
		return nil, err
	case answer.status == http.StatusOK:
		return answer.body, nil
	case answer.status == http.StatusNotFound:
		err = outside(keychain.KindLocked, c.name+" has no credentials", "give the machine or the container a role")
	case answer.status == http.StatusTooManyRequests:
		err = c.busy(answer.after)
	case answer.status >= 500:
		err = c.broken(answer)
	default:
		err = outside(keychain.KindWrongKey, c.name+" refuses with status "+strconv.Itoa(answer.status), c.look)
	}
	clear(answer.body)
	return nil, err
}
