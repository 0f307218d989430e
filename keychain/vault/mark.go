package vault

import (
	"context"
	"encoding/hex"
	"fmt"

	"openclaw/keychain"
)

// fingerprintSize is enough that no two files of a vault have the same.
const fingerprintSize = 16

// Mark is of the highest generation that this process saw.
func (v *Vault) Mark() keychain.VaultMark {
	v.seenMu.Lock()
	defer v.seenMu.Unlock()
	return keychain.VaultMark{
		ID: v.seen.ID, Generation: v.seen.Generation, Written: v.seen.Written,
		Fingerprint: hex.EncodeToString(v.sum[:fingerprintSize]),
	}
}

// Follows is why a file may not be used once the mark seen was, or nil. What is
// not newer than seen, and not the very same, somebody put in place.
func Follows(m, seen keychain.VaultMark) error {
	switch {
	case m.ID != seen.ID:
		return errOther
	case m.Generation < seen.Generation:
		return fmt.Errorf("%w: %d after %d", errOlder, m.Generation, seen.Generation)
	case m.Generation == seen.Generation && m.Fingerprint != seen.Fingerprint:
		return fmt.Errorf("%w: %d", errFork, m.Generation)
	}
	return nil
}

// maxGeneration leaves room above whatever a file or a record says.
const maxGeneration = 1 << 53 // far above what a vault comes to; JSON holds it in full everywhere

// Advance writes the same entries as a generation after past. Of a file that was
// put back on purpose it makes the newest: none that was written before it, also of
// those that are gone, can take its place.
func (v *Vault) Advance(ctx context.Context, past uint64) error {
	return wrap("accept vault file", v.path, "", v.changeWith(ctx, func(h *Header, _ *payload) error {
		h.Generation = max(h.Generation, past)
		if h.Generation >= maxGeneration {
			return errNumber
		}
		return nil
	}))
}
