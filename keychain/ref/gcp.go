package ref

import (
	"context"

	"openclaw/keychain"
)

func (r *Resolver) askGCP(context.Context, Reference) (keychain.Secret, error) {
	return keychain.Secret{}, notBuilt(GCP)
}
func (r *Resolver) askAzure(context.Context, Reference) (keychain.Secret, error) {
	return keychain.Secret{}, notBuilt(Azure)
}

func notBuilt(scheme Scheme) error {
	return outside(keychain.KindUnsupported, "the scheme "+string(scheme)+" is not built yet", "use keychain://, vault://, hcvault://, or exec: with the provider's own command-line program")
}
