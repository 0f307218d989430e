package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"openclaw/configs"
	"openclaw/gateway/certs"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/limit"
	"openclaw/gateway/wire"
)

const (
	certificateLook = time.Minute    // between two looks at what ran out of what is open
	expiryLook      = 12 * time.Hour // between two looks at what ends soon
)

// openCertificates reads what gateway.tls names.
func (g *Gateway) openCertificates(settings configs.TLS) error {
	if !settings.Enabled {
		return nil
	}
	server, err := certs.New(settings, certs.Options{Now: g.deps.Now, Every: g.deps.CertificateLook, Changed: g.certificatesChanged, Failed: g.certificatesFailed})
	if err != nil {
		return certificateError(err)
	}
	g.certs = server
	return nil
}

// certificateError brings the cure of package certs to the person.
func certificateError(err error) error {
	out := &Error{Op: "read gateway.tls", Kind: KindRefused, Err: err}
	if own, is := errors.AsType[*certs.Error](err); is {
		out.Hint = own.Hint
	}
	return out
}

// listenTLS makes TLS connections of a listener's.
func (g *Gateway) listenTLS(inner net.Listener) net.Listener {
	return certs.Listen(inner, g.certs.Config(), certs.ListenerOptions{Timeout: headerTimeout, Failed: g.handshakeFailed})
}

// handshakeFailed shows a handshake that failed; one that failed by the client's
// certificate is an authentication that was refused.
func (g *Gateway) handshakeFailed(from net.Addr, reason string, client bool) {
	g.strike(limit.AddressOf(from))
	id, _ := newID() // without one the two are not shown as one
	g.showRefusal(event.Connection{ID: id, Kind: event.ConnectionTLS, From: from.String(), Route: "TLS handshake", Detail: short(reason)}, limit.AddressOf(from), "a handshake was refused")
	if client {
		g.auditRefusal(hub.WithID(context.Background(), id), from.String(), "TLS handshake", "client certificate: "+short(reason))
	}
}

type tlsPeerKey struct{}

// connection is the ConnContext of the TCP listener: the place of the connection,
// and its other end if it speaks TLS.
func (g *Gateway) connection(ctx context.Context, c net.Conn) context.Context {
	secure, is := c.(*tls.Conn)
	if !is {
		return limit.Context(ctx, c)
	}
	return context.WithValue(limit.Context(ctx, secure.NetConn()), tlsPeerKey{}, g.certs.PeerOf(secure.ConnectionState()))
}

// tlsPeer is the other end of a request's TLS connection; nil without TLS.
func tlsPeer(ctx context.Context) *certs.Peer {
	peer, _ := ctx.Value(tlsPeerKey{}).(*certs.Peer)
	return peer
}

// stillWelcome refuses a request on a connection whose certificate was revoked or
// ran out since its handshake.
func (g *Gateway) stillWelcome(w http.ResponseWriter, r *http.Request) bool {
	peer := tlsPeer(r.Context())
	if peer == nil {
		return true
	}
	err := peer.Still()
	if err == nil {
		return true
	}
	w.Header().Set("Connection", "close")
	r = withID(r)
	g.auditRefusal(r.Context(), visitorOf(r).from, r.Method+" "+r.URL.Path, "client certificate: "+short(err.Error()))
	g.refuse(w, r, http.StatusForbidden, "permission_error", "client certificate: "+err.Error())
	return false
}

// withCertificate names the certificate of a socket's other end.
func withCertificate(ctx context.Context, peer hub.Peer) hub.Peer {
	if other := tlsPeer(ctx); other != nil {
		peer.Certificate, peer.Serial, peer.Still = other.Name, other.Serial, other.Still
	}
	return peer
}

// proof is how a socket proved itself, in words.
func proof(method string, peer hub.Peer) string {
	if peer.Certificate == "" {
		return method
	}
	return method + ", certificate"
}

// certificateDetails is what an audit entry says of a socket's certificate.
func certificateDetails(peer hub.Peer) map[string]any {
	if peer.Certificate == "" {
		return nil
	}
	return map[string]any{"method": "certificate", "certificate": peer.Certificate, "serial": peer.Serial}
}

// checkCertificates vetoes a config whose files cannot be used now, though TLS that
// is turned on takes effect at the next start: it must not fail then.
func (g *Gateway) checkCertificates(before, after configs.TLS) error {
	if !after.Enabled || sameTLS(before, after) {
		return nil
	}
	if err := certs.Check(after, g.deps.Now); err != nil {
		return certificateError(err)
	}
	return nil
}

func sameTLS(a, b configs.TLS) bool {
	lists := slices.Equal(a.CipherSuites, b.CipherSuites)
	a.CipherSuites, b.CipherSuites = nil, nil
	return lists && a.Enabled == b.Enabled && a.CertFile == b.CertFile && a.KeyFile == b.KeyFile && a.ClientAuth == b.ClientAuth &&
		a.CAFile == b.CAFile && a.CRLFile == b.CRLFile && a.OCSPFile == b.OCSPFile && a.MinTLSVersion == b.MinTLSVersion
}

