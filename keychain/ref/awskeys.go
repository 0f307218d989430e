package ref

import (
	"context"
	"encoding/json"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// awsKeys sign requests. They are strings, as AWS's library takes them: they cannot
// be wiped.
type awsKeys struct {
	ID     string
	Secret string
	Token  string
	Until  time.Time // zero: they do not end by themselves

	from string // for a person: where they were found
}

// String shows no key.
func (awsKeys) String() string { return bullets }

// GoString shows no key.
func (awsKeys) GoString() string { return bullets }

// longestChain bounds how often a profile may name another one.
const longestChain = 5

// keys finds credentials where the AWS CLI and the SDKs do, in the same order
// ("Standardized credential providers" of the SDKs' guide); but a machine's own role
// is asked for only when a person said so: elsewhere the question goes to whoever
// holds the address 169.254.169.254. held is the key under which temporary ones are
// kept.
func (c *awsCall) keys(ctx context.Context) (keys awsKeys, held string, err error) {
	r, s := c.settings.resolver, c.settings
	held = "credentials aws " + strconv.Quote(s.profile) + " " + c.region
	from := "of the profile " + s.profile
	fetch := func() (awsKeys, error) { return c.ofProfile(ctx, s.profile, 0) }
	variables := awsKeys{ID: r.firstOf("AWS_ACCESS_KEY_ID"), Secret: r.firstOf("AWS_SECRET_ACCESS_KEY"), Token: r.firstOf("AWS_SESSION_TOKEN")}
	if variables.ID+variables.Secret != "" {
		from = "of AWS_ACCESS_KEY_ID"
		fetch = func() (awsKeys, error) { return variables, nil }
	} else if path := r.firstOf("AWS_WEB_IDENTITY_TOKEN_FILE"); path != "" {
		from = "of AWS_WEB_IDENTITY_TOKEN_FILE"
		fetch = func() (awsKeys, error) {
			return c.byWebIdentity(ctx, path, r.firstOf("AWS_ROLE_ARN"), r.firstOf("AWS_ROLE_SESSION_NAME"))
		}
	}
	packed, err := r.kept(ctx, held, func() (keychain.Secret, time.Time, error) {
		keys, err := fetch()
		if err != nil {
			return keychain.Secret{}, time.Time{}, err
		}
		if err := keys.check(from); err != nil {
			return keychain.Secret{}, time.Time{}, err
		}
		data, err := json.Marshal(keys) //nolint:gosec // into a keychain.Secret, for the cache
		return keychain.NewSecret(data), keys.Until, err
	})
	if err != nil {
		return awsKeys{}, held, err
	}
	defer packed.Wipe()
	err = json.Unmarshal(packed.Reveal(), &keys)
	keys.from = from
	return keys, held, err
}

// check refuses what is half there, or could not stand in a header.
func (k awsKeys) check(from string) error {
	switch {
	case k.ID == "" || k.Secret == "":
		return outside(keychain.KindLocked, "the credentials "+from+" are not whole", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together; aws configure writes both")
	case strings.ContainsFunc(k.ID+k.Secret+k.Token, func(c rune) bool { return c > unicode.MaxASCII || unicode.IsControl(c) || c == ' ' }):
		return outside(keychain.KindBadReference, "the credentials "+from+" hold a blank, a line end or another character that none has", "write them anew")
	}
	return nil
}

// ofProfile finds the credentials of a profile, and takes its role with them.
func (c *awsCall) ofProfile(ctx context.Context, profile string, depth int) (awsKeys, error) {
	s := c.settings
	get := func(key string) string { return s.get(profile, key) }
	wrong := func(text string) error {
		return outside(keychain.KindBadReference, "the profile "+strconv.Quote(profile)+" "+text, "correct "+s.configPath)
	}
	role := get("role_arn")
	var keys awsKeys
	var err error
	switch source := get("source_profile"); {
	case role != "" && get("mfa_serial") != "":
		return awsKeys{}, outside(keychain.KindUnsupported, "the role of the profile "+strconv.Quote(profile)+" asks for a code of a device (mfa_serial), and nobody is there to type it", "have aws-vault or another program ask for it, by credential_process")
	case depth > longestChain:
		return awsKeys{}, wrong("leads from one source_profile to the next in a ring")
	case role != "" && source != "" && source != profile:
		if s.section("profile "+source) == nil && s.credentials[source] == nil {
			return awsKeys{}, wrong("names a source_profile that is not there")
		}
		keys, err = c.ofProfile(ctx, source, depth+1)
	case get("aws_access_key_id") != "":
		if keys, err = s.static(profile); err == nil && role != "" && source != profile {
			role = "" // as AWS's tools: keys of the profile itself win over a role with no source
		}
	case get("credential_source") != "":
		keys, err = c.ofSource(ctx, get("credential_source"), wrong)
	case get("web_identity_token_file") != "":
		return c.byWebIdentity(ctx, get("web_identity_token_file"), role, get("role_session_name"))
	case get("sso_session") != "" || get("sso_start_url") != "":
		keys, err = c.bySSO(ctx, profile, wrong)
	case get("login_session") != "":
		return awsKeys{}, outside(keychain.KindUnsupported, "the profile "+strconv.Quote(profile)+" holds a session of aws login, which only the AWS CLI reads", "make a profile with the line: credential_process = aws configure export-credentials --format process --profile "+profile)
	case get("credential_process") != "":
		keys, err = c.byProcess(ctx, profile, get("credential_process"))
	case role != "":
		return awsKeys{}, wrong("has a role_arn, and neither source_profile nor credential_source")
	default:
		keys, err = c.ofMachine(ctx)
	}
	if err != nil || role == "" {
		return keys, err
	}
	if err := keys.check("of the profile " + strconv.Quote(profile)); err != nil {
		return awsKeys{}, err
	}
	return c.assumeRole(ctx, keys, role, get("role_session_name"), get("external_id"), get("duration_seconds"))
}

// static takes the keys of the files. In the config others may read, and then no key
// may stand there.
func (s *awsSettings) static(profile string) (awsKeys, error) {
	from := s.credentials[profile]
	if from["aws_access_key_id"] == "" {
		from = s.section("profile " + profile)
		path, err := filepath.EvalSymlinks(s.configPath)
		if err == nil {
			var data []byte
			data, err = file.ReadPrivate(path, maxSharedFile)
			clear(data)
		}
		if err != nil {
			return awsKeys{}, fileError("read AWS's settings", s.configPath, err)
		}
	}
	return awsKeys{ID: from["aws_access_key_id"], Secret: from["aws_secret_access_key"], Token: from["aws_session_token"]}, nil
}

// ofSource is credential_source.
func (c *awsCall) ofSource(ctx context.Context, source string, wrong func(string) error) (awsKeys, error) {
	r := c.settings.resolver
	switch source {
	case "Environment":
		keys := awsKeys{ID: r.firstOf("AWS_ACCESS_KEY_ID"), Secret: r.firstOf("AWS_SECRET_ACCESS_KEY"), Token: r.firstOf("AWS_SESSION_TOKEN")}
		return keys, keys.check("of AWS_ACCESS_KEY_ID")
	case "EcsContainer":
		return c.ofContainer(ctx)
	case "Ec2InstanceMetadata":
		return c.ofInstance(ctx)
	}
	return awsKeys{}, wrong("has a credential_source that is none of Environment, EcsContainer, Ec2InstanceMetadata")
}

// ofMachine is what AWS gives its machines, where a person or the machine says so.
func (c *awsCall) ofMachine(ctx context.Context) (awsKeys, error) {
	r := c.settings.resolver
	switch {
	case r.firstOf("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI") != "":
		return c.ofContainer(ctx)
	case strings.EqualFold(r.firstOf("AWS_EC2_METADATA_DISABLED"), "false"):
		return c.ofInstance(ctx)
	}
	return awsKeys{}, outside(keychain.KindLocked, "no credentials for AWS are found (profile "+strconv.Quote(c.settings.profile)+")",
		"run aws configure or aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID before openclaw starts; for the role of an EC2 machine export AWS_EC2_METADATA_DISABLED=false")
}

// temporary is how most of AWS's services write credentials.
type temporary struct {
	AccessKeyId     string //nolint:revive // AWS's name
	SecretAccessKey string
	SessionToken    string
	Token           string // of machines
	Expiration      string
	Version         int    // of a process
	Code            string // of machines: "Success"
}

func (t temporary) keys() awsKeys {
	keys := awsKeys{ID: t.AccessKeyId, Secret: t.SecretAccessKey, Token: t.SessionToken + t.Token}
	keys.Until, _ = time.Parse(time.RFC3339, t.Expiration) // none: they do not end
	return keys
}

// stsForm encodes the arguments of a call of STS.
func stsForm(action string, arguments map[string]string) string {
	all := url.Values{"Action": {action}, "Version": {"2011-06-15"}}
	for name, value := range arguments {
		if value != "" {
			all.Set(name, value)
		}
	}
	return all.Encode()
}
