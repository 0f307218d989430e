// Package positional writes plain data as bytes and reads it back, by the order of
// its fields: no names travel, and none are looked up.
//
// It is for two processes of this program that talk while a run starts. What
// encoding/json finds out about a type before it reads the first value of it takes
// longer than the value, and a process that starts does that once for each type: of a
// policy and a set-up some three milliseconds of a processor.
//
// It promises that what was written is read as it was (nil stays nil, and any bytes
// stay in a string, which JSON would replace), that bytes that are not such data are an
// error and never a panic, and that reading takes no more memory than a small multiple of
// what is read. Both sides must have the same type: where they may be of different
// versions they compare its Shape first.
//
// It holds no state and is safe for concurrent use.
package positional
