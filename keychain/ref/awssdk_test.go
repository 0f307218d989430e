package ref

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
)

// toStandIn sends what is for AWS's hosts to the stand-in, signed for those hosts as
// it is, and refuses all that would leave this machine. The SDK asks STS and the
// portal at AWS's hosts also where AWS_ENDPOINT_URL names another.
type toStandIn struct {
	address string
	t       *testing.T
	asked   *[]string // hosts
}

func (to toStandIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if to.asked != nil {
		*to.asked = append(*to.asked, r.URL.Host)
	}
	if strings.HasSuffix(r.URL.Host, ".amazonaws.com") || to.asked != nil {
		r = r.Clone(r.Context())
		r.Host = r.URL.Host
		r.URL.Scheme, r.URL.Host = "http", to.address
	}
	if !loopback(r.URL.Hostname()) {
		to.t.Errorf("%s would be asked", r.URL.Host)
		return nil, net.ErrClosed
	}
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
}

// sdk makes AWS's own client with these variables and no others of AWS.
func sdk(t *testing.T, server string, variables map[string]string) *secretsmanager.Client {
	t.Helper()
	for _, line := range os.Environ() {
		if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
	if home := variables["HOME"]; home != "" { // the SDK looked at HOME before main
		t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, ".aws/config"))
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, ".aws/credentials"))
	}
	here := toStandIn{address: strings.TrimPrefix(server, "http://"), t: t}
	settings, err := config.LoadDefaultConfig(t.Context(), config.WithRetryMaxAttempts(1), config.WithHTTPClient(&http.Client{Transport: here}))
	if err != nil {
		t.Fatal(err)
	}
	return secretsmanager.NewFromConfig(settings)
}

// TestAWSSDKGoesTheSameWays: by each setting AWS's own SDK reaches the stand-in's
// secret, too. So the settings are read as AWS reads them, and the stand-in asks no
// less of a client than AWS's own gives.
func TestAWSSDKGoesTheSameWays(t *testing.T) {
	s := newAWS(t)
	home := s.awsHome(t)
	for name, variables := range s.awsWays(home) {
		t.Run(name, func(t *testing.T) {
			got, err := sdk(t, s.URL, variables).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("prod/app")})
			if err != nil || aws.ToString(got.SecretString) != "newest" {
				t.Fatal(err)
			}
		})
	}
}

// TestAWSSDKUnderstandsTheStandIn: AWS's own SDK reads the stand-in's answers and
// errors as what they are meant to be.
func TestAWSSDKUnderstandsTheStandIn(t *testing.T) {
	s := newAWS(t)
	client := sdk(t, s.URL, with(s.variables(), "HOME", t.TempDir()))
	ask := func(id, stage, version string) (*secretsmanager.GetSecretValueOutput, error) {
		input := &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)}
		if stage != "" {
			input.VersionStage = aws.String(stage)
		}
		if version != "" {
			input.VersionId = aws.String(version)
		}
		return client.GetSecretValue(t.Context(), input)
	}
	for _, test := range [][4]string{{"prod/app", "AWSPREVIOUS", "", "one before"}, {"prod/app", "", awsOldID, "old"}, {"prod/long", "", "", awsSecrets()["prod/long"]}} {
		if got, err := ask(test[0], test[1], test[2]); err != nil || aws.ToString(got.SecretString) != test[3] {
			t.Errorf("%v", err)
		}
	}
	if got, err := ask("binary", "", ""); err != nil || string(got.SecretBinary) != "\xff\x00\x01" {
		t.Errorf("%v", err)
	}
	_, err := ask("none", "", "")
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Error(err)
	}
	_, err = ask("odd/deleted", "", "")
	if _, ok := errors.AsType[*types.InvalidRequestException](err); !ok {
		t.Error(err)
	}
	_, err = ask("odd/long-code", "", "")
	if _, ok := errors.AsType[*types.DecryptionFailure](err); !ok {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"odd/header-code": "AccessDeniedException", "odd/400/ThrottlingException": "ThrottlingException", "odd/500/InternalServiceError": "InternalServiceError",
		"odd/400/InvalidParameterException": "InvalidParameterException",
	} {
		_, err := ask(name, "", "")
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrong := sdk(t, s.URL, with(s.variables(), "HOME", t.TempDir(), "AWS_SECRET_ACCESS_KEY", "x"))
	_, err = wrong.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("prod/app")})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InvalidSignatureException" {
		t.Error(err)
	}
}

// TestAWSEndpointsAreThoseOfTheSDK: in every partition, with and without the two
// options, the SDK asks the host that we ask.
func TestAWSEndpointsAreThoseOfTheSDK(t *testing.T) {
	s := newAWS(t)
	home := t.TempDir()
	for _, region := range []string{"eu-central-1", "us-east-1", "ap-southeast-5", "cn-northwest-1", "us-gov-east-1", "us-iso-west-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1"} {
		for _, options := range [][]string{nil, {"AWS_USE_FIPS_ENDPOINT", "true"}, {"AWS_USE_DUALSTACK_ENDPOINT", "true"}, {"AWS_USE_FIPS_ENDPOINT", "true", "AWS_USE_DUALSTACK_ENDPOINT", "true"}} {
			variables := with(s.variables(), append([]string{"HOME", home, "AWS_ENDPOINT_URL", "", "AWS_REGION", region, "AWS_USE_FIPS_ENDPOINT", "", "AWS_USE_DUALSTACK_ENDPOINT", ""}, options...)...)
			var theirs, ours []string
			client := sdk(t, s.URL, variables)
			_, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("prod/app")}, func(o *secretsmanager.Options) {
				o.HTTPClient = &http.Client{Transport: toStandIn{strings.TrimPrefix(s.URL, "http://"), t, &theirs}}
			})
			if err != nil {
				t.Errorf("%s %v: %v", region, options, err)
			}
			r := New(Options{LookupEnv: environment(variables), Patience: time.Minute, Transport: toStandIn{strings.TrimPrefix(s.URL, "http://"), t, &ours}})
			if value, _, err := r.Resolve(t.Context(), "aws-secrets://prod/app"); err != nil || string(value.Reveal()) != "newest" || !slices.Equal(theirs, ours) {
				t.Errorf("%s %v: they ask %v, we %v: %v", region, options, theirs, ours, err)
			}
		}
	}
}
