// Package ref owns references: the texts in a config that say where a secret
// is, and their resolution.
//
// # Forms
//
//	${NAME}                     the variable, from the environment or the .env file
//	${NAME:-default}            the same, with text for when it is not set or empty
//	Bearer ${NAME}              text around variables; $$ is a dollar sign
//	keychain://service/account  an item of the system's keychain; with the service
//	                            openclaw, the secret of that name in openclaw's store
//	vault://name                an entry of the encrypted vault
//	file:///path                a file that only its owner may read; one newline at the
//	                            end is cut
//	anything else               a literal, with a warning
//
// A #field behind the last three picks a member of a JSON object, #a.b of one
// inside. In their paths %XX stands for a byte, so %23 is a # and %25 a %.
// aws-secrets://, gcp-secrets://, azure-keyvault://, exec: and ?version= are
// known and refused by name. An unknown scheme, or a $ that begins no form, is
// an error and never a literal: a typing error must not be sent as a key.
//
// # Promises
//
// Parse reads nothing and no Reference prints a literal or a default. Resolve
// happens at each use; what comes from a store is cached for Options.TTL (1
// minute) and a failure for Options.NegativeTTL (5 s), so that a rotated secret
// is followed and a dead service is not asked at every request. Files and
// variables are read anew each time. Each reference fails alone. Errors are
// *keychain.Error and hold no value, also not of the .env file. The .env file
// is parsed, never executed and never put in the process's environment, where
// every child would inherit it; the real environment wins over it.
//
// A Resolver may be used from several goroutines. No lock is held while a store
// is asked.
package ref
