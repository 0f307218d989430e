// Package redact removes secrets from text on its way out: log lines, audit
// entries, events, errors.
//
// It owns the rules: the shapes of known providers' keys, what follows a key
// name such as api_key, private keys, user:password in URLs, the patterns of
// the config, and the exact values that it was told of, in the encodings in
// which they travel. Only the secret's own bytes are replaced; the words
// around them stay.
//
// Promises. A Masker is safe for concurrent use; Configure, Add and Remove
// take effect for every call that starts after they return. Text returns its
// argument itself when there is nothing to hide, without allocating. What a
// Writer puts out does not depend on how its input was cut into writes, and a
// registered value never passes it whole. Rules work within a line; registered
// values and private keys are found across lines.
//
// It never looks at where text goes, never fails for what the text holds, and
// must never be used on data that is read back: a masked config is a broken
// config. Registered values are held in memory until Remove, and cannot be
// wiped then, as another goroutine may still be comparing with them.
package redact
