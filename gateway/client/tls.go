package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
)

// tlsError is an error of TLS in words, with its cure; nil for any other error. In
// TLS 1.3 a gateway's refusal of the client's certificate comes after the client's
// part of the handshake, with the first bytes that are read.
func tlsError(err error) error {
	refused := func(kind Kind, text, hint string) error {
		return &Error{Op: "connect to gateway", Kind: kind, Err: errors.New(text), Hint: hint}
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return refused(KindUnsafe, "its certificate is signed by an authority that is not known here", "write the authority's certificate into client.tls.ca_file (certs/ca.crt of the gateway's state folder)")
	case errors.As(err, &name):
		return refused(KindUnsafe, name.Error(), "use a name that the gateway's certificate holds, or issue one for this name: openclaw cert issue server "+name.Host)
	case errors.As(err, &invalid):
		return refused(KindUnsafe, invalid.Error(), "see 'openclaw cert check' on the gateway's machine")
	case errors.As(err, &header):
		return refused(KindRefused, "what answers there does not speak TLS", "write ws:// if it is this machine's gateway without gateway.tls")
	}
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return nil
	}
	switch alert := remote.Err.Error(); {
	case strings.Contains(alert, "certificate required"), strings.Contains(alert, "handshake failure"):
		return refused(KindRefused, "the gateway refused the TLS handshake: "+alert, "if it asks for a client certificate, write cert_file and key_file below client.tls ('openclaw cert issue client NAME' makes one)")
	case strings.Contains(alert, "certificate"):
		return refused(KindRefused, "the gateway does not accept this client's certificate: "+alert, "its log and audit log say why; 'openclaw cert check' shows whether it has expired")
	default:
		return refused(KindRefused, "the gateway refused the TLS handshake: "+alert, "its log says why")
	}
}
