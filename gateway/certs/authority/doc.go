// Package authority is a small certificate authority for one person's gateway and
// clients.
//
// It makes ECDSA P-256 keys only. The authority lives 10 years, signs no other
// authority, and is bounded by name constraints (RFC 5280, 4.2.1.10) to the names
// and networks that it was made for: whoever steals its key cannot pose as the
// rest of the internet to those who trust it. What it issues lives 397 days (what
// browsers take), has 128 random bits as its serial, and is for a server or for a
// client, never both.
//
// Files are written to a temporary name, synced and renamed, keys with mode 0600
// in a folder with mode 0700; one that is there is kept unless force says
// otherwise. It never asks the network for anything and keeps no list of what it
// issued: Revoke reads the certificate.
package authority
