// Package auth decides who a caller is: gateway token, agent tokens, device
// signatures, scopes, Host and Origin, the peer of a unix socket, and how fast
// wrong tokens are answered.
//
// It promises: tokens are kept as SHA-256 hashes and compared in constant time;
// a right token is never delayed; a missing token is not counted; guesses from
// one address are answered one after the other, each slower than the last, and
// never lock out the right token, wherever they come from. Memory is bounded
// whatever an attacker sends. Everything is safe for concurrent use; only
// Guard.Wrong and Peer block.
//
// It never logs, and no error or value of it holds a token.
package auth
