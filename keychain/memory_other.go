//go:build !linux

package keychain

// HideMemory switches core files off where the system has them; it cannot keep a
// debugger of the same user away here.
func HideMemory() error { return WriteNoCore() }

// ShowMemory has nothing to take back here.
func ShowMemory() error { return nil }

// MemoryHidden is false: nothing hides it here.
func MemoryHidden() bool { return false }
