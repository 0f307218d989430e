// Package vault owns the encrypted file that keeps secrets where the system has
// no keychain: its format, the ways to unlock it and the writes that never lose
// one.
package vault
