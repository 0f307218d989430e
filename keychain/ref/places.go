package ref

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

const maxSecretFile = 64 << 10

// ask fetches a reference of the schemes that a store answers.
func (r *Resolver) ask(ctx context.Context, reference Reference) (keychain.Secret, error) {
	switch {
	case reference.external():
		return r.askOutside(ctx, reference)
	case reference.scheme == Vault && r.options.Vault == nil:
		return keychain.Secret{}, &keychain.Error{
			Op: resolveOp, Name: reference.String(), Kind: keychain.KindNoService, Err: errors.New("no vault is in use"),
			Hint: "make one (openclaw vault init), or write keychain://openclaw/" + reference.first,
		}
	case reference.scheme == Vault:
		return r.options.Vault.Get(ctx, reference.first)
	case reference.first == keychain.Service && r.options.Store != nil:
		return r.options.Store.Get(ctx, reference.second)
	case r.options.OSItem != nil:
		return r.options.OSItem(ctx, reference.first, reference.second)
	}
	return keychain.Secret{}, &keychain.Error{
		Op: resolveOp, Name: reference.String(), Kind: keychain.KindNoService, Err: errors.New("no keychain is set up"),
		Hint: "use a machine with a keychain, or another reference",
	}
}

// readFile reads file:///path.
func readFile(path string) (keychain.Secret, error) {
	data, err := file.ReadPrivate(path, maxSecretFile)
	if err != nil {
		return keychain.Secret{}, fileError("read secret file", path, err)
	}
	value := data
	if rest, ok := bytes.CutSuffix(value, []byte("\n")); ok {
		value, _ = bytes.CutSuffix(rest, []byte("\r"))
	}
	if len(value) == 0 {
		return keychain.Secret{}, &keychain.Error{Op: "read secret file", Kind: keychain.KindNotFound, Err: errors.New("it is empty"), Hint: "write the secret to " + path}
	}
	return keychain.NewSecret(value), nil
}

// fileError gives a file's fault its kind and cure.
func fileError(op, path string, err error) error {
	e := &keychain.Error{Op: op, Kind: keychain.KindFailed, Err: err, Hint: "check " + path + " and its folder"}
	switch {
	case errors.Is(err, file.ErrMode):
		e.Kind, e.Hint = keychain.KindUnsafeFile, "make it yours alone: chmod 600 "+path
	case errors.Is(err, file.ErrOwner):
		e.Kind, e.Hint = keychain.KindUnsafeFile, path+" has to belong to the user who runs openclaw"
	case file.Unsafe(err):
		e.Kind, e.Hint = keychain.KindUnsafeFile, path+" has to be a regular file and no link"
	case errors.Is(err, file.ErrTooBig):
		e.Kind, e.Hint = keychain.KindTooBig, fmt.Sprintf("at most %d bytes are read", maxSecretFile)
	case errors.Is(err, fs.ErrNotExist):
		e.Kind, e.Hint = keychain.KindNotFound, "make "+path+" (chmod 600), or correct the reference"
	case errors.Is(err, errors.ErrUnsupported):
		e.Kind, e.Hint = keychain.KindUnsupported, "use the keychain on this system"
	}
	return e
}

// member picks a string, number or boolean of a JSON object. The errors of the
// decoder are not passed on: they may quote the value.
func member(value keychain.Secret, field string) (keychain.Secret, error) {
	fail := func(kind keychain.Kind, text, hint string) (keychain.Secret, error) {
		return keychain.Secret{}, &keychain.Error{Op: resolveOp, Kind: kind, Err: errors.New(text), Hint: hint}
	}
	raw := value.Reveal()
	for name := range strings.SplitSeq(field, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil || object == nil {
			return fail(keychain.KindBadReference, "the secret is no JSON object", "leave #"+field+" out, or store a JSON object")
		}
		inner, ok := object[name]
		if !ok {
			return fail(keychain.KindNotFound, "the JSON object has no such member", "correct the part behind #")
		}
		raw = inner
	}
	var text string
	switch {
	case len(raw) > 0 && raw[0] == '"':
		if json.Unmarshal(raw, &text) != nil {
			return fail(keychain.KindBadReference, "the member is no JSON text", "store a JSON object")
		}
	case len(raw) > 0 && raw[0] != '{' && raw[0] != '[' && string(raw) != "null":
		text = string(raw)
	}
	if text == "" {
		return fail(keychain.KindNotFound, "the member is empty or no plain value", "pick a text, as #outer.inner")
	}
	return keychain.NewSecret([]byte(text)), nil
}
