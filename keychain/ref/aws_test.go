package ref

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"openclaw/keychain"
)

// variables with which a client finds the stand-in.
func (s *awsStandIn) variables() map[string]string {
	return map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": awsPairs()["AKIDEXAMPLE"][0]}
}

func with(base map[string]string, more ...string) map[string]string {
	all := maps.Clone(base)
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// wantNoSecret looks for what the tests hide: the canary, and each key of AWS.
func wantNoSecret(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	e, _ := err.(*keychain.Error) //nolint:errorlint // its parts are looked at
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	if e != nil {
		text += e.Hint + fmt.Sprint(e.Err)
	}
	for _, secret := range []string{canary, "wJalrXUtnFEMI", "metadata-token", "container-auth", "proxy-word"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s: the error holds a secret: %v", what, text)
		}
	}
}

func TestAWS(t *testing.T) {
	t.Parallel()
	s := newAWS(t)
	r := New(Options{LookupEnv: environment(s.variables()), Patience: time.Minute})
	for text, want := range map[string]string{
		"aws-secrets://prod/app": "newest", "aws-secrets://prod/app?version=AWSCURRENT": "newest", "aws-secrets://prod/app?version=AWSPREVIOUS": "one before",
		"aws-secrets://prod/app?version=" + awsOldID: "old", "aws-secrets://prod/object#key": "inner", "aws-secrets://prod/object#deep.er": "deeper",
		"aws-secrets://prod/object": awsSecrets()["prod/object"], "aws-secrets://prod/newline": "value", "aws-secrets://prod/windows": "value",
		"aws-secrets://prod/long": awsSecrets()["prod/long"], "aws-secrets://a/b_c+d=e.f@g-1": "every sign", "aws-secrets://binary": "binary:\xff\x00\x01"[7:],
		"aws-secrets://arn:aws:secretsmanager:eu-west-3:123456789012:secret:other-AbCdEf": "elsewhere", "aws-secrets://unicode": "schlüssel ✓",
	} {
		for _, cached := range []bool{false, true} {
			value, source, err := r.Resolve(t.Context(), text)
			// An object is fetched once for all of its members.
			if err != nil || string(value.Reveal()) != want || cached && !source.Cached || source.Reference != text {
				t.Errorf("%s: %q %+v %v", text, value.Reveal(), source, err)
			}
			value.Wipe()
		}
	}
	if n := s.count("prod/object"); n != 1 {
		t.Errorf("an object was asked for %d times", n)
	}
}

