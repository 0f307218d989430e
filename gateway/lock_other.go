//go:build !unix

package gateway

import "errors"

// Lock is held by the one gateway of a state folder.
type Lock struct{}

// TakeLock refuses: a gateway that cannot lock its state folder does not run.
func TakeLock(string) (*Lock, error) {
	return nil, &Error{Op: "lock state folder", Kind: KindUnsupported, Err: errors.New("the gateway is not supported on this system yet"), Hint: "run it on Linux or macOS"}
}

// Release does nothing.
func (*Lock) Release() {}

func alive(int) bool { return false }
