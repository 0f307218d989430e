// Package provider passes the calls of clients on to model providers. It owns
// the way of a call: whose route it is, what of the request goes on, the key
// that is put in, the answer's way back, and the plain record of it all.
//
// # What goes through
//
// The endpoints of a conversation, by the kind of the provider's API: a table
// says which paths and methods, and the config which beside them. Everything else
// is refused, because a provider's key can do much more than talk to a model:
// files, batches, the administration of an account. /v1/ and /v1beta/ go to the
// provider that the path or the headers show, /p/NAME/ to the one of that name.
//
// Method, path, query, body and every header that is not named below arrive at
// the provider as the client sent them; status, headers and body come back
// likewise. Taken out of a request are the places where clients put credentials
// (Authorization, X-Api-Key, X-Goog-Api-Key, Api-Key and their kin, with a dash or
// an underscore; the query's key, access_token and the like), any other header or
// parameter that repeats one of them, Cookie, hop-by-hop headers, those by which a
// server lets a client claim another method, path, host or address
// (X-HTTP-Method-Override, X-Original-URL, X-Forwarded-*…), and Accept-Encoding: an
// answer is asked for as it is, because a compressed one could not be searched for
// the key. Taken out of an answer are hop-by-hop headers and what speaks to a
// browser about the origin that it came from (Set-Cookie, Access-Control-*,
// Strict-Transport-Security, Alt-Svc…).
//
// A WebSocket is refused with 426, which sends Codex to HTTP at once.
//
// The body is read to its end before the provider is asked. With the body still
// under way net/http ends a stream early when the answer overtakes it
// (golang.org/issue/40747).
//
// # Promises
//
// The key is fetched for each call, written into one header of the outgoing
// request in the provider's own form, and wiped when the call ends (the header's
// string is Go's and cannot be; what finds the key and its encodings in answers is
// kept until the provider is called with another one, and may not be wiped). It
// is in no record and no error; where the provider repeats it, in a header or in a
// body that is not compressed, plain or encoded (JSON, URL, HTML, hexadecimal,
// base64), as many bytes of bullets stand instead, however it was split: over
// packets, or over the texts of a stream's events. Keys of fewer than 16 bytes are
// placeholders of local servers and are not searched for: they are words that an
// answer may hold. Nothing else of an answer is redacted: its reader acts on it.
//
// A body is passed on as it comes, each piece at once; only a piece's tail that
// begins like the key waits for the next one. A stream of events is passed on
// event by event; one whose text ends with three bytes or more of the key's
// beginning waits, with those behind it, for the next text of its kind or the end
// of its block. A client that leaves ends the
// provider's work at once. What was cut off never looks like a clean end: the
// client's connection breaks. A stream that falls silent between two events ends
// with an error event in the API's own shape, one in the middle of an event as if
// it were cut. An answer that only the end of its connection ends is whole where
// its own form says so: a JSON text that is closed, a stream with the event that
// ends it. Nothing is asked twice: only over a kept connection that the provider
// closed before a byte was written is a request sent anew. No redirect is followed or passed on: it would lead the
// client, and its token, past the gateway.
//
// Cut ends the call of an ID that is under way as one that lost its right ends: a refusal
// before the answer, an error event in the middle of a stream, and the provider's work
// with it. It says whether there was one; another call of the same caller goes on, and the
// next is taken.
//
// What an answer costs is read as it passes, streamed or whole, also through gzip,
// and without changing a byte or holding one back. What it does not say (a stream
// that was cut or ended with an error, a chat that was not asked for its usage) is
// estimated, never free.
// A budget is asked before each call and told its cost once, however it ends.
//
// Errors of this package have the shape of the API that the client speaks and say
// what a person can do. None is a 401, which clients take for the end of their
// login, except where a provider gives it.
//
// # Concurrency
//
// A Handler serves any number of calls at once; they share nothing but idle
// connections and buffers. Each call runs on the goroutine of its request. No
// lock is held over a callback. The package authenticates nobody: who calls is
// told by WithCaller.
package provider