func TestAWSErrors(t *testing.T) {
	t.Parallel()
	s := newAWS(t)
	patient := New(Options{LookupEnv: environment(s.variables()), Patience: time.Minute})
	hurried := New(Options{LookupEnv: environment(s.variables()), Patience: 100 * time.Millisecond})
	once := map[string]keychain.Kind{
		"none": keychain.KindNotFound, "prod/app?version=AWSPENDING": keychain.KindNotFound, "prod/empty": keychain.KindNotFound, "prod/longer": keychain.KindTooBig,
		"prod/app#key": keychain.KindBadReference, "prod/object#none": keychain.KindNotFound,
		"odd/400/ResourceNotFoundException": keychain.KindNotFound, "odd/400/InvalidParameterException": keychain.KindBadReference, "odd/400/InvalidRequestException": keychain.KindFailed,
		"odd/400/DecryptionFailure": keychain.KindWrongKey, "odd/400/AccessDeniedException": keychain.KindWrongKey, "odd/400/ExpiredTokenException": keychain.KindLocked,
		"odd/400/UnrecognizedClientException": keychain.KindWrongKey, "odd/403/InvalidSignatureException": keychain.KindWrongKey, "odd/403/MissingAuthenticationTokenException": keychain.KindWrongKey,
		"odd/400/OptInRequired": keychain.KindUnsupported, "odd/403/SomethingNew": keychain.KindWrongKey, "odd/400/SomethingNew": keychain.KindFailed, "odd/deleted": keychain.KindNotFound,
		"odd/long-code": keychain.KindWrongKey, "odd/header-code": keychain.KindWrongKey, "odd/busy-for-long": keychain.KindFailed,
		"odd/redirect": keychain.KindUnsupported, "odd/huge": keychain.KindTooBig, "odd/no-json": keychain.KindCorrupt, "odd/no-value": keychain.KindCorrupt, "odd/other-type": keychain.KindCorrupt,
	}
	thrice := map[string]keychain.Kind{
		"odd/500/InternalServiceError": keychain.KindFailed, "odd/400/ThrottlingException": keychain.KindFailed, "odd/503/ServiceUnavailable": keychain.KindFailed, "odd/html": keychain.KindFailed,
		"odd/cut": keychain.KindNoService,
	}
	check := func(r *Resolver, name string, kind keychain.Kind, asked int) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := r.Resolve(t.Context(), "aws-secrets://"+name)
			wantKind(t, err, kind)
			wantNoSecret(t, name, err)
			id, _, _ := strings.Cut(name, "?")
			if id == name && !strings.Contains(name, "#") {
				if n := s.count(id); n != asked && r == patient {
					t.Errorf("asked %d times, not %d", n, asked)
				}
			}
			before := s.count(id)
			_, source, again := r.Resolve(t.Context(), "aws-secrets://"+name)
			if again == nil || r == patient && (!source.Cached && !strings.Contains(name, "#") || s.count(id) != before) {
				t.Errorf("asked again at once: %+v %v", source, again)
			}
		})
	}
	t.Run("group", func(t *testing.T) {
		for name, kind := range once {
			check(patient, name, kind, 1)
		}
		for name, kind := range thrice {
			check(patient, name, kind, maxTries)
		}
		for _, name := range []string{"odd/hangs", "odd/slow"} {
			check(hurried, name, keychain.KindTimeout, 0)
		}
	})
	if value, _, err := patient.Resolve(t.Context(), "aws-secrets://odd/twice-busy"); err == nil {
		t.Errorf("%q", value.Reveal()) // after the third try there is no such secret
	} else if n := s.count("odd/twice-busy"); n != maxTries || keychain.KindOf(err) != keychain.KindNotFound {
		t.Errorf("asked %d times: %v", n, err)
	}
	if s.count("stolen") != 0 {
		t.Error("a redirect was followed")
	}
}

// TestQuietIsKept: a service that asks for an hour of quiet is left alone for a
// minute, longer than another failure is remembered.
func TestQuietIsKept(t *testing.T) {
	t.Parallel()
	s := newAWS(t)
	now := time.Now()
	clock := func() time.Time { return now }
	r := New(Options{LookupEnv: environment(s.variables()), Now: clock, Patience: time.Minute})
	s.now = clock
	for _, step := range []struct {
		later time.Duration
		asked int
	}{{0, 1}, {30 * time.Second, 1}, {29 * time.Second, 1}, {2 * time.Second, 2}} {
		now = now.Add(step.later)
		_, _, err := r.Resolve(t.Context(), "aws-secrets://odd/busy-for-long")
		wantKind(t, err, keychain.KindFailed)
		if n := s.count("odd/busy-for-long"); n != step.asked {
			t.Fatalf("after %v asked %d times", step.later, n)
		}
	}
}

func TestAWSClock(t *testing.T) {
	t.Parallel()
	s := newAWS(t)
	r := New(Options{LookupEnv: environment(s.variables()), Now: func() time.Time { return time.Now().Add(-3 * time.Hour) }, Patience: time.Minute})
	_, _, err := r.Resolve(t.Context(), "aws-secrets://prod/app")
	wantKind(t, err, keychain.KindFailed)
	if !strings.Contains(err.Error(), "clock") || !strings.Contains(err.Error(), "3h0m0s") {
		t.Error(err)
	}
}

