package main

import "openclaw/keychain/vault"

// showFIPS says whether this program runs in FIPS mode, what the vault is made of, and
// what of that is validated: no more than it is.
func (t *terminal) showFIPS() {
	on, module := vault.Mode()
	t.print("")
	switch {
	case !on:
		t.print("FIPS mode: off (GODEBUG=fips140=on turns it on)")
	case module == "latest":
		t.print("FIPS mode: on. Go's cryptographic module is the one of this Go release, which is not validated: build openclaw with GOFIPS140=certified for one that is.")
	default:
		t.print("FIPS mode: on. Go's cryptographic module is %s; see its certificate for what is validated.", printable(module))
	}
	if on {
		t.print("  Only the vault and an encrypted config keep to approved primitives by openclaw's own doing. openclaw itself is not\n" +
			"  validated; exports and recipients of age are refused or not approved, and so is what other programs do in a cage.")
	}
	layout, err := t.layout()
	if err != nil {
		return
	}
	header, err := vault.ReadHeader(layout.Vault())
	if err != nil {
		return // there is none, or 'openclaw status' says what it has
	}
	switch {
	case header.Approved():
		t.print("  vault: approved primitives (%s)", header.Cipher)
	case on:
		t.print("✗ vault: %s, which is not approved: it does not open in this mode\n    get it:     without GODEBUG=fips140, openclaw vault rekey --fips", header.Cipher)
	default:
		t.print("  vault: %s", header.Cipher)
	}
}
