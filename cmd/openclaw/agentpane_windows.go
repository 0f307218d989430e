package main

import (
	"errors"
	"os"
)

func controlled(*os.File) error {
	return errors.New("no cage has a terminal of its own on this system")
}
