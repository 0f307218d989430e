package ref

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"openclaw/keychain"
)

// askAWS asks AWS Secrets Manager: one call, GetSecretValue ("AWS Secrets Manager
// API reference"), of its JSON protocol, signed with Signature Version 4 by AWS's own
// library. The library for the whole service is not used: with its settings it adds
// 100 packages and 5,500 allocations before main, which every cage would pay.
func (r *Resolver) askAWS(ctx context.Context, reference Reference) (keychain.Secret, error) {
	settings, err := r.awsSettings()
	if err != nil {
		return keychain.Secret{}, err
	}
	region, err := settings.region(reference.first)
	if err != nil {
		return keychain.Secret{}, err
	}
	authorities := r.firstOf("AWS_CA_BUNDLE")
	if authorities == "" {
		authorities = settings.get(settings.profile, "ca_bundle")
	}
	c, err := r.openCloud("AWS", "check AWS_REGION (it is "+region+"), AWS_ENDPOINT_URL and the network", authorities)
	if err != nil {
		return keychain.Secret{}, err
	}
	defer c.release()
	call := &awsCall{cloud: c, settings: settings, region: region}
	keys, held, err := call.keys(ctx)
	if err != nil {
		return keychain.Secret{}, err
	}
	value, err := call.secret(ctx, keys, reference)
	if keychain.KindOf(err) == keychain.KindLocked || keychain.KindOf(err) == keychain.KindWrongKey {
		r.cache.forgetKey(held) // the next one asks for new ones
	}
	return value, err
}

// awsCall is one conversation with AWS.
type awsCall struct {
	*cloud
	settings *awsSettings
	region   string
}

func (c *awsCall) secret(ctx context.Context, keys awsKeys, reference Reference) (keychain.Secret, error) {
	where, err := c.settings.endpoint("secretsmanager", "secrets_manager", c.region)
	if err != nil {
		return keychain.Secret{}, err
	}
	wanted := map[string]string{"SecretId": reference.first}
	switch n := len(reference.version); {
	case n >= 32 && n <= 64: // the length of a version's ID, which is a UUID as a rule
		wanted["VersionId"] = reference.version
	case n > 0:
		wanted["VersionStage"] = reference.version
	}
	body, err := json.Marshal(wanted)
	if err != nil {
		return keychain.Secret{}, err
	}
	answer, err := c.ask(ctx, func() (*http.Request, error) {
		return c.signed(ctx, keys, "secretsmanager", http.MethodPost, where, body, map[string]string{
			"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue",
		})
	}, func(answer reply) bool { return awsThrottles(awsCode(answer)) })
	if err != nil {
		return keychain.Secret{}, err
	}
	defer clear(answer.body)
	if answer.status != http.StatusOK {
		return keychain.Secret{}, c.refused(answer, keys, reference)
	}
	var found struct {
		Text   *string `json:"SecretString"`
		Binary []byte  `json:"SecretBinary"`
		Name   string  `json:"Name"`
	}
	if json.Unmarshal(answer.body, &found) != nil || found.Name == "" || found.Text == nil && found.Binary == nil {
		return keychain.Secret{}, c.notUnderstood()
	}
	if found.Text != nil {
		return c.secretOf([]byte(*found.Text))
	}
	return c.secretOf(found.Binary)
}

// signed makes a request with Signature Version 4.
func (c *awsCall) signed(ctx context.Context, keys awsKeys, service, method, where string, body []byte, header map[string]string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, where, bytes.NewReader(body))
	if err != nil {
		return nil, outside(keychain.KindBadReference, "the settings make no address", c.look)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	hash := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: keys.ID, SecretAccessKey: keys.Secret, SessionToken: keys.Token}
	if err := signer.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(hash[:]), service, c.region, c.now()); err != nil {
		return nil, outside(keychain.KindFailed, "the request could not be signed", c.look)
	}
	return request, nil
}

// awsCode is the name of an error: in the body or a header, with what stands around
// it in some of AWS's answers cut.
func awsCode(answer reply) string {
	if answer.status == http.StatusOK {
		return ""
	}
	var said struct {
		Type string `json:"__type"`
		Code string `json:"code"`
	}
	_ = json.Unmarshal(answer.body, &said) // an answer of a gateway in between is no JSON
	code := answer.header.Get("X-Amzn-Errortype")
	for _, text := range []string{said.Type, said.Code} {
		if code == "" {
			code = text
		}
	}
	code, _, _ = strings.Cut(code, ":")
	return code[strings.LastIndex(code, "#")+1:]
}

