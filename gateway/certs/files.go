package certs

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFile bounds what is read of a PEM file, in bytes. The revocation lists of
// large authorities reach a few MiB.
const (
	maxFile = 1 << 20
	maxCRL  = 16 << 20
)

// readFile reads a regular file of at most limit bytes; links are followed.
// forbidden are the mode bits that it must not have.
func readFile(op, path string, limit int64, forbidden fs.FileMode, cure string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openNonblocking, 0)
	if err != nil {
		hint := "write its path in the config, or make one: 'openclaw cert --help'"
		if errors.Is(err, fs.ErrPermission) {
			hint = "the gateway's user may not read it"
		}
		return nil, &Error{Op: op, Path: path, Err: errors.Unwrap(err), Hint: hint}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, &Error{Op: op, Path: path, Err: err}
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, &Error{Op: op, Path: path, Err: errors.New("it is not a regular file")}
	case info.Size() > limit:
		return nil, &Error{Op: op, Path: path, Err: fmt.Errorf("it is longer than %d bytes", limit)}
	case modesMatter && info.Mode().Perm()&forbidden != 0:
		return nil, &Error{Op: op, Path: path, Err: fmt.Errorf("its mode is %04o", info.Mode().Perm()), Hint: cure + path}
	case !trustedOwner(info):
		return nil, &Error{Op: op, Path: path, Err: errors.New("it belongs to another user"), Hint: "chown it to the gateway's user or to root"}
	}
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, &Error{Op: op, Path: path, Err: err}
	}
	return data, nil
}

// readPublic reads what is no secret and that not everybody may replace.
func readPublic(op, path string, limit int64) ([]byte, error) {
	return readFile(op, path, limit, 0o002, "everybody may write it: chmod o-w ")
}

// readKey reads a private key, which nobody but its owner may read. The bytes
// are the caller's to clear.
func readKey(path string) ([]byte, error) {
	return readFile("read private key", path, maxFile, 0o077, "others may read it, and whoever did can pose as you: make a new one, or chmod 600 ")
}

// readPair reads a certificate chain and its key.
func readPair(certFile, keyFile string) (tls.Certificate, error) {
	chain, err := readPublic("read certificate", certFile, maxFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readKey(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	defer clear(key)
	if _, err := certificatesOf("read certificate", certFile, chain); err != nil {
		return tls.Certificate{}, err
	}
	if block, _ := pem.Decode(key); block == nil {
		return tls.Certificate{}, &Error{Op: "read private key", Path: keyFile, Err: errors.New("it holds no PEM block"), Hint: "write it as PEM: openssl pkey -in FILE -out " + keyFile}
	} else if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return tls.Certificate{}, &Error{Op: "read private key", Path: keyFile, Err: errors.New("it is encrypted with a passphrase, and nobody is there to type it"), Hint: "openssl pkey -in FILE -out " + keyFile + ", mode 0600"}
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return tls.Certificate{}, &Error{Op: "read certificate", Path: certFile, Err: fmt.Errorf("it does not go with the key %s: %w", keyFile, err), Hint: "cert_file and key_file must be of one pair, and the pair's own certificate first in its file"}
	}
	if _, is := pair.PrivateKey.(crypto.Signer); !is {
		return tls.Certificate{}, &Error{Op: "read private key", Path: keyFile, Err: errors.New("it cannot sign")}
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return tls.Certificate{}, &Error{Op: "read certificate", Path: certFile, Err: err}
		}
	}
	return pair, nil
}

// readCertificates reads all certificates of a PEM file, at least one.
func readCertificates(op, path string) ([]*x509.Certificate, error) {
	data, err := readPublic(op, path, maxFile)
	if err != nil {
		return nil, err
	}
	return certificatesOf(op, path, data)
}

func certificatesOf(op, path string, data []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for len(data) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &Error{Op: op, Path: path, Err: err}
		}
		found = append(found, one)
	}
	if len(found) == 0 {
		return nil, &Error{Op: op, Path: path, Err: errors.New("it holds no PEM certificate"), Hint: "write it as PEM: openssl x509 -in FILE -out " + path}
	}
	return found, nil
}

// readAuthorities reads the authorities of ca_file.
func readAuthorities(path string) ([]*x509.Certificate, error) {
	const op = "read authority"
	found, err := readCertificates(op, path)
	if err != nil {
		return nil, err
	}
	for _, one := range found {
		if !one.BasicConstraintsValid || !one.IsCA {
			return nil, &Error{Op: op, Path: path, Err: fmt.Errorf("%s is not the certificate of an authority", describe(one)), Hint: "ca_file holds the authorities that sign client certificates, not these certificates"}
		}
	}
	return found, nil
}

const opReadList = "read revocation list"

// readLists reads the revocation lists of crl_file, PEM or one in DER.
func readLists(path string, authorities []*x509.Certificate) ([]*x509.RevocationList, error) {
	const op = opReadList
	data, err := readPublic(op, path, maxCRL)
	if err != nil {
		return nil, err
	}
	var ders [][]byte
	if bytes.Contains(data, []byte("-----BEGIN")) {
		for rest := data; len(rest) > 0; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if block.Type == "X509 CRL" {
				ders = append(ders, block.Bytes)
			}
		}
	} else if len(data) > 0 {
		ders = append(ders, data)
	}
	if len(ders) == 0 {
		return nil, &Error{Op: op, Path: path, Err: errors.New("it holds no revocation list"), Hint: "write it as PEM: openssl crl -in FILE -out " + path}
	}
	var found []*x509.RevocationList
	for _, der := range ders {
		list, err := parseList(der, authorities)
		if err != nil {
			return nil, &Error{Op: op, Path: path, Err: err, Hint: "fetch the authority's full list again"}
		}
		found = append(found, list)
	}
	return found, nil
}

// ReadKey reads a private key, which nobody but its owner may read. The caller
// clears it.
func ReadKey(path string) ([]byte, error) { return readKey(path) }

// ReadCertificate reads the first certificate of a PEM file.
func ReadCertificate(path string) (*x509.Certificate, error) {
	found, err := readCertificates("read certificate", path)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}
