//go:build !unix

package gateway

import "errors"

type lock struct{}

func takeLock(string) (*lock, error) {
	return nil, &Error{Op: "lock state folder", Kind: KindUnsupported, Err: errors.New("the gateway is not supported on this system yet"), Hint: "run it on Linux or macOS"}
}

func (*lock) release() {}

func alive(int) bool { return false }
