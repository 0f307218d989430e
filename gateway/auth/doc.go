// Package auth decides who a caller is: gateway token, named client tokens, agent
// tokens, device signatures, scopes, Host and Origin, the peer of a unix socket, and how fast
// wrong tokens are answered.
//
// It promises: tokens are kept as SHA-256 hashes and compared in constant time;
// a right token is never delayed; a missing token is not counted; guesses from
// one address are answered one after the other, each slower than the last, and
// never lock out the right token, wherever they come from. Memory is bounded
// whatever an attacker sends. A token that has an end is refused from that time
// on, by a clock that cannot be set back, over restarts too; what was good once is
// told apart as expired, revoked, or replaced with its grace period over. On disk
// there are hashes only: SHA-256 of our own tokens, which have 256 random bits,
// PBKDF2 of a gateway token that somebody chose. Everything is safe for concurrent use; only
// Guard.Wrong and Peer block.
//
// It never logs, and no error or value of it holds a token.
package auth
