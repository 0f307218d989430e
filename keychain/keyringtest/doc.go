// Package keyringtest runs a test against a real gnome-keyring and, where it is
// asked for, a real KeePassXC, each on a D-Bus of its own, or against a broken one. It
// is for tests only.
//
// It owns the processes that it starts (a bus, a keyring daemon, the test
// binary once more) and the folders they use; all end with the test. It never
// touches the bus or the keyring of the user who runs the tests.
package keyringtest
