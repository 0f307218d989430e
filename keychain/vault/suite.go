package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"unsafe"
)

// A file's cipher stands for its suite: everything that encrypts and derives in it.
// XChaCha20-Poly1305 goes with argon2id; AES-256-GCM, of FIPS 197 and SP 800-38D, with
// PBKDF2 of SP 800-132. HKDF and SHA-256 are in both. The suite is chosen when a vault is
// made or gets a new root key: in FIPS mode only the second may be used.

var (
	errNotApproved = errors.New("it is encrypted by primitives that are not approved, and this program runs in FIPS mode")
	errApprovedAge = errors.New("a vault of approved primitives has no age recipients: what age uses is not approved")
	errMode        = errors.New("FIPS mode is on, and age's primitives are not approved")
)

// gcmWrites is how often a key of AES-GCM encrypts under a random nonce at most: 2^32,
// by section 8.3 of SP 800-38D.
const gcmWrites = 1 << 32

// sha256Object are the bytes of a hash of the module, and of an HMAC of it.
const sha256Object = 128

// Mode tells whether this program runs in FIPS mode, by GODEBUG=fips140, and which
// cryptographic module of Go it was built with.
func Mode() (on bool, module string) { return fips140.Enabled(), fips140.Version() }

// Approved reports whether the file is of approved primitives.
func (h Header) Approved() bool { return h.Cipher == cipherGCM }

// allowed is why the file may not be opened or written in this process, or nil.
func (h Header) allowed() error {
	switch {
	case fips140.Enabled() && !h.Approved():
		return errNotApproved
	case h.Approved() && h.Generation >= gcmWrites:
		return errNumber
	}
	return nil
}

// suite is the cipher of a new file.
func suite(approved bool) string {
	if approved || fips140.Enabled() {
		return cipherGCM
	}
	return cipherName
}

func nonceLength(cipher string) int {
	if cipher == cipherGCM {
		return gcmNonceSize
	}
	return nonceSize
}

// costs are of a new passphrase in either suite.
type costs struct {
	argon      Derivation
	iterations uint32
}

func (c costs) of(cipher string) Derivation {
	if cipher == cipherGCM {
		return Derivation{Name: kdfPBKDF2, Iterations: c.iterations}
	}
	return c.argon
}

// encrypt appends a random nonce and the encrypted plaintext to dst.
func encrypt(cipher string, dst, key, plaintext, associated []byte) (out []byte, err error) {
	if cipher == cipherGCM {
		return gcmSeal(dst, key, plaintext, associated)
	}
	nonce := random(nonceSize)
	return xseal(append(dst, nonce...), key, nonce, plaintext, associated)
}

// decrypt returns the plaintext in a buffer of its own; errAltered is of another key
// or of other data.
func decrypt(cipher string, key, nonce, ciphertext, associated []byte) ([]byte, error) {
	if cipher == cipherGCM {
		return gcmOpen(key, nonce, ciphertext, associated)
	}
	return xopen(key, nonce, ciphertext, associated)
}

func gcmSeal(dst, key, plaintext, associated []byte) (out []byte, err error) {
	err = withGCM(key, func(aead cipher.AEAD) error {
		out = aead.Seal(dst, nil, plaintext, associated) //nolint:gosec // the cipher makes a random nonce itself and takes none
		return nil
	})
	return out, err
}

// gcmOpen: the module's cipher takes the nonce before the text, in one slice.
func gcmOpen(key, nonce, ciphertext, associated []byte) (plaintext []byte, err error) {
	whole := append(append(make([]byte, 0, len(nonce)+len(ciphertext)), nonce...), ciphertext...)
	err = withGCM(key, func(aead cipher.AEAD) error {
		if plaintext, err = aead.Open(nil, nil, whole, associated); err != nil {
			return errAltered
		}
		return nil
	})
	return plaintext, err
}

// withGCM gives use the cipher of one message, by the module's own random nonces, and
// wipes its key schedule.
func withGCM(key []byte, use func(cipher.AEAD) error) (err error) {
	if len(key) != keySize {
		return fmt.Errorf("%w: %d bytes of key", errCipher, len(key))
	}
	leavingNoTrace(func() {
		block, failed := aes.NewCipher(key)
		if failed != nil {
			err = failed
			return
		}
		aead, failed := cipher.NewGCMWithRandomNonce(block)
		if failed != nil {
			err = failed
			return
		}
		schedule, failed := plainObject(reflect.ValueOf(block))
		if failed != nil {
			err = failed
			return
		}
		defer clear(schedule)
		object := reflect.ValueOf(aead)
		if object.Kind() != reflect.Struct || object.NumField() != 1 {
			err = errCipher
			return
		}
		inside, failed := plainObject(object.Field(0))
		if failed != nil {
			err = failed
			return
		}
		defer clear(inside)
		err = use(aead)
	})
	return err
}

// plainObject is the memory of an object that holds a key and no pointer, which its
// library has no way to wipe. An object of another shape stops every use, as keyInside.
func plainObject(pointer reflect.Value) ([]byte, error) {
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() || !pointerFree(pointer.Type().Elem()) {
		return nil, errCipher
	}
	return unsafe.Slice((*byte)(pointer.UnsafePointer()), pointer.Type().Elem().Size()), nil //nolint:gosec // pointerFree judged its shape
}

func pointerFree(object reflect.Type) bool {
	switch object.Kind() {
	case reflect.Struct:
		for field := range object.Fields() {
			if !pointerFree(field.Type) {
				return false
			}
		}
		return true
	case reflect.Array:
		return pointerFree(object.Elem())
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	default:
		return false
	}
}

// iterate is PBKDF2-HMAC-SHA256 of Go's cryptographic module. It keeps the words in
// copies that nothing reaches; they are collected and overwritten.
func iterate(words, salt []byte, iterations uint32) (key []byte, err error) {
	leavingNoTrace(func() {
		key, err = pbkdf2.Key(sha256.New, unsafe.String(unsafe.SliceData(words), len(words)), salt, int(iterations), keySize) //nolint:gosec // no copy of the words more than the library makes; it keeps none of the string
	})
	overwriteFreed(max(len(words), 1))
	overwriteFreed(hmacBlock)
	overwriteFreed(sha256Object)
	return key, err
}

// moduleHKDF is hkdf32 by Go's cryptographic module, which FIPS mode asks for. Its hashes
// keep the secret in objects that nothing reaches; they are collected and overwritten,
// which makes each use of a vault in FIPS mode cost a collection of garbage.
func moduleHKDF(secret, salt []byte, info string) (out []byte, err error) {
	leavingNoTrace(func() {
		prk, failed := hkdf.Extract(sha256.New, secret, salt)
		if failed != nil {
			err = failed
			return
		}
		defer clear(prk)
		out, err = hkdf.Expand(sha256.New, prk, info, keySize)
	})
	overwriteFreed(sha256Object)
	overwriteFreed(keySize)
	return out, err
}