// applyCertificates takes other settings of TLS while the gateway runs.
func (g *Gateway) applyCertificates(before, after configs.TLS) {
	switch {
	case before.Enabled != after.Enabled:
		g.notice("warn", "gateway.tls.enabled takes effect when the gateway starts again")
	case g.certs == nil || sameTLS(before, after):
	default:
		if err := g.certs.Use(after); err != nil {
			g.certificatesFailed(err)
			return
		}
		g.certificatesChanged()
	}
}

// ReloadCertificates reads certificate, key, authorities, revocation lists and OCSP responses
// again, and says what is wrong with them; the ones before stay in use then.
func (g *Gateway) ReloadCertificates() error {
	if g.certs == nil {
		return nil
	}
	err := g.certs.Reload()
	if err != nil {
		g.certificatesFailed(err)
		return certificateError(err)
	}
	return nil
}

func (g *Gateway) certificatesChanged() {
	expiries := g.certs.Expiries()
	own := expiries[0]
	g.log.Info("the certificates were read", slog.String("subject", own.Subject), slog.String("serial", own.Serial), slog.Time("not_after", own.Until))
	g.auditCertificates("success", "", map[string]any{"subject": own.Subject, "serial": own.Serial, "not_after": own.Until.Format(time.RFC3339)})
	g.tellExpiry()
	g.cutUnwelcome()
}

func (g *Gateway) certificatesFailed(err error) {
	consequence := "the ones before stay in use"
	if g.certs.RefusesClients() {
		consequence = "no client is let in until its revocation list or OCSP responses can be read"
	}
	g.log.Error("the certificates on disk do not load", slog.Any("error", err), slog.String("consequence", consequence))
	g.notice("error", "the certificates on disk do not load, "+consequence+": "+err.Error())
	g.auditCertificates("failure", err.Error(), nil)
	g.cutUnwelcome() // a revocation list that does not load ends what needs one
}

func (g *Gateway) auditCertificates(result, reason string, details map[string]any) {
	err := g.deps.Audit(context.Background(), AuditEntry{Event: "config_change", User: operator, IP: "local", Action: "certificates", Path: g.certs.Settings().CertFile,
		Result: result, Reason: reason, Details: details})
	if err != nil {
		g.log.Error("a change of the certificates could not be audited", slog.Any("error", err))
	}
}

// cutUnwelcome ends what is open on connections that would not be let in now.
func (g *Gateway) cutUnwelcome() {
	cut := g.hub.CloseWhere(func(c *hub.Conn) bool { return c.Peer.Still != nil && c.Peer.Still() != nil }, wire.ClosePolicy, "client certificate no longer accepted")
	cut += g.streams.cutUnwelcome()
	if cut > 0 {
		g.notice("warn", strconv.Itoa(cut)+" connections were cut: their client certificates are no longer accepted")
	}
}

// watchCertificates follows the files, what runs out of what is open, and what
// ends soon.
func (g *Gateway) watchCertificates(ctx context.Context) {
	if g.certs == nil {
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { _ = g.certs.Run(ctx) })
	g.tellExpiry()
	open, ends := time.NewTicker(certificateLook), time.NewTicker(expiryLook)
	defer open.Stop()
	defer ends.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-open.C:
			g.cutUnwelcome()
		case <-ends.C:
			g.tellExpiry()
		}
	}
}

// tellExpiry warns of what has ended, or ends within 30 and within 7 days.
func (g *Gateway) tellExpiry() {
	for _, e := range g.certs.Expiries() {
		level := slog.LevelWarn
		switch e.State {
		case certs.StateGood:
			continue
		case certs.StateExpired, certs.StateVerySoon:
			level = slog.LevelError
		}
		g.log.Log(context.Background(), level, "a certificate ends", slog.String("what", e.What), slog.String("subject", e.Subject), slog.String("file", e.Path),
			slog.Time("not_after", e.Until), slog.Int("days", e.Days), slog.String("state", e.State))
		g.notice(strings.ToLower(level.String()), e.Sentence()+": openclaw cert check")
	}
}

// tlsStatus is what the overview says of TLS; nil without it.
func (g *Gateway) tlsStatus() *event.TLSStatus {
	if g.certs == nil {
		return nil
	}
	settings, own := g.certs.Settings(), g.certs.Expiries()[0]
	status := &event.TLSStatus{
		MinVersion: settings.MinTLSVersion, ClientAuth: settings.ClientAuth, Subject: own.Subject, Issuer: own.Issuer, Serial: own.Serial,
		NotAfter: own.Until, Days: own.Days, State: own.State,
	}
	if err := g.certs.Problem(); err != nil {
		status.Problem = err.Error()
	}
	for _, e := range g.certs.Expiries()[1:] {
		if e.State != certs.StateGood {
			status.Ends = append(status.Ends, e.Sentence())
		}
	}
	return status
}

// ownHosts are the names that the gateway goes by beside loopback's and the
// config's: those of its certificate, which no rebound name is among, and the
// address that it listens on.
func (g *Gateway) ownHosts() []string {
	address := g.Address()
	port := ":" + strconv.Itoa(int(address.Port()))
	var hosts []string
	if !address.Addr().IsUnspecified() && !address.Addr().IsLoopback() && address.IsValid() {
		hosts = append(hosts, address.String())
	}
	if g.certs == nil {
		return hosts
	}
	for _, name := range g.certs.Names() {
		hosts = append(hosts, name+port)
	}
	return hosts
}