// awsHome lays AWS's files into a new home: every way to credentials has a profile.
func (s *awsStandIn) awsHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	lay := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := layFile(path, text, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	login := func(name, expires string) {
		sum := sha1.Sum([]byte(name))
		lay(".aws/sso/cache/"+hex.EncodeToString(sum[:])+".json", `{"startUrl":"https://x.awsapps.com/start","region":"eu-central-1","accessToken":"sso-login-`+canary+`","expiresAt":"`+expires+`"}`, 0o600)
	}
	login("company", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	login("https://legacy.awsapps.com/start", time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z"))
	login("over", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
	web := lay("web-token", "web-identity-"+canary, 0o644)
	process := lay("bin/get keys", "#!/bin/sh\n[ \"$1\" = 'a \"b' ] || exit 4\necho '{\"Version\":1,\"AccessKeyId\":\"ASIAPROCESS\",\"SecretAccessKey\":\""+awsPairs()["ASIAPROCESS"][0]+"\",\"SessionToken\":\""+awsPairs()["ASIAPROCESS"][1]+"\",\"Expiration\":\"2999-01-01T00:00:00Z\"}'\n", 0o755)
	old := lay("bin/old", "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\""+canary+"\",\"Expiration\":\"2001-01-01T00:00:00Z\"}'\n", 0o755)
	odd := lay("bin/odd", "#!/bin/sh\necho "+canary+"\necho "+canary+" >&2\n", 0o755)
	lay(".aws/credentials", "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = "+awsPairs()["AKIDEXAMPLE"][0]+"\n"+
		"[both]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key="+awsPairs()["AKIDEXAMPLE"][0]+"\n[half]\naws_access_key_id=AKIDEXAMPLE\n[denied]\naws_access_key_id=AKIDNOTALLOWED\naws_secret_access_key=other-"+canary+"\n"+
		"[over]\naws_access_key_id=ASIAOVER\naws_secret_access_key=over-"+canary+"\naws_session_token=over-token-"+canary+"\n[unknown]\naws_access_key_id=AKIDNOBODY\naws_secret_access_key=x\n"+
		"[mistyped]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key="+canary+"\n", 0o600)
	lay(".aws/config", `# a comment
[default]
region = eu-central-1 ; a remark

[profile both]
region = eu-west-1
aws_access_key_id = WRONG
s3 =
  max_concurrent_requests = 20
[profile role]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = both
external_id = outside
[profile ring]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = ring2
[profile ring2]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = ring
[profile chain]
role_arn = arn:aws:iam::123456789012:role/second
source_profile = role
[profile from-environment]
role_arn = arn:aws:iam::123456789012:role/reader
credential_source = Environment
[profile refused-role]
role_arn = arn:aws:iam::123456789012:role/denied
source_profile = both
[profile outside]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = both
external_id = wrong
[profile mfa]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = both
mfa_serial = arn:aws:iam::123456789012:mfa/me
[profile no-source]
role_arn = arn:aws:iam::123456789012:role/reader
[profile lost-source]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = nobody
[profile machine]
role_arn = arn:aws:iam::123456789012:role/reader
credential_source = Ec2InstanceMetadata
[profile container]
role_arn = arn:aws:iam::123456789012:role/reader
credential_source = EcsContainer
[profile web]
role_arn = arn:aws:iam::123456789012:role/reader
web_identity_token_file = `+web+`
[sso-session company]
sso_region = eu-central-1
sso_start_url = https://x.awsapps.com/start
[profile sso]
sso_session = company
sso_account_id = 123456789012
sso_role_name = Reader
[profile sso-legacy]
sso_start_url = https://legacy.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 123456789012
sso_role_name = Reader
[sso-session over]
sso_region = eu-central-1
sso_start_url = https://x.awsapps.com/start
[profile sso-over]
sso_session = over
sso_account_id = 123456789012
sso_role_name = Reader
[sso-session nobody]
sso_region = eu-central-1
sso_start_url = https://x.awsapps.com/start
[profile sso-nobody]
sso_session = nobody
sso_account_id = 123456789012
sso_role_name = Reader
[profile sso-other]
sso_session = company
sso_account_id = 123456789012
sso_role_name = Admin
[profile login]
login_session = arn:aws:iam::123456789012:user/me
[profile process]
credential_process = "`+process+`" 'a "b'
[profile process-over]
credential_process = `+old+`
[profile process-odd]
credential_process = `+odd+` `+canary+`
[profile process-none]
credential_process = /nowhere/`+canary+`
[profile process-quote]
credential_process = "unclosed
[profile bare]
region = eu-central-1
[profile bad-region]
region = evil.example.com/
aws_access_key_id = AKIDEXAMPLE
[services custom]
secrets_manager =
  endpoint_url = `+s.URL+`
[profile service]
services = custom
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = `+awsPairs()["AKIDEXAMPLE"][0]+`
`, 0o600)
	return home
}

// awsWays are the settings by which a secret is reached: whoever follows AWS's
// documents reaches it by each. AWS's own SDK is asked by the same in
// TestAWSSDKGoesTheSameWays.
func (s *awsStandIn) awsWays(home string) map[string]map[string]string {
	place := map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_REGION": "eu-central-1", "HOME": home, "PATH": os.Getenv("PATH")}
	pair := awsPairs()["ASIASSO"]
	ways := map[string]map[string]string{
		"environment":         with(s.variables(), "HOME", home),
		"session":             with(place, "AWS_ACCESS_KEY_ID", "ASIASSO", "AWS_SECRET_ACCESS_KEY", pair[0], "AWS_SESSION_TOKEN", pair[1]),
		"default":             place,
		"region of a profile": {"AWS_ENDPOINT_URL": s.URL, "HOME": home, "AWS_PROFILE": "both"},
		"web identity": with(place, "AWS_WEB_IDENTITY_TOKEN_FILE", filepath.Join(home, "web-token"), "AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/reader",
			"AWS_ROLE_SESSION_NAME", "me"),
		"container agent":   with(place, "AWS_PROFILE", "bare", "AWS_CONTAINER_CREDENTIALS_FULL_URI", s.URL+"/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-auth"),
		"machine":           with(place, "AWS_PROFILE", "bare", "AWS_EC2_METADATA_DISABLED", "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT", s.URL),
		"role of a machine": with(place, "AWS_PROFILE", "machine", "AWS_EC2_METADATA_SERVICE_ENDPOINT", s.URL),
		"role of a container": with(place, "AWS_PROFILE", "container", "AWS_CONTAINER_CREDENTIALS_FULL_URI", s.URL+"/container",
			"AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-auth"),
		"role of the environment": with(place, "AWS_PROFILE", "from-environment", "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY", awsPairs()["AKIDEXAMPLE"][0]),
		"endpoint of a service":   {"AWS_PROFILE": "service", "AWS_REGION": "eu-central-1", "HOME": home},
	}
	for _, profile := range []string{"both", "role", "chain", "web", "sso", "sso-legacy", "process"} {
		ways["profile "+profile] = with(place, "AWS_PROFILE", profile)
	}
	return ways
}

func TestAWSCredentials(t *testing.T) {
	t.Parallel()
	s := newAWS(t)
	home := s.awsHome(t)
	for name, variables := range s.awsWays(home) {
		r := New(Options{LookupEnv: environment(variables), Patience: time.Minute})
		for range 2 {
			value, _, err := r.Resolve(t.Context(), "aws-secrets://prod/app")
			if err != nil || string(value.Reveal()) != "newest" {
				t.Errorf("%s: %q %v", name, value.Reveal(), err)
			}
			r.cache.forgetKey("aws-secrets://prod/app")
		}
	}
	// Each of the two times the secret was asked for; the role, the login and the
	// container's agent only the first time.
	for what, n := range map[string]int{"metadata": 2, "sso": 2, "container": 2, "AssumeRoleWithWebIdentity": 2} {
		if s.count(what) != n {
			t.Errorf("%s was asked %d times", what, s.count(what))
		}
	}
}

func TestAWSCredentialsThatAreNone(t *testing.T) {
	t.Parallel()
	s := newAWS(t)
	home := s.awsHome(t)
	place := map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_REGION": "eu-central-1", "HOME": home, "PATH": os.Getenv("PATH")}
	loose := t.TempDir()
	lay := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(loose, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys := "aws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=" + canary + "\n"
	for name, test := range map[string]struct {
		variables map[string]string
		kind      keychain.Kind
	}{
		"none":                      {map[string]string{"AWS_REGION": "eu-central-1", "HOME": loose}, keychain.KindLocked},
		"no home":                   {map[string]string{"AWS_REGION": "eu-central-1"}, keychain.KindLocked},
		"no region":                 {map[string]string{"HOME": loose, "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": canary}, keychain.KindNoService},
		"region with a host":        {with(s.variables(), "AWS_REGION", "eu-central-1.evil.example.com/"), keychain.KindBadReference},
		"region of a profile":       {map[string]string{"HOME": home, "AWS_PROFILE": "bad-region"}, keychain.KindBadReference},
		"half of the keys":          {with(place, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), keychain.KindLocked},
		"other half":                {with(place, "AWS_SECRET_ACCESS_KEY", canary), keychain.KindLocked},
		"key with a line end":       {with(s.variables(), "AWS_SECRET_ACCESS_KEY", canary+"\n"), keychain.KindBadReference},
		"no such profile":           {with(place, "AWS_PROFILE", "nobody"), keychain.KindNotFound},
		"without TLS":               {with(s.variables(), "AWS_ENDPOINT_URL", "http://aws.example.com"), keychain.KindUnsupported},
		"endpoint with a password":  {with(s.variables(), "AWS_ENDPOINT_URL", "https://u:"+canary+"@x"), keychain.KindBadReference},
		"endpoint that is none":     {with(s.variables(), "AWS_ENDPOINT_URL_SECRETS_MANAGER", "x"), keychain.KindBadReference},
		"nobody there":              {with(s.variables(), "AWS_ENDPOINT_URL", "http://127.0.0.1:1"), keychain.KindNoService},
		"container far away":        {with(place, "AWS_PROFILE", "bare", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://203.0.113.1/x"), keychain.KindUnsupported},
		"container, no token":       {with(place, "AWS_PROFILE", "bare", "AWS_CONTAINER_CREDENTIALS_FULL_URI", s.URL+"/container"), keychain.KindWrongKey},
		"container, two lines":      {with(place, "AWS_PROFILE", "bare", "AWS_CONTAINER_CREDENTIALS_FULL_URI", s.URL+"/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\nb"), keychain.KindBadReference},
		"container, no path":        {with(place, "AWS_PROFILE", "bare", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example.com/"), keychain.KindBadReference},
		"machine far away":          {with(place, "AWS_PROFILE", "machine", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://203.0.113.1"), keychain.KindUnsupported},
		"machine not asked for":     {with(place, "AWS_PROFILE", "bare", "AWS_EC2_METADATA_SERVICE_ENDPOINT", s.URL), keychain.KindLocked},
		"web identity, no role":     {with(place, "AWS_WEB_IDENTITY_TOKEN_FILE", home+"/web-token"), keychain.KindBadReference},
		"web identity, wrong":       {with(place, "AWS_WEB_IDENTITY_TOKEN_FILE", lay("wrong", "x", 0o644), "AWS_ROLE_ARN", "r"), keychain.KindWrongKey},
		"web identity, none":        {with(place, "AWS_WEB_IDENTITY_TOKEN_FILE", loose+"/none", "AWS_ROLE_ARN", "r"), keychain.KindNotFound},
		"web identity of others":    {with(place, "AWS_WEB_IDENTITY_TOKEN_FILE", lay("shared", "x", 0o666), "AWS_ROLE_ARN", "r"), keychain.KindUnsafeFile},
		"credentials open":          {with(place, "AWS_SHARED_CREDENTIALS_FILE", lay("open", "[default]\n"+keys, 0o640)), keychain.KindUnsafeFile},
		"config open to writers":    {with(place, "AWS_CONFIG_FILE", lay("writable", "[default]\n", 0o622)), keychain.KindUnsafeFile},
		"keys in an open config":    {with(place, "AWS_CONFIG_FILE", lay("config", "[default]\n"+keys, 0o644), "AWS_SHARED_CREDENTIALS_FILE", loose+"/none"), keychain.KindUnsafeFile},
		"config that is none":       {with(place, "AWS_CONFIG_FILE", lay("none-ini", "[default]\n"+canary+"\n", 0o600)), keychain.KindCorrupt},
		"config before any section": {with(place, "AWS_CONFIG_FILE", lay("early", "a = "+canary+"\n", 0o600)), keychain.KindCorrupt},
		"section not closed":        {with(place, "AWS_SHARED_CREDENTIALS_FILE", lay("unclosed", "[default\n"+keys, 0o600)), keychain.KindCorrupt},
		"certificates that are not": {with(s.variables(), "AWS_CA_BUNDLE", lay("ca", "x", 0o644)), keychain.KindFailed},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := New(Options{LookupEnv: environment(test.variables), Patience: time.Minute}).Resolve(t.Context(), "aws-secrets://prod/app")
			wantKind(t, err, test.kind)
			wantNoSecret(t, name, err)
		})
	}
	for profile, kind := range map[string]keychain.Kind{
		"half": keychain.KindLocked, "denied": keychain.KindWrongKey, "over": keychain.KindLocked, "unknown": keychain.KindWrongKey, "mistyped": keychain.KindWrongKey,
		"ring": keychain.KindBadReference, "refused-role": keychain.KindWrongKey, "outside": keychain.KindWrongKey, "mfa": keychain.KindUnsupported, "no-source": keychain.KindBadReference,
		"lost-source": keychain.KindBadReference, "sso-over": keychain.KindLocked, "sso-nobody": keychain.KindLocked, "sso-other": keychain.KindWrongKey, "login": keychain.KindUnsupported,
		"process-over": keychain.KindLocked, "process-odd": keychain.KindCorrupt, "process-none": keychain.KindNoService, "process-quote": keychain.KindBadReference, "bare": keychain.KindLocked,
	} {
		t.Run(profile, func(t *testing.T) {
			_, _, err := New(Options{LookupEnv: environment(with(place, "AWS_PROFILE", profile)), Patience: time.Minute}).Resolve(t.Context(), "aws-secrets://prod/app")
			wantKind(t, err, kind)
			wantNoSecret(t, profile, err)
		})
	}
}

// TestAWSCredentialsAfterARefusal: temporary ones that AWS refuses are not used again.
func TestAWSCredentialsAfterARefusal(t *testing.T) {
	t.Parallel()
	s := newAWS(t)
	r := New(Options{LookupEnv: environment(with(s.variables(), "HOME", s.awsHome(t), "AWS_ACCESS_KEY_ID", "", "AWS_SECRET_ACCESS_KEY", "", "AWS_PROFILE", "role")), Patience: time.Minute})
	for i, name := range []string{"prod/app", "prod/object", "odd/400/ExpiredTokenException", "prod/newline", "odd/400/AccessDeniedException", "unicode"} {
		_, _, _ = r.Resolve(t.Context(), "aws-secrets://"+name)
		if want := 1 + i/3 + i/5; s.count("AssumeRole") != want { // once, and once after each refusal
			t.Errorf("%s: the role was taken %d times, not %d", name, s.count("AssumeRole"), want)
		}
	}
}

// TestAWSEndpoints: whatever stands in a reference or in the settings, the host is one
// of AWS's unless a person set another.
func TestAWSEndpoints(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-central-1": "https://secretsmanager.eu-central-1.amazonaws.com/", "us-gov-west-1": "https://secretsmanager.us-gov-west-1.amazonaws.com/",
		"cn-north-1": "https://secretsmanager.cn-north-1.amazonaws.com.cn/", "eusc-de-east-1": "https://secretsmanager.eusc-de-east-1.amazonaws.eu/",
		"us-iso-east-1": "https://secretsmanager.us-iso-east-1.c2s.ic.gov/", "us-isob-east-1": "https://secretsmanager.us-isob-east-1.sc2s.sgov.gov/",
	} {
		s := &awsSettings{resolver: New(Options{})}
		if got, err := s.endpoint("secretsmanager", "secrets_manager", region); err != nil || got != want {
			t.Errorf("%s: %s %v", region, got, err)
		}
	}
	s := &awsSettings{resolver: New(Options{LookupEnv: environment(map[string]string{"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_ENDPOINT_URL": "https://x", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})})}
	if got, _ := s.endpoint("secretsmanager", "secrets_manager", "us-east-1"); got != "https://secretsmanager-fips.us-east-1.amazonaws.com/" {
		t.Error(got)
	}
	for _, text := range []string{"evil.example.com/", "a", "eu-central-1.x", "eu-central-1/", "eu-central-1#", "EU-central-1", "..", "eu-central-1\n"} {
		s := &awsSettings{resolver: New(Options{LookupEnv: environment(map[string]string{"AWS_REGION": text})})}
		if region, err := s.region(""); err == nil {
			t.Errorf("%q is a region: %q", text, region)
		}
	}
}

// A caller that gives up says nothing about AWS.
func TestAWSCancelled(t *testing.T) {
	t.Parallel()
	s := newAWS(t)
	r := New(Options{LookupEnv: environment(s.variables()), Patience: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.Resolve(ctx, "aws-secrets://prod/app"); err == nil {
		t.Error("a caller that gave up got an answer")
	}
	if value, _, err := r.Resolve(t.Context(), "aws-secrets://prod/app"); err != nil || string(value.Reveal()) != "newest" {
		t.Errorf("the next caller: %v", err)
	}
}

func TestINI(t *testing.T) {
	sections, err := parseINI([]byte("[profile \"a b\"]\nA = 1 # c\nb=x#y\nnested =\n  c = 2\n\t# remark\n  d=3\ne = \n[profile\t'c']\nf=a=b\r\n[profile \"a b\"]\ng=4"))
	want := map[string]iniValues{"profile a b": {"a": "1", "b": "x#y", "nested": "", "nested.c": "2", "nested.d": "3", "e": "", "g": "4"}, "profile c": {"f": "a=b"}}
	if err != nil || !reflect.DeepEqual(sections, want) {
		t.Errorf("%v %v", sections, err)
	}
	for line, want := range map[string]string{`a  b`: "a|b", `"a b" 'c "d' e\ f`: `a b|c "d|e f`, `a"b"c`: "abc", `"a\"b\c"`: `a"b\c`, `a ''`: "a|"} {
		if words, err := splitWords(line); err != nil || strings.Join(words, "|") != want {
			t.Errorf("%s: %q %v", line, words, err)
		}
	}
}

// FuzzINI: no text of a settings file makes an error that repeats it.
func FuzzINI(f *testing.F) {
	for _, seed := range []string{"[default]\nregion = x\n", "[profile 'a b']\nx =\n  y = z # c\n", "[a", "x", "[a]\n\tb", "\ufeff[a]\r\nb=c\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sections, err := parseINI(data)
		if err != nil && len(err.Error()) > 80 {
			t.Fatal(err)
		}
		for _, section := range sections {
			for name, value := range section {
				if strings.ContainsAny(name+value, "\n") || strings.TrimSpace(value) != value {
					t.Fatalf("%q %q", name, value)
				}
			}
		}
	})
}

// FuzzWords: what is cut into words holds nothing that was not in the line.
func FuzzWords(f *testing.F) {
	for _, seed := range []string{"a b", `"a b" 'c "d' e\ f`, `a"b"c`, "", `"`, `\`, "''"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitWords(line)
		if err == nil && (len(words) == 0 || len(strings.Join(words, "")) > len(line)) {
			t.Fatalf("%q gave %q", line, words)
		}
	})
}
