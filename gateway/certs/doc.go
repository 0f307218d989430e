// Package certs owns what the gateway and its clients show of themselves over
// TLS: the listener's certificate, the authorities and revocation lists of
// client certificates, and the reading of all of these from files.
//
// Promises. A private key that anybody but its owner may read is refused, and so
// is a certificate, an authority or a revocation list that everybody may write.
// Files are read again when they change (within Options.Every, by size, time,
// inode and the target of every link, so that certbot's and Kubernetes' swapped
// links count) and when Reload is called; what does not load leaves all of the
// old state in use, but for revocation lists (below), and is told. A handshake uses one state whole, never a
// certificate of one and an authority of another. No session is resumed: what
// was checked once is checked again at each handshake.
//
// A client certificate is verified against ca_file alone, never the system's
// authorities, and must be for client authentication. With crl_file each
// certificate below the root must have a list of its issuer that is signed and
// in date: a list that is missing or has run out refuses, because nobody can say
// who was revoked meanwhile. Where client certificates are required, a list that
// is damaged or gone while the gateway runs refuses too, until one loads: somebody
// wrote it to revoke somebody. Only who writes a file in place has a moment, until
// the next look. With ocsp_file a good OCSP response that is in date (RFC 6960) does
// as well as a list, for the certificate that it is about; one that says revoked
// refuses, in date or not. A response counts when the issuer has signed it, or a
// responder whose certificate the issuer has signed for that use. One about the
// listener's own certificate is sent along with it. No responder is ever asked:
// that would be a call to the network on each handshake; whoever wants OCSP fetches
// the responses beside the gateway, which sees the file change.
//
// A client's name is, in this order: the one URI of its subject alternative
// names (two or more are ambiguous and refused), with openclaw://client/NAME
// shown as NAME; the first DNS name; the common name. A certificate without
// any of these is refused. The name identifies the client in connections and in
// the audit log; it grants nothing, and takes the place of no token.
//
// Listener bounds what a stranger can hold: a handshake has Options.Timeout, and
// of Options.Unfinished handshakes at once the oldest gives way.
//
// It never asks the network for anything, and no error or status of it holds a
// key. Everything is safe for concurrent use.
package certs
