// Package vault owns the encrypted file that keeps secrets where the system has
// no keychain: its format, the ways to unlock it, and writes that lose nothing.
//
// # Promises
//
//   - A Vault holds the root key and no entry: each call reads and decrypts the
//     file, so what another process wrote is seen at once, and wipes the plain
//     text that it made. On Linux the root key is in a locked page that no core
//     dump holds, and after Close no key, no passphrase and no content is left in the
//     process's memory. The ciphers' objects, stacks and registers that a key passed
//     through are wiped after each use; of what the system saves of registers when it
//     interrupts a thread, that is the aim and no certainty.
//   - Set and Delete return when the new file is on the disk. They read the
//     newest file under a lock between processes (PATH.lock, never renamed), write a
//     temporary file, sync, rename and sync the folder: a kill or a full disk at
//     any point leaves the old or the new vault whole.
//   - The file of one change before stays as PATH.previous. A deleted or
//     replaced value is in it until the next change. It is never opened by
//     itself.
//   - Rekey writes a vault under another root key once it has opened it by every way
//     that is to open it, and leaves nothing that a way of before opens. Slots are
//     added and removed without touching the entries; the last one stays, and so does
//     the last one that a person can use.
//   - Damage (KindCorrupt) and a wrong passphrase (KindWrongKey) are told
//     apart by a checksum; deliberate alteration is told by the cipher.
//   - Within one process an older generation, another file of the same one, or
//     another vault at the same path, is refused. Mark and Follows carry that over
//     restarts for who keeps a mark elsewhere, as keychain/backend does.
//   - A TextKey does the same for a text, the config, and touches no file.
//   - A Vault may be used from several goroutines. A call waits up to 10 s for
//     another process's lock. Close waits for the calls under way.
//
// The package never falls back to plain text, never logs, and never takes a cost
// of key derivation outside of its bounds, also not from the file.
//
// # FIPS mode
//
// While the program runs with GODEBUG=fips140=on or =only, everything that encrypts and
// derives here is done by Go's cryptographic module with approved primitives (AES-256-GCM,
// PBKDF2, HKDF, HMAC and SHA-256); new files are of those, and a file of others is refused.
// A vault gets them by Rekey with approved outside of that mode, and keeps them then. Two
// things are less in that mode: PBKDF2 costs who guesses a passphrase no memory, and the
// module keeps keys in objects that cannot be reached, so that instead of being wiped
// they are collected and overwritten after each use. And this is said of no more than it
// is: a build is of a validated module only if it was made with GOFIPS140 (Mode names the
// module), and of openclaw itself nothing is validated.
//
// # Who opens what
//
// A passphrase, a recovery code and age open for who has them. A key-file slot opens for
// whoever reads that file. A keychain slot opens for every program of this user while the
// keychain is unlocked, since a Linux keychain asks no program who it is; it protects a
// copied disk and another user. A credential slot opens for the service that systemd
// gives it to, and for root on the machine that encrypted it. None of the last three
// opens on another machine, so the last slot of the first three kinds is not removed.
//
// # Formats 1 and 2
//
// A file is of the first format that describes it: format 2 adds the kinds of slot
// "keychain", "credential" and "age", and the cipher "aes-256-gcm". What follows is of both
// but where it says so.
//
// A file is, without gaps:
//
//	17 bytes   the text "openclaw-vault/1" or "openclaw-vault/2", and a line feed
//	 4 bytes   N, the length of the header, big endian, at most 16,384
//	 N bytes   the header
//	24 bytes   nonce of the payload; 12 with "aes-256-gcm"
//	 M bytes   the payload, encrypted: plain text and 16 bytes of tag
//	32 bytes   SHA-256 of everything before
//
// at most 32 MiB in all. The checksum is no protection, it finds damage. The
// first 17 + 4 + N bytes are the associated data of the payload.
//
// The header is a JSON object in one canonical form: no spaces, members in this
// order, every member present but those that are of one kind alone, bytes in standard
// base64 with padding, times in RFC 3339 in UTC. A reader encodes what it
// decoded and refuses a file whose bytes differ.
//
//	id          16 random bytes, lower-case hexadecimal, for the life of the vault
//	generation  1 at creation, one more at each write
//	created     time of creation
//	written     time of this write
//	cipher      "xchacha20-poly1305"; format 2: or "aes-256-gcm"
//	slots       1 to 8 objects, at most 4 of kind "passphrase":
//	  id        8 random bytes, hexadecimal
//	  kind      "passphrase", "key-file" or "recovery-code"; format 2: or "keychain",
//	            "credential" or, not with "aes-256-gcm", "age"
//	  salt      16 random bytes
//	  kdf       passphrase only: name "argon2id", time, memory_kib, threads;
//	            with "aes-256-gcm": name "pbkdf2-hmac-sha256", iterations
//	  name      credential only: 1 to 255 letters of ASCII, digits, and . _ - ; the first a
//	            letter or a digit
//	  recipients  age only: 1 to 8 public keys, each once, of 1 to 4,096 printable
//	            characters of ASCII, without " \ < > &
//	  sealed    age only: a file of age-encryption.org/v1, at most 12,288 bytes
//	  nonce     24 random bytes; 12 with "aes-256-gcm"
//	  wrapped   48 bytes: the root key, encrypted, and a tag
//
// Accepted costs: time 3 to 10, memory 64 MiB to 1 GiB, threads 1 to 16 (the
// floor is the second choice of RFC 9106); written: 4, 128 MiB, 2. Iterations of PBKDF2
// 600,000 (OWASP's least) to 10,000,000; written: 1,000,000.
//
// The root key is 32 random bytes. A slot wraps it with the header's cipher
// under the slot's nonce, with the associated data (of either format)
//
//	"openclaw-vault/1 slot" LF, vault id LF, slot id LF, slot kind LF
//
// and the key
//
//	passphrase  argon2id(passphrase bytes as typed, salt, time, memory, threads, 32 bytes), version 0x13;
//	            with "aes-256-gcm" PBKDF2-HMAC-SHA256(passphrase, salt, iterations, 32 bytes)
//	key-file    HKDF-SHA256(secret = the file's 32 bytes, salt, info = "openclaw-vault/1 key-file", 32 bytes)
//	recovery-code: HKDF-SHA256(secret = the code's 18 bytes, salt, info = "openclaw-vault/1 recovery-code", 32 bytes)
//	keychain, credential, age: HKDF-SHA256(secret = 32 bytes, salt, info = "openclaw-vault/1 " and the kind, 32 bytes)
//
// Those 32 bytes are random, of one slot alone. The keychain has them in standard base64
// as the item "vault-slot/" and the slot's id of the service "openclaw"; the service manager
// hands them over as the credential of that name; and sealed is them, encrypted to the
// recipients. Every program of age opens that; age authenticates no sender, but the header
// is part of what the payload's tag protects.
//
// A recovery code is 18 random bytes and the first 2 bytes of SHA-256("openclaw-vault/1
// recovery-code", LF, those bytes), in base 32 (RFC 4648, no padding needed), written
// by fours with strokes between.
//
// The payload is encrypted with the header's cipher under
//
//	HKDF-SHA256(secret = root key, salt = the 32 characters of the vault id, info = "openclaw-vault/1 entries", 32 bytes)
//
// With AES-256-GCM nonces are random, so one root key writes at most 2^32 generations
// (SP 800-38D, section 8.3).
//
// An encrypted config is the same with "openclaw-config/1" (or 2 in the first line) for "openclaw-vault/1" in the
// first line, the associated data of the slots and every info (but in a recovery code's
// own 2 bytes), 18 for 17 bytes of first line, and "text" for "entries".
//
// The payload's plain text of a config: 4 bytes of length, big endian, the text, and zeros up
// to a multiple of 1,024 bytes (at least one). Of a vault:
//
//	4 bytes    L, big endian
//	L bytes    {"entries":[{"name":…,"created":…,"changed":…,"length":…},…]} in order of name
//	           (bytewise, each once); names as keychain.CheckName wants them
//	the rest   the values in the same order, each of its length, then zeros up to a
//	           multiple of 1,024 bytes (at least one)
//
// Names have 1 to 200 letters of ASCII, digits, and . _ - and / . The primitives are
// those of RFC 9106 (argon2id, without secret and associated data), RFC 5869 (HKDF)
// and draft-irtf-cfrg-xchacha-03 (XChaCha20-Poly1305); FIPS 197 and SP 800-38D
// (AES-256-GCM) and RFC 8018 with SP 800-132 (PBKDF2). testdata/read_vault.py reads
// the format in another language, and was written from this text alone.
//
// Anything that this text does not describe (another number in the first line,
// an unknown member, cipher, kind or derivation) is refused, so a later format
// can add to it under the next number.
package vault