// awsThrottles are the codes that AWS's SDK takes for "later" (aws/retry).
func awsThrottles(code string) bool {
	switch code {
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled", "TooManyRequestsException",
		"RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException":
		return true
	}
	return false
}

// refused gives each error of the service its kind. The service's own words are not
// repeated: they hold names of accounts and roles.
func (c *awsCall) refused(answer reply, keys awsKeys, reference Reference) error {
	switch code := awsCode(answer); code {
	case "ResourceNotFoundException":
		text := "there is no such secret in the region " + c.region + " of the account"
		if reference.version != "" {
			text = "there is no such secret, or not this version of it, in the region " + c.region + " of the account"
		}
		return outside(keychain.KindNotFound, text, "correct the name; aws secretsmanager list-secrets --region "+c.region+" shows those that are (one of another account needs its whole ARN)")
	case "InvalidRequestException":
		if bytes.Contains(answer.body, []byte("delet")) {
			return outside(keychain.KindNotFound, "the secret is marked for deletion", "aws secretsmanager restore-secret brings it back")
		}
		return outside(keychain.KindFailed, "AWS says that the secret cannot be read as it is now", "aws secretsmanager describe-secret tells its state")
	case "InvalidParameterException", "ValidationException":
		return outside(keychain.KindBadReference, "AWS does not take the name or the version", "correct the reference")
	case "DecryptionFailure":
		return outside(keychain.KindWrongKey, "AWS cannot decrypt the secret with its KMS key", "the key may be disabled, or its policy may not let these credentials use it")
	case "AccessDeniedException", "AccessDenied":
		return outside(keychain.KindWrongKey, "AWS does not let these credentials ("+keys.from+") read the secret", "allow secretsmanager:GetSecretValue on it, and kms:Decrypt on its key if it has one of its own")
	default:
		return c.refusedCommon(answer, code, keys.from)
	}
}

// refusedCommon has the errors that every service of AWS gives.
func (c *awsCall) refusedCommon(answer reply, code, from string) error {
	switch code {
	case "ExpiredTokenException", "ExpiredToken", "RequestExpired":
		return outside(keychain.KindLocked, "the session of these credentials ("+from+") is over", "log in anew: aws sso login, or what gave the session")
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "NotAuthorized", "MissingAuthenticationToken", "MissingAuthenticationTokenException":
		return outside(keychain.KindWrongKey, "AWS does not know these credentials ("+from+")", "make new ones; aws sts get-caller-identity tests them")
	case "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException", "RequestTimeTooSkewed":
		if skew := c.skew(answer); skew >= 5*time.Minute {
			return outside(keychain.KindFailed, "the clock of this machine differs from that of AWS by "+skew.Round(time.Minute).String(), "set the clock: AWS refuses more than 5 minutes")
		}
		return outside(keychain.KindWrongKey, "AWS says that the signature does not fit: the secret access key ("+from+") is wrong", "write it anew; aws sts get-caller-identity tests it")
	case "OptInRequired", "SubscriptionRequiredException":
		return outside(keychain.KindUnsupported, "the account has not switched this service or region on", "switch the region "+c.region+" on, or choose another")
	}
	switch {
	case awsThrottles(code) || answer.status == http.StatusTooManyRequests:
		return c.busy(answer.after)
	case answer.status >= 500:
		return c.broken(answer)
	case answer.status == http.StatusForbidden, answer.status == http.StatusUnauthorized:
		return outside(keychain.KindWrongKey, "AWS refuses these credentials ("+from+") with status "+strconv.Itoa(answer.status), "aws sts get-caller-identity tests them")
	}
	return outside(keychain.KindFailed, "AWS answered with status "+strconv.Itoa(answer.status), c.look)
}

// skew is how far the clock of the answer is from this machine's.
func (c *awsCall) skew(answer reply) time.Duration {
	at, err := http.ParseTime(answer.header.Get("Date"))
	if err != nil {
		return 0
	}
	return c.now().Sub(at).Abs()
}
