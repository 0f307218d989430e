package vault

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
func TestCipherGivesThePublishedVector(t *testing.T) {
	plaintext := []byte("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.")
	associated := unhex(t, "50515253c0c1c2c3c4c5c6c7")
	key := unhex(t, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")
	nonce := unhex(t, "404142434445464748494a4b4c4d4e4f5051525354555657")
	want := unhex(t, "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"+
		"731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"+
		"2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"+
		"21f9664c97637da9768812f615c68b13b52e"+"c0875924c1c7987947deafd8780acf49")
	got, err := xseal([]byte("before"), key, nonce, plaintext, associated)
	if err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
		t.Fatalf("%x %v", got, err)
	}
	back, err := xopen(key, nonce, want, associated)
	if err != nil || !bytes.Equal(back, plaintext) {
		t.Fatalf("%q %v", back, err)
	}
	for i := range want {
		bad := bytes.Clone(want)
		bad[i] ^= 1
		if _, err := xopen(key, nonce, bad, associated); !errors.Is(err, errAltered) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	if _, err := xopen(key[:31], nonce, want, associated); err == nil {
		t.Fatal("a short key")
	}
}

// RFC 5869, appendix A, cases 1 and 3, the first 32 bytes; RFC 4231, cases 1, 2 and 6.
func TestDerivationGivesThePublishedVectors(t *testing.T) {
	secret := bytes.Repeat([]byte{0x0b}, 22)
	info := string(unhex(t, "f0f1f2f3f4f5f6f7f8f9"))
	module := func(secret, salt []byte, info string) []byte {
		out, err := moduleHKDF(secret, salt, info)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, derive := range []func(secret, salt []byte, info string) []byte{ownHKDF, module} {
		if got := derive(secret, unhex(t, "000102030405060708090a0b0c"), info); hex.EncodeToString(got) != "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf" {
			t.Fatalf("%x", got)
		}
		if got := derive(secret, nil, ""); hex.EncodeToString(got) != "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d" {
			t.Fatalf("%x", got)
		}
	}
	for _, v := range []struct{ key, message, mac string }{
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", hex.EncodeToString([]byte("Hi There")), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{hex.EncodeToString([]byte("Jefe")), hex.EncodeToString([]byte("what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{hex.EncodeToString(bytes.Repeat([]byte{0xaa}, 131)), hex.EncodeToString([]byte("Test Using Larger Than Block-Size Key - Hash Key First")), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	} {
		if got := hmac256(unhex(t, v.key), unhex(t, v.message)); hex.EncodeToString(got[:]) != v.mac {
			t.Fatalf("%x", got)
		}
	}
}

// Over random inputs of every length it is what the libraries compute.
func TestCipherAndDerivationAreTheLibrarys(t *testing.T) {
	for n := range 300 {
		key, nonce, text, salt := make([]byte, keySize), make([]byte, nonceSize), make([]byte, n), make([]byte, n/3)
		for _, b := range [][]byte{key, nonce, text, salt} {
			_, _ = rand.Read(b)
		}
		library, err := chacha20poly1305.NewX(key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := xseal(nil, key, nonce, text, salt)
		if err != nil || !bytes.Equal(got, library.Seal(nil, nonce, text, salt)) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		derived, err := hkdf.Key(sha256.New, key, salt, string(text), 32)
		if err != nil || !bytes.Equal(derived, ownHKDF(key, salt, string(text))) {
			t.Fatalf("%d bytes of info: %v", n, err)
		}
		mac := hmac.New(sha256.New, salt)
		mac.Write(text)
		if got := hmac256(salt, text); !bytes.Equal(got[:], mac.Sum(nil)) {
			t.Fatalf("%d bytes of message", n)
		}
	}
}

// The object of the library's cipher is its key, and is wiped.
func TestCipherObjectIsWiped(t *testing.T) {
	key := bytes.Repeat([]byte{0x5a}, keySize)
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := keyInside(aead)
	if err != nil || !bytes.Equal(inside, key) {
		t.Fatalf("%x %v", inside, err)
	}
	clear(inside)
	zero, err := chacha20poly1305.New(make([]byte, keySize))
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, chacha20poly1305.NonceSize)
	if !bytes.Equal(aead.Seal(nil, nonce, key, nil), zero.Seal(nil, nonce, key, nil)) {
		t.Fatal("the cipher has its key still")
	}
	x, err := chacha20poly1305.NewX(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyInside(x); err != nil {
		t.Fatal(err) // it has the same shape
	}
	if _, err := keyInside(nil); !errors.Is(err, errCipher) {
		t.Fatalf("of nothing: %v", err)
	}
}
