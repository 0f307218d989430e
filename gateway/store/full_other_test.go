//go:build unix && !linux

package store_test

import "errors"

func childFull(string) error { return errors.New("a small file system is made on Linux only") }
