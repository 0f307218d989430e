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
//	pass://path/of/entry        the first line of an entry of pass(1)
//	op://vault/item/field       a field of 1Password, by its program op; a section may
//	                            stand between item and field
//	hcvault://mount/path#member a member of an entry of HashiCorp Vault or OpenBao, key-value
//	                            engine version 1 or 2; ?version=N before the # picks an older
//	                            one of version 2; an entry of one member needs no #
//	aws-secrets://name          a secret of AWS Secrets Manager, in the region of AWS_REGION or
//	                            the profile; aws-secrets://arn:… one of another region or
//	                            account. ?version=AWSPREVIOUS is a staging label; of 32 to 64
//	                            characters, a version's ID
//	gcp-secrets://projects/P/secrets/NAME
//	                            a secret of Google Cloud, also projects/P/locations/L/secrets/NAME;
//	                            /versions/3 or ?version=3 picks one that is not the newest
//	azure-keyvault://vault/name a secret of Azure Key Vault; ?version= picks one that is not the newest
//	exec:program argument…      what the program prints; no shell reads the line. A program
//	                            docker-credential-NAME is followed by a server and spoken to
//	                            in docker's credential protocol
//	anything else               a literal, with a warning
//
// A #field behind keychain, vault, file, op and the clouds picks a member of a JSON object,
// #a.b of one inside; behind pass the line "field: value". In their paths %XX
// stands for a byte, so %23 is a # and %25 a %; names of the clouds need none.
// An unknown scheme, or a $ that
// begins no form, is an error and never a literal: a typing error must not be sent as
// a key.
//
// # Programs and servers
//
// A program is looked for in the whole paths of PATH and runs with no terminal, with
// the variables that its own store needs and no others, and for Options.Patience
// (15 s) at most; then it is killed with what it started. Of its output 64 KiB are
// taken, of its words nothing is repeated. Only names of entries are in its
// arguments. HashiCorp Vault is found as its own program finds it: VAULT_ADDR,
// VAULT_TOKEN or ~/.vault-token, VAULT_NAMESPACE, VAULT_CACERT, or the same with
// BAO_. It is asked over TLS, or in clear on this machine only; no redirect is
// followed. Who asks for the same thing at once waits for the first's answer.
//
// pass is tested for real, and so is HashiCorp Vault, by its own core and engines, where
// OPENCLAW_TEST_HCVAULT names what .ci/vault-server builds: that is not so for each
// change. 1Password's program, OpenBao and Vault's namespaces, which only its enterprise
// edition has, are not to be had where the tests run; stand-ins answer in their place.
//
// # Clouds
//
// Credentials are found as the cloud's own tools find them, and only in the
// environment and the files of the person. AWS: AWS_ACCESS_KEY_ID and its companions;
// AWS_WEB_IDENTITY_TOKEN_FILE; ~/.aws/config and credentials with AWS_PROFILE: keys,
// role_arn with source_profile or credential_source, sso_session after aws sso login,
// credential_process; a container's agent. The metadata service of a machine, at an
// address that anyone may hold on another network, is asked only where the profile
// says credential_source = Ec2InstanceMetadata or AWS_EC2_METADATA_DISABLED is false.
// Refused by name: mfa_serial, and the session of aws login, which AWS's tools hand on
// by credential_process. AWS_ENDPOINT_URL and its kin name another server, AWS_CA_BUNDLE
// its authorities.
//
// Google: the application default credentials, of GOOGLE_APPLICATION_CREDENTIALS or
// gcloud's login, of every type that needs no program and no client certificate;
// GOOGLE_CLOUD_QUOTA_PROJECT; a machine's metadata service where GCE_METADATA_HOST names
// it. CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER is another server. The checksum that
// comes with a value has to fit.
//
// Azure: AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE with AZURE_TENANT_ID and
// AZURE_CLIENT_ID; App Service's identity; a machine's where AZURE_TOKEN_CREDENTIALS says
// prod or ManagedIdentityCredential; and az, after az login. AZURE_AUTHORITY_HOST picks
// another of Azure's own clouds. A vault that asks for a token of another place gets none.
// Refused by name: AZURE_CLIENT_CERTIFICATE_PATH, AZURE_USERNAME, and Azure Arc.
//
// A file that holds a key has to be its owner's alone, and one that names a program to
// run writable by nobody else; where that cannot be judged, as on Windows, variables and
// programs are used and files refused. The tools' own folders are in no agent's reach; a
// file elsewhere that a variable names has to be kept from agents by the person, because
// who may write it has the gateway run a program. Nothing goes out without TLS but to this machine and to
// link-local addresses, those by no proxy; elsewhere HTTPS_PROXY is used. No redirect is
// followed. An answer has 1 MiB at most and a secret 64 KiB; one newline at its end is
// cut. A service that is busy or broken is asked three times, with Retry-After between
// up to 5 s; what it asks for beyond is kept as the failure's time, up to a minute.
// Temporary credentials are kept for 10 minutes at most, and not after a refusal. They
// are strings in the hands of libraries, and cannot be wiped.
//
// What of this was tested against what: servers in the tests speak the protocols as
// the documents write them, check each signature by computing it anew, and the clouds'
// own clients are clients of the same servers, with the same settings (but a person's
// login to Google: its client asks Google itself, whatever the file says).
// Nothing was run against the true clouds: there were no accounts where the tests run.
//
// # Promises
//
// Parse reads nothing and no Reference prints a literal or a default. Resolve
// happens at each use; what comes from a store is cached for Options.TTL (1
// minute) and a failure for Options.NegativeTTL (5 s), so that a rotated secret
// is followed and a dead service is not asked at every request; of a vault that is locked
// or opened nothing is kept (Forget, of backend.Options.Changed). Files and
// variables are read anew each time. Each reference fails alone. Errors are
// *keychain.Error and hold no value, also not of the .env file. The .env file
// is parsed, never executed and never put in the process's environment, where
// every child would inherit it; the real environment wins over it.
//
// A Resolver may be used from several goroutines. No lock is held while a store
// is asked.
package ref
