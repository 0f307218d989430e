package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clientURI is the form of the names that our own authority gives.
const clientURI = "openclaw://client/"

// maxName bounds a client's name, in bytes.
const maxName = 128

// ClientURI is the URI of a client's certificate.
func ClientURI(name string) string { return clientURI + name }

// NameOf returns whom a client's certificate names: see the package comment.
func NameOf(leaf *x509.Certificate) (string, error) {
	name := leaf.Subject.CommonName
	switch {
	case len(leaf.URIs) > 1:
		return "", errors.New("the certificate holds more than one URI: its name is ambiguous")
	case len(leaf.URIs) == 1:
		name = strings.TrimPrefix(leaf.URIs[0].String(), clientURI)
	case len(leaf.DNSNames) > 0:
		name = leaf.DNSNames[0]
	}
	switch {
	case name == "":
		return "", errors.New("the certificate names nobody: it has no URI, DNS name or common name")
	case len(name) > maxName:
		return "", fmt.Errorf("the certificate's name is longer than %d bytes", maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", errors.New("the certificate's name holds characters that cannot be shown")
	}
	return name, nil
}

// describe names a certificate to a person.
func describe(one *x509.Certificate) string {
	name, err := NameOf(one)
	if err != nil {
		name = "?"
	}
	return fmt.Sprintf("%s (serial %x)", name, one.SerialNumber)
}
