package provider

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
)

// errSilent is a provider that says nothing for too long.
var errSilent = errors.New("the provider is silent")

// lostError is the end of a call that was under way and may not be any more.
type lostError struct{ reason error }

func (e *lostError) Error() string { return e.reason.Error() }

func (e *lostError) refusal() *refusal {
	return refused(http.StatusForbidden, "no_longer_allowed", e.reason.Error())
}

// upstreamRefusal puts into words of our own why a provider gave no answer.
// net/http's words may quote what the provider sent, and that may be anything.
func upstreamRefusal(name, host string, err error) *refusal {
	at := name + " (" + host + ")"
	out := refused(http.StatusBadGateway, "provider_unreachable", "")
	out.again = true
	var lookup *net.DNSError
	var op *net.OpError
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, errSilent):
		out.status, out.code, out.message = http.StatusGatewayTimeout, "provider_silent", at+" gives no answer"
	case errors.As(err, &lookup):
		out.message = "the address of " + at + " cannot be looked up"
	case errors.As(err, &unknown):
		out.message, out.again = "the certificate of "+at+" is signed by nobody that this machine trusts", false
	case errors.As(err, &wrongName):
		out.message, out.again = "the certificate of "+at+" is for another name", false
	case errors.As(err, &invalid), errors.As(err, &verification):
		out.message, out.again = "the certificate of "+at+" is not valid", false
	case errors.As(err, &record):
		out.message, out.again = at+" does not speak TLS at that address: see its base_url in the config", false
	case errors.Is(err, syscall.ECONNREFUSED):
		out.message = at + " refuses connections"
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		out.status, out.message = http.StatusGatewayTimeout, at+" cannot be reached in time"
	case errors.As(err, &op) && op.Op == "dial":
		out.message = at + " cannot be reached"
	default:
		out.code, out.message = "provider_broke_off", at+" broke off before its answer"
	}
	return out
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}
