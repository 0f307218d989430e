package ref

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openclaw/keychain"
)

func (s *gcpStandIn) variables(credentials string) map[string]string {
	return map[string]string{gcpEndpoint: s.URL, "GOOGLE_APPLICATION_CREDENTIALS": credentials}
}

func TestGCP(t *testing.T) {
	t.Parallel()
	s := newGCP(t)
	dir := s.credentials(t)
	r := New(Options{LookupEnv: environment(s.variables(filepath.Join(dir, "user.json"))), Patience: time.Minute})
	for text, want := range map[string]string{
		"gcp-secrets://projects/p/secrets/app": "newest", "gcp-secrets://projects/p/secrets/app/versions/3": "third", "gcp-secrets://projects/p/secrets/app?version=blue": "by alias",
		"gcp-secrets://projects/p/secrets/object#key": "inner", "gcp-secrets://projects/p/secrets/object#deep.er": "deeper", "gcp-secrets://projects/p/secrets/newline": "value",
		"gcp-secrets://projects/p/secrets/binary": "\xff\x00\x01", "gcp-secrets://projects/p/secrets/long": strings.Repeat("x", maxCloudSecret),
		"gcp-secrets://projects/p/locations/europe-west3/secrets/app": "regional", "gcp-secrets://projects/example.com:p/secrets/app": "of a domain",
		"gcp-secrets://projects/odd/secrets/once-broken": "x",
	} {
		for _, cached := range []bool{false, true} {
			value, source, err := r.Resolve(t.Context(), text)
			if err != nil || string(value.Reveal()) != want || cached && !source.Cached {
				t.Errorf("%s: %q %+v %v", text, value.Reveal(), source, err)
			}
			value.Wipe()
		}
	}
	if s.count("refresh") != 1 || s.count("projects/p/secrets/object/versions/latest") != 1 {
		t.Errorf("%d tokens, an object asked for %d times", s.count("refresh"), s.count("projects/p/secrets/object/versions/latest"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quota != "payer" {
		t.Errorf("the quota project is %q", s.quota)
	}
}

func TestGCPAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"gcp-secrets://projects/p/secrets/s":                                     "https://secretmanager.googleapis.com/v1/projects/p/secrets/s/versions/latest:access",
		"gcp-secrets://projects/p/locations/europe-west3/secrets/s/versions/7#x": "https://secretmanager.europe-west3.rep.googleapis.com/v1/projects/p/locations/europe-west3/secrets/s/versions/7:access",
	} {
		reference, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := New(Options{}).gcpAddress(reference); err != nil || got != want {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
}

func TestGCPErrors(t *testing.T) {
	t.Parallel()
	s := newGCP(t)
	variables := s.variables(filepath.Join(s.credentials(t), "user.json"))
	patient := New(Options{LookupEnv: environment(variables), Patience: time.Minute})
	hurried := New(Options{LookupEnv: environment(variables), Patience: 200 * time.Millisecond})
	for name, test := range map[string]struct {
		kind  keychain.Kind
		asked int
	}{
		"none": {keychain.KindNotFound, 1}, "disabled": {keychain.KindNotFound, 1}, "argument": {keychain.KindBadReference, 1}, "expired": {keychain.KindLocked, 1}, "denied": {keychain.KindWrongKey, 1},
		"off": {keychain.KindUnsupported, 1}, "quota-project": {keychain.KindWrongKey, 1}, "teapot": {keychain.KindFailed, 1}, "busy-for-long": {keychain.KindFailed, 1}, "busy": {keychain.KindFailed, maxTries},
		"broken": {keychain.KindFailed, maxTries}, "checksum": {keychain.KindCorrupt, 1}, "no-checksum": {keychain.KindCorrupt, 1}, "no-base64": {keychain.KindCorrupt, 1}, "redirect": {keychain.KindUnsupported, 1},
		"huge": {keychain.KindTooBig, 1}, "cut": {keychain.KindNoService, maxTries}, "html": {keychain.KindCorrupt, 1}, "hangs": {keychain.KindTimeout, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := patient
			if test.kind == keychain.KindTimeout {
				r = hurried
			}
			_, _, err := r.Resolve(t.Context(), "gcp-secrets://projects/odd/secrets/"+name)
			wantKind(t, err, test.kind)
			wantNoSecret(t, name, err)
			if n := s.count("projects/odd/secrets/" + name + "/versions/latest"); test.asked > 0 && n != test.asked {
				t.Errorf("asked %d times, not %d", n, test.asked)
			}
		})
	}
	_, _, err := patient.Resolve(t.Context(), "gcp-secrets://projects/p/secrets/empty")
	wantKind(t, err, keychain.KindNotFound)
}

// gcpWays are the settings by which a secret is reached; Google's own libraries are
// asked by the same.
func (s *gcpStandIn) gcpWays(dir string) map[string]map[string]string {
	ways := map[string]map[string]string{
		"login of gcloud":  {gcpEndpoint: s.URL, "HOME": filepath.Join(dir, "home")},
		"machine":          {gcpEndpoint: s.URL, "HOME": dir, "GCE_METADATA_HOST": strings.TrimPrefix(s.URL, "http://")},
		"folder of gcloud": {gcpEndpoint: s.URL, "HOME": dir, "CLOUDSDK_CONFIG": filepath.Join(dir, "home/.config/gcloud")},
	}
	for _, name := range []string{"user", "account", "federation", "impersonated"} {
		ways[name] = s.variables(filepath.Join(dir, name+".json"))
	}
	return ways
}

func TestGCPCredentials(t *testing.T) {
	t.Parallel()
	s := newGCP(t)
	dir := s.credentials(t)
	for name, variables := range s.gcpWays(dir) {
		value, _, err := New(Options{LookupEnv: environment(variables), Patience: time.Minute}).Resolve(t.Context(), "gcp-secrets://projects/p/secrets/app")
		if err != nil || string(value.Reveal()) != "newest" {
			t.Errorf("%s: %q %v", name, value.Reveal(), err)
		}
	}
	for what, n := range map[string]int{"refresh": 4, "jwt": 1, "exchange": 1, "impersonate": 1, "metadata": 1} {
		if s.count(what) != n {
			t.Errorf("%s was asked %d times", what, s.count(what))
		}
	}
}

func TestGCPCredentialsThatAreNone(t *testing.T) {
	t.Parallel()
	s := newGCP(t)
	dir := s.credentials(t)
	open := filepath.Join(dir, "open.json")
	if err := os.WriteFile(open, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken-json.json")
	if err := os.WriteFile(broken, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		variables map[string]string
		kind      keychain.Kind
	}{
		"none":                   {map[string]string{"HOME": dir}, keychain.KindLocked},
		"no home":                {map[string]string{}, keychain.KindLocked},
		"no file":                {s.variables(filepath.Join(dir, "nobody-wrote-it")), keychain.KindNotFound},
		"open":                   {s.variables(open), keychain.KindUnsafeFile},
		"no JSON":                {s.variables(broken), keychain.KindCorrupt},
		"over":                   {s.variables(filepath.Join(dir, "over.json")), keychain.KindLocked},
		"wrong key":              {s.variables(filepath.Join(dir, "wrong-key.json")), keychain.KindLocked},
		"without TLS":            {s.variables(filepath.Join(dir, "clear.json")), keychain.KindUnsupported},
		"redirect":               {s.variables(filepath.Join(dir, "redirect.json")), keychain.KindUnsupported},
		"hostile":                {s.variables(filepath.Join(dir, "hostile.json")), keychain.KindWrongKey},
		"broken":                 {s.variables(filepath.Join(dir, "broken.json")), keychain.KindFailed},
		"nobody there":           {s.variables(filepath.Join(dir, "nobody.json")), keychain.KindNoService},
		"impersonated elsewhere": {s.variables(filepath.Join(dir, "impersonated-redirect.json")), keychain.KindUnsupported},
		"program":                {s.variables(filepath.Join(dir, "program.json")), keychain.KindUnsupported},
		"program inside":         {s.variables(filepath.Join(dir, "inner-program.json")), keychain.KindUnsupported},
		"certificate":            {s.variables(filepath.Join(dir, "certificate.json")), keychain.KindUnsupported},
		"universe":               {s.variables(filepath.Join(dir, "universe.json")), keychain.KindUnsupported},
		"type":                   {s.variables(filepath.Join(dir, "type.json")), keychain.KindCorrupt},
		"half":                   {s.variables(filepath.Join(dir, "half.json")), keychain.KindFailed},
		"machine far away":       {map[string]string{"HOME": dir, "GCE_METADATA_HOST": "203.0.113.1"}, keychain.KindUnsupported},
		"machine that is none":   {map[string]string{"HOME": dir, "GCE_METADATA_HOST": "u:" + canary + "@127.0.0.1"}, keychain.KindBadReference},
		"endpoint in clear":      {with(s.variables(filepath.Join(dir, "user.json")), gcpEndpoint, "http://sm.example.com"), keychain.KindUnsupported},
		"endpoint":               {with(s.variables(filepath.Join(dir, "user.json")), gcpEndpoint, "https://u:"+canary+"@x"), keychain.KindBadReference},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := New(Options{LookupEnv: environment(test.variables), Patience: time.Minute}).Resolve(t.Context(), "gcp-secrets://projects/p/secrets/app")
			wantKind(t, err, test.kind)
			wantNoSecret(t, name, err)
		})
	}
}

// TestGCPTokenAfterARefusal: a token that Google refuses is not used again.
func TestGCPTokenAfterARefusal(t *testing.T) {
	t.Parallel()
	s := newGCP(t)
	r := New(Options{LookupEnv: environment(s.variables(filepath.Join(s.credentials(t), "user.json"))), Patience: time.Minute})
	for i, name := range []string{"p/secrets/app", "p/secrets/object", "odd/secrets/expired", "p/secrets/newline", "p/secrets/binary"} {
		_, _, _ = r.Resolve(t.Context(), "gcp-secrets://projects/"+name)
		if want := 1 + i/3; s.count("refresh") != want {
			t.Errorf("%s: %d tokens, not %d", name, s.count("refresh"), want)
		}
	}
}
