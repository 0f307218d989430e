//go:build !linux

package vault

// guarded holds a key; pages that are kept out of swap exist on Linux only.
type guarded struct{ key []byte }

func guard(key []byte) *guarded { return &guarded{key: key} }

func (g *guarded) bytes() []byte { return g.key }

func (g *guarded) wipe() { clear(g.key) }
