package certs

import (
	"crypto/tls"
	"crypto/x509"
	"time"

	"openclaw/configs"
)

// ClientConfig is a client's side of TLS: its certificate, and the authorities by
// which it checks the gateway (ca_file alone if there is one, else the system's).
// An OCSP response that the gateway sends along is obeyed, and asked for where the
// certificate says that it must come.
// unchecked accepts every gateway; whoever calls has made sure that the person
// wants that.
func ClientConfig(settings configs.ClientTLS, unchecked bool) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: olderDefault(), InsecureSkipVerify: unchecked} //nolint:gosec // see above
	if !unchecked {
		config.VerifyConnection = func(c tls.ConnectionState) error { return checkStaple(c.OCSPResponse, c.VerifiedChains, time.Now()) }
	}
	if settings.CAFile != "" {
		authorities, err := readCertificates("read authority", settings.CAFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		for _, authority := range authorities {
			config.RootCAs.AddCert(authority)
		}
	}
	if settings.CertFile != "" {
		pair, err := readPair(settings.CertFile, settings.KeyFile)
		if err != nil {
			return nil, err
		}
		// Offered whatever authorities the gateway names: one that does not fit is
		// refused with a reason there, and would be left out without a word here.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return config, nil
}
