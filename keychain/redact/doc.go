// Package redact removes secrets from text on its way out: log lines, audit
// entries, events, errors, the output of programs.
//
// It owns the rules: the shapes of known issuers' keys, what follows a key name
// such as api_key, private keys, user:password in URLs, the patterns of the
// config, and the exact values that it was told of, in the encodings in which
// they travel. Only the secret's own bytes are replaced; the words around them
// stay.
//
// # How it looks
//
// Two automata pass over the bytes. The first finds the literals by which
// secrets are known (trigger.go); at each hit a rule written by hand judges what
// stands there: the boundary before it, its alphabet and length, its checksum
// where the issuer has one, whether a value is a reference, a placeholder, a word
// or code. The second finds registered values (known.go). What decodes from
// base64 to text is looked at once more (inside.go), a line with colours is
// read without them too (colour.go), and a pattern of the config
// is run only where a text stands that all its matches hold (prefilter.go). A
// line of a kilobyte takes a few microseconds and, without a secret, no memory.
//
// # Ways in
//
// Text and Bytes take a whole text. A Writer waits for lines; Eager and Stream
// wait for words, for terminals and for deltas. Handler stands before a slog
// handler. Exact finds given values and nothing else, for text that a program
// acts on.
//
// # Promises
//
// A Masker is safe for concurrent use; Configure, Add and Remove take effect for
// every call that starts after they return. Text returns its argument itself when
// there is nothing to hide, without allocating. What a Writer or a Stream puts out
// does not depend on how its input was cut, and a registered value never passes
// it whole. The time for a line grows with its length and no faster, whatever is
// in it. Rules work within a line; registered values and private keys are found
// across lines, and so is the value of a name whose line ended before it
// (continued.go).
//
// It never looks at where text goes, never fails for what the text holds, and
// must never be used on data that is read back: a masked config is a broken
// config. Registered values are held in memory until Remove, and cannot be
// wiped then, as another goroutine may still be comparing with them.
//
// # What it does not promise
//
// A secret of no known shape, under no name, that was not registered, is text
// like any other: a password in prose, a list of words, an image, a language of
// its own. Recall is measured on generated texts (corpus_test.go, -seed), which
// are of the kinds that somebody thought of. Of eight sets of forms and issuers, each
// written before the rules for it, 66 to 88 of 100 lines were found at the first try, the
// last with 88 (generateblind_test.go). They are rarer forms than a log has, each counts the
// same; what is registered is found in all of them.
package redact
