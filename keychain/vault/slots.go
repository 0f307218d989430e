package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"openclaw/keychain/internal/file"
)

var (
	errLastSlot = errors.New("it is the last way to unlock this vault")
	errPersonal = errors.New("it is the last way by which a person unlocks this vault: what is left opens on this machine only, as long as that keeps its keys")
	errFullOf   = fmt.Errorf("a vault has at most %d ways to be unlocked, %d of them passphrases", maxSlots, maxPassSlots)
	errUnknown  = errors.New("the vault has no such way to be unlocked")
	errRekeyed  = errors.New("the vault has another root key now")
	errVerify   = errors.New("the new vault did not open by what it was made for: the old one stays")
)

// Slots are the ways to unlock the vault, as the file on the disk has them.
func (v *Vault) Slots(ctx context.Context) ([]Slot, error) {
	const op = "list slots"
	if err := ctx.Err(); err != nil {
		return nil, wrap(op, v.path, "", err)
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.root == nil {
		return nil, wrap(op, v.path, "", errClosed)
	}
	var slots []Slot
	err := v.load(func(h Header, _ payload) { slots = h.Slots }) // only opening it proves the header
	return slots, wrap(op, v.path, "", err)
}

// AddSlot adds a way to unlock the vault, beside those that it has.
func (v *Vault) AddSlot(ctx context.Context, unlock Unlock) (Slot, error) {
	var slot Slot
	err := v.changeSlots(ctx, unlock, func(h *Header, material []byte) (err error) {
		slot, err = h.newSlot(unlock.form(), material, v.root.bytes(), v.cost)
		if err != nil {
			return err
		}
		h.Slots = append(slices.Clone(h.Slots), slot)
		return h.slotsFit()
	})
	return slot, wrap("add slot", v.path, "", err)
}

// RemoveSlot takes a way away, by its id, and with it the file of one change
// before, which that way opens. The last one that a person can use stays. Whoever had it and a copy of the file from before
// can still open that copy, and has the root key by it: Rekey makes another.
func (v *Vault) RemoveSlot(ctx context.Context, id string) error {
	return wrap("remove slot", v.path, "", v.changeSlots(ctx, Unlock{}, func(h *Header, _ []byte) error {
		at := slices.IndexFunc(h.Slots, func(s Slot) bool { return s.ID == id })
		switch {
		case at < 0:
			return errUnknown
		case len(h.Slots) == 1:
			return errLastSlot
		case h.Slots[at].Personal() && !slices.ContainsFunc(h.Slots, func(s Slot) bool { return s.ID != id && s.Personal() }):
			return errPersonal
		}
		h.Slots = slices.Delete(slices.Clone(h.Slots), at, at+1)
		return nil
	}))
}

// changeSlots writes the next generation under another header. unlock may be
// empty.
func (v *Vault) changeSlots(ctx context.Context, unlock Unlock, edit func(h *Header, material []byte) error) error {
	var material []byte
	if unlock.kind != "" {
		if err := unlock.prepare(); err != nil {
			return err
		}
		got, wipe, err := unlock.get()
		if err != nil {
			return err
		}
		defer wipe()
		material = got
	}
	return v.changeWith(ctx, func(h *Header, _ *payload) error { return edit(h, material) })
}

// Personal reports whether a person has what opens the slot: in the head, on paper, or
// in a file of their own. The others open by what one machine keeps.
func (s Slot) Personal() bool {
	return s.Kind == SlotPassphrase || s.Kind == SlotRecovery || s.Kind == SlotAge
}

// slotsFit reports whether a reader would take so many slots.
func (h Header) slotsFit() error {
	passphrases := 0
	for _, slot := range h.Slots {
		if slot.Kind == SlotPassphrase {
			passphrases++
		}
	}
	if len(h.Slots) > maxSlots || passphrases > maxPassSlots {
		return errFullOf
	}
	return nil
}

// Rekey encrypts everything anew under a new root key that only the given ways
// unlock; every other way ends. It is written once the new vault has been opened
// by each of them: a kill at any moment leaves the old or the new vault whole. The
// file of one change before, which the old ways open, is removed. Another process
// that has this vault open has to unlock it again. With approved, in FIPS mode, and where
// the vault had them, it gets approved primitives.
func (v *Vault) Rekey(ctx context.Context, approved bool, unlocks ...Unlock) error {
	return wrap("rekey vault", v.path, "", v.rekey(ctx, approved, unlocks))
}

func (v *Vault) rekey(ctx context.Context, approved bool, unlocks []Unlock) error {
	if len(unlocks) == 0 {
		return errNoWay
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.root == nil {
		return errClosed
	}
	release, err := file.Acquire(ctx, v.path+lockSuffix)
	if err != nil {
		return err
	}
	defer release()
	file.RemoveLeftovers(v.path)
	root := random(keySize)
	defer clear(root)
	var header Header
	var sum []byte
	var written error
	err = v.load(func(next Header, p payload) {
		next.Cipher = suite(approved || next.Approved())
		header, sum, written = v.replaceAll(next, p, root, unlocks)
	})
	if err = errors.Join(err, written); err != nil {
		return err
	}
	old := v.root
	v.root = guard(root)
	old.wipe()
	v.saw(header, sum)
	return nil
}

// replaceAll seals entries under another root key, opens what it made by each
// way, and puts it in the place of the vault. sum is its checksum.
func (v *Vault) replaceAll(h Header, p payload, root []byte, unlocks []Unlock) (_ Header, sum []byte, _ error) {
	h.Slots = nil
	for _, unlock := range unlocks {
		slot, err := unlock.slot(h, root, v.cost)
		if err != nil {
			return Header{}, nil, err
		}
		h.Slots = append(h.Slots, slot)
	}
	if err := h.slotsFit(); err != nil {
		return Header{}, nil, err
	}
	h.Generation++
	h.Written = v.now().UTC().Truncate(time.Second)
	plaintext, err := p.encode()
	if err != nil {
		return Header{}, nil, err
	}
	defer clear(plaintext)
	data, err := seal(h, root, plaintext)
	if err != nil {
		return Header{}, nil, err
	}
	for _, unlock := range unlocks {
		if err := opens(data, unlock, v.floor); err != nil {
			return Header{}, nil, fmt.Errorf("%w: %w", errVerify, err)
		}
	}
	if err := v.dropPrevious(); err != nil { // the old root key opens it, too
		return Header{}, nil, err
	}
	return h, data[len(data)-checksumSize:], file.Replace(v.path, "", data)
}

// dropPrevious removes the file of one change before, because a way that opens it
// ends now. That comes first: of a kill here nothing is left that opens by it.
func (v *Vault) dropPrevious() error {
	if err := os.Remove(v.path + previousSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the file of one change before: %w", err)
	}
	return nil
}

// slot makes the slot of a way.
func (u Unlock) slot(h Header, root []byte, cost costs) (Slot, error) {
	if err := u.prepare(); err != nil {
		return Slot{}, err
	}
	material, wipe, err := u.get()
	if err != nil {
		return Slot{}, err
	}
	defer wipe()
	return h.newSlot(u.form(), material, root, cost)
}

// opens reports whether a whole file opens by a way.
func opens(data []byte, unlock Unlock, floor bounds) error {
	c, err := parse(data, floor)
	if err != nil {
		return err
	}
	material, wipe, err := unlock.get()
	if err != nil {
		return err
	}
	defer wipe()
	root, err := c.header.unwrap(unlock.kind, material)
	if err != nil {
		return err
	}
	defer clear(root)
	plaintext, err := c.open(root)
	clear(plaintext)
	return err
}
