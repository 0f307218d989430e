package vault

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"unsafe"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
)

// The ciphers of golang.org/x/crypto keep a key for as long as their object lives in
// memory, which is until something else is put there. Here one is made for each
// message, from the subkey of draft-irtf-cfrg-xchacha-03, section 2.3, and wiped.

var errCipher = errors.New("the cipher's object is not one that can be wiped")

// xseal appends the encrypted plaintext to dst.
func xseal(dst, key, nonce, plaintext, associated []byte) (out []byte, err error) {
	err = withSubkey(key, nonce, func(aead cipher.AEAD, nonce []byte) error {
		out = aead.Seal(dst, nonce, plaintext, associated)
		return nil
	})
	return out, err
}

// xopen returns the plaintext in a buffer of its own; errAltered is of another key or
// of other data.
func xopen(key, nonce, ciphertext, associated []byte) (plaintext []byte, err error) {
	err = withSubkey(key, nonce, func(aead cipher.AEAD, nonce []byte) error {
		if plaintext, err = aead.Open(nil, nonce, ciphertext, associated); err != nil {
			return errAltered
		}
		return nil
	})
	return plaintext, err
}

// withSubkey gives use the cipher of one message.
func withSubkey(key, nonce []byte, use func(aead cipher.AEAD, nonce []byte) error) (err error) {
	if len(key) != keySize || len(nonce) != nonceSize {
		return fmt.Errorf("%w: %d bytes of key, %d of nonce", errCipher, len(key), len(nonce))
	}
	leavingNoTrace(func() {
		subkey, failed := chacha20.HChaCha20(key, nonce[:16])
		if failed != nil {
			err = failed
			return
		}
		defer clear(subkey)
		aead, failed := chacha20poly1305.New(subkey)
		if failed != nil {
			err = failed
			return
		}
		inside, failed := keyInside(aead)
		if failed != nil {
			err = failed
			return
		}
		defer clear(inside)
		var short [chacha20poly1305.NonceSize]byte
		copy(short[4:], nonce[16:])
		err = use(aead, short[:])
	})
	return err
}

// keyInside is the key within a cipher's object, which is nothing but that key. The
// library has no way to wipe it. Should a later version be built otherwise, the error
// stops every use, and a test before that.
func keyInside(aead cipher.AEAD) ([]byte, error) {
	object := reflect.ValueOf(aead)
	if object.Kind() != reflect.Pointer || !keyAlone(object.Type().Elem()) {
		return nil, errCipher
	}
	return unsafe.Slice((*byte)(object.UnsafePointer()), keySize), nil //nolint:gosec // keyAlone judged its shape
}

func keyAlone(object reflect.Type) bool {
	return object.Kind() == reflect.Struct && object.NumField() == 1 && object.Field(0).Type == reflect.TypeFor[[keySize]byte]()
}

const (
	stackRoom = 32 << 10 // bytes, more than the ciphers and hashes here use of a stack
	stackHold = 64 << 10 // bytes, so much that the collector finds the stack in use
)

// leavingNoTrace runs use, which handles keys, and wipes the stack below it. Meanwhile
// the stack is not moved: what is left behind by a move is wiped by nobody. It is
// made large enough before, so that it does not grow; and a good part of it is held, as
// the collector moves one of which less than a quarter is used to a smaller place.
//
//go:noinline
func leavingNoTrace(use func()) {
	var hold [stackHold]byte
	touchHold(&hold)
	quietly(func() {
		wipeStack()
		use()
		wipeStack()
		wipeRegisters(&hold, len(hold)/2)
	})
	touchHold(&hold)
}

// wipeRegisters moves zeros by the vector registers, in which the last copy of a key may
// stand. The move of a size that is not known when it is compiled is the runtime's.
//
//go:noinline
func wipeRegisters(hold *[stackHold]byte, half int) { copy(hold[:min(half, 256)], hold[half:]) }

//go:noinline
func touchHold(hold *[stackHold]byte) { clear(hold[:]) }

const (
	blake2bObject = 360     // bytes of a hash of golang.org/x/crypto/blake2b
	freedObjects  = 1 << 12 // more than the free places for one of its size in a heap like ours
)

// overwriteFreed takes the free places of the heap for objects of a size, until those
// that were freed before are among them: what is given out is zero. It is as sure as
// it gets where an object of a library cannot be reached, and no more; the heap of a
// large program may have other places.
func overwriteFreed(size int) {
	runtime.GC()
	taken := make([][]byte, 0, freedObjects)
	for range freedObjects {
		taken = append(taken, make([]byte, size))
	}
	runtime.KeepAlive(taken)
}

//go:noinline
func wipeStack() {
	var room [stackRoom]byte
	touch(&room)
}

// touch keeps the compiler from leaving the room out.
//
//go:noinline
func touch(room *[stackRoom]byte) { clear(room[:]) }
