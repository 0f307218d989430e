package ref

import (
	"context"

	"openclaw/keychain"
)

func (r *Resolver) askAzure(context.Context, Reference) (keychain.Secret, error) {
	return keychain.Secret{}, outside(keychain.KindUnsupported, "the scheme "+string(Azure)+" is not built yet", "use keychain://, vault://, hcvault://, or exec: with az")
}
