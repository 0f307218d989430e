package backend

import (
	"context"
	"errors"

	"openclaw/keychain"
	"openclaw/keychain/vault"
)

// Get returns the secret from the chosen backend and from no other.
func (b *Backend) Get(ctx context.Context, name string) (keychain.Secret, error) {
	store, err := b.answering(ctx, "get secret", name)
	if err != nil {
		return keychain.Secret{}, err
	}
	value, err := store.Get(ctx, name)
	if err == nil {
		if err = b.noteStore(ctx, "get secret", store); err != nil {
			value.Wipe()
		}
	}
	b.learn(store, err)
	if err != nil {
		return keychain.Secret{}, err
	}
	return value, nil
}

// Set stores value in the chosen backend.
func (b *Backend) Set(ctx context.Context, name string, value keychain.Secret) error {
	const op = "set secret"
	store, err := b.answering(ctx, op, name)
	if err != nil {
		return err
	}
	err = store.Set(ctx, name, value)
	b.learn(store, err)
	if err != nil {
		return err
	}
	defer b.changed(name)
	return b.note(ctx, store, op, name, noteSet(name, b.now()))
}

// Delete removes name from the chosen backend.
func (b *Backend) Delete(ctx context.Context, name string) error {
	const op = "delete secret"
	store, err := b.answering(ctx, op, name)
	if err != nil {
		return err
	}
	err = store.Delete(ctx, name)
	b.learn(store, err)
	if err != nil && keychain.KindOf(err) != keychain.KindNotFound {
		return err
	}
	defer b.changed(name)
	// What the keychain no longer has, another hand deleted: the index follows.
	if noted := b.note(ctx, store, op, name, noteDelete(name)); err == nil {
		err = noted
	}
	return err
}

// List returns the names, sorted.
func (b *Backend) List(ctx context.Context) ([]string, error) {
	infos, err := b.Info(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(infos))
	for _, info := range infos {
		names = append(names, info.Name)
	}
	return names, nil
}

// Info returns what is known of each secret, sorted by name. While a keychain is
// locked or cannot list, it is what the index remembers.
func (b *Backend) Info(ctx context.Context) ([]Info, error) {
	const op = "list secrets"
	store, err := b.answering(ctx, op, "")
	if err != nil {
		return nil, err
	}
	if v, ok := store.(*vault.Vault); ok {
		entries, err := v.Entries(ctx)
		b.learn(store, err)
		if err != nil {
			return nil, err
		}
		out := make([]Info, 0, len(entries))
		for _, e := range entries {
			out = append(out, Info{Name: e.Name, Created: e.Created, Changed: e.Changed})
		}
		return out, nil
	}
	listed, listErr := store.List(ctx)
	if keychain.KindOf(listErr) != keychain.KindUnsupported {
		b.learn(store, listErr)
	}
	entries, err := b.readIndex()
	switch {
	case listErr == nil:
		return merge(listed, entries), nil
	case err != nil:
		return nil, &keychain.Error{Op: op, Kind: keychain.KindCorrupt, Err: err, Hint: "remove " + b.indexPath() + ": the secrets themselves are in the keychain; store one again to list it"}
	}
	return entries, nil
}

// store returns the chosen backend, or why there is none. A keychain is asked
// again at every call, because it may have been unlocked since.
func (b *Backend) store(op, name string) (keychain.Store, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.choice == Keychain && b.os != nil:
		return b.os, nil
	case b.choice == Vault && b.vault != nil:
		return b.vault, nil
	case b.err == nil:
		return nil, locked(op)
	}
	if e, ok := errors.AsType[*keychain.Error](b.err); ok {
		return nil, &keychain.Error{Op: op, Name: name, Kind: e.Kind, Err: e.Err, Hint: e.Hint}
	}
	return nil, b.err
}

// learn keeps what an answer says about the backend itself. That of a vault which was
// locked or opened anew meanwhile says nothing of what is in use now.
func (b *Backend) learn(store keychain.Store, err error) {
	switch keychain.KindOf(err) {
	case keychain.KindLocked, keychain.KindNoService, keychain.KindTimeout, keychain.KindCorrupt, keychain.KindUnsafeFile, keychain.KindRolledBack:
	case "", keychain.KindNotFound:
		err = nil
	default:
		return // about this name or value only
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	v, isVault := store.(*vault.Vault)
	if isVault == (b.choice == Vault) && (!isVault || v == b.vault) {
		b.err = err
	}
}

// noteStore tells the anchors of the newest generation, if the store is a vault.
func (b *Backend) noteStore(ctx context.Context, op string, store keychain.Store) error {
	v, ok := store.(*vault.Vault)
	if !ok {
		return nil
	}
	return b.noteMark(ctx, op, v)
}

// note follows a change of the keychain in the index, and one of the vault in the
// anchors.
func (b *Backend) note(ctx context.Context, store keychain.Store, op, name string, edit func([]Info) []Info) error {
	if store != keychain.Store(b.os) {
		return b.noteStore(ctx, op, store)
	}
	if err := b.changeIndex(ctx, edit); err != nil {
		return &keychain.Error{
			Op: op, Name: name, Kind: keychain.KindFailed, Err: err,
			Hint: "the keychain was changed, only the list in " + b.stateDir + " was not: check its free space and mode",
		}
	}
	return nil
}
