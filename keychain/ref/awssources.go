package ref

import (
	"context"
	"crypto/sha1" //nolint:gosec // the AWS CLI names its files so; nothing is protected by it
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

const awsSession = "openclaw" // as whom a role is taken, for the person's own logs

// assumeRole takes a role by STS ("AssumeRole").
func (c *awsCall) assumeRole(ctx context.Context, keys awsKeys, role, session, external, seconds string) (awsKeys, error) {
	if session == "" {
		session = awsSession
	}
	body := stsForm("AssumeRole", map[string]string{"RoleArn": role, "RoleSessionName": session, "ExternalId": external, "DurationSeconds": seconds})
	return c.sts(ctx, &keys, body, "the role "+role)
}

// byWebIdentity exchanges a token that another authority laid into a file, as
// Kubernetes does, by STS ("AssumeRoleWithWebIdentity").
func (c *awsCall) byWebIdentity(ctx context.Context, path, role, session string) (awsKeys, error) {
	if role == "" {
		return awsKeys{}, outside(keychain.KindBadReference, "there is a web identity token, and no role for it", "set AWS_ROLE_ARN, or role_arn in the profile")
	}
	if session == "" {
		session = awsSession
	}
	token, err := file.ReadTrusted(path, 64<<10)
	if err != nil {
		return awsKeys{}, fileError("read the web identity token", path, err)
	}
	defer clear(token)
	body := stsForm("AssumeRoleWithWebIdentity", map[string]string{"RoleArn": role, "RoleSessionName": session, "WebIdentityToken": strings.TrimSpace(string(token))})
	return c.sts(ctx, nil, body, "the role "+role)
}

// sts asks AWS's Security Token Service; without keys the request has no signature.
func (c *awsCall) sts(ctx context.Context, keys *awsKeys, body, what string) (awsKeys, error) {
	where, err := c.settings.endpoint("sts", "sts", c.region)
	if err != nil {
		return awsKeys{}, err
	}
	type failure struct {
		Code string `xml:"Error>Code"`
	}
	code := func(answer reply) string {
		var f failure
		_ = xml.Unmarshal(answer.body, &f) // an answer of a gateway in between is no XML
		return f.Code
	}
	const kind = "application/x-www-form-urlencoded; charset=utf-8"
	answer, err := c.ask(ctx, func() (*http.Request, error) {
		if keys != nil {
			return c.signed(ctx, *keys, "sts", http.MethodPost, where, []byte(body), map[string]string{"Content-Type": kind})
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, where, strings.NewReader(body))
		if err != nil {
			return nil, outside(keychain.KindBadReference, "the settings make no address", c.look)
		}
		request.Header.Set("Content-Type", kind)
		return request, nil
	}, func(answer reply) bool { return awsThrottles(code(answer)) || code(answer) == "IDPCommunicationError" })
	if err != nil {
		return awsKeys{}, err
	}
	defer clear(answer.body)
	if answer.status != http.StatusOK {
		switch code(answer) {
		case "AccessDenied":
			return awsKeys{}, outside(keychain.KindWrongKey, "AWS does not give "+what+" to these credentials", "let its trust policy name them, and let them call sts:AssumeRole")
		case "InvalidIdentityToken", "IDPRejectedClaim":
			return awsKeys{}, outside(keychain.KindWrongKey, "AWS does not take the web identity token for "+what, "the identity provider and the role's trust policy have to fit the token")
		}
		return awsKeys{}, c.refusedCommon(answer, code(answer), "for "+what)
	}
	var assumed struct {
		Role temporary `xml:"AssumeRoleResult>Credentials"`
		Web  temporary `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	if xml.Unmarshal(answer.body, &assumed) != nil {
		return awsKeys{}, c.notUnderstood()
	}
	found := assumed.Role.keys()
	if found.ID == "" {
		found = assumed.Web.keys()
	}
	return c.lasting(found)
}

// lasting refuses temporary credentials without an end or an ID.
func (c *awsCall) lasting(keys awsKeys) (awsKeys, error) {
	if keys.ID == "" || keys.Secret == "" || keys.Token == "" || keys.Until.IsZero() {
		return awsKeys{}, c.notUnderstood()
	}
	return keys, nil
}

// bySSO uses the login of aws sso login: the token that it left, for the account and
// role of the profile ("IAM Identity Center portal API": GetRoleCredentials).
func (c *awsCall) bySSO(ctx context.Context, profile string, wrong func(string) error) (awsKeys, error) {
	s := c.settings
	session := s.get(profile, "sso_session")
	named, region := s.get(profile, "sso_start_url"), s.get(profile, "sso_region")
	if session != "" {
		section := s.section("sso-session " + session)
		if section == nil {
			return awsKeys{}, wrong("names an sso_session that is not there")
		}
		named, region = session, section["sso_region"]
	}
	account, role := s.get(profile, "sso_account_id"), s.get(profile, "sso_role_name")
	if account == "" || role == "" || !cloudForms().awsRegion.MatchString(region) {
		return awsKeys{}, wrong("lacks sso_account_id, sso_role_name or sso_region")
	}
	login := "run: aws sso login --profile " + profile
	sum := sha1.Sum([]byte(named)) //nolint:gosec // as the import says
	path := filepath.Join(s.resolver.home(), ".aws", "sso", "cache", hex.EncodeToString(sum[:])+".json")
	data, err := file.ReadPrivate(path, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return awsKeys{}, outside(keychain.KindLocked, "nobody is logged in to "+strconv.Quote(named), login)
	}
	if err != nil {
		return awsKeys{}, fileError("read the login of AWS", path, err)
	}
	defer clear(data)
	var token struct {
		AccessToken string `json:"accessToken"`
		ExpiresAt   string `json:"expiresAt"`
	}
	if json.Unmarshal(data, &token) != nil || token.AccessToken == "" {
		return awsKeys{}, outside(keychain.KindCorrupt, "the login of AWS is not understood", login)
	}
	end, err := time.Parse(time.RFC3339, token.ExpiresAt)
	if err != nil { // older ones write UTC for Z
		end, err = time.Parse("2006-01-02T15:04:05MST", token.ExpiresAt)
	}
	if err != nil || !c.now().Before(end) {
		return awsKeys{}, outside(keychain.KindLocked, "the login to "+strconv.Quote(named)+" is over", login)
	}
	here := *c
	here.region = region
	where, err := s.endpoint("portal.sso", "sso", region)
	if err != nil {
		return awsKeys{}, err
	}
	answer, err := c.ask(ctx, func() (*http.Request, error) {
		query := url.Values{"account_id": {account}, "role_name": {role}}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, where+"federation/credentials?"+query.Encode(), nil)
		if err != nil {
			return nil, outside(keychain.KindBadReference, "the settings make no address", c.look)
		}
		request.Header.Set("X-Amz-Sso_bearer_token", token.AccessToken)
		return request, nil
	}, nil)
	if err != nil {
		return awsKeys{}, err
	}
	defer clear(answer.body)
	if answer.status != http.StatusOK {
		switch code := awsCode(answer); {
		case answer.status == http.StatusUnauthorized:
			return awsKeys{}, outside(keychain.KindLocked, "AWS does not take the login to "+strconv.Quote(named)+" any more", login)
		case answer.status == http.StatusForbidden, code == "ResourceNotFoundException":
			return awsKeys{}, outside(keychain.KindWrongKey, "the login to "+strconv.Quote(named)+" has not the role of the profile "+strconv.Quote(profile), "correct sso_account_id and sso_role_name in "+s.configPath)
		default:
			return awsKeys{}, here.refusedCommon(answer, code, "of aws sso login")
		}
	}
	var found struct {
		Role struct {
			AccessKeyID     string `json:"accessKeyId"`
			SecretAccessKey string `json:"secretAccessKey"`
			SessionToken    string `json:"sessionToken"`
			Expiration      int64  `json:"expiration"` // milliseconds
		} `json:"roleCredentials"`
	}
	if json.Unmarshal(answer.body, &found) != nil || found.Role.Expiration <= 0 {
		return awsKeys{}, c.notUnderstood()
	}
	return c.lasting(awsKeys{ID: found.Role.AccessKeyID, Secret: found.Role.SecretAccessKey, Token: found.Role.SessionToken, Until: time.UnixMilli(found.Role.Expiration)})
}

// byProcess runs the program of credential_process ("Source credentials with an
// external process"), with no shell, as the AWS CLI does. Neither its words nor its
// command line, which may hold a key, get into an error.
func (c *awsCall) byProcess(ctx context.Context, profile, line string) (awsKeys, error) {
	byHand := "run the credential_process of the profile " + strconv.Quote(profile) + " (" + c.settings.configPath + ") in a terminal to see what is wrong"
	words, err := splitWords(line)
	if err != nil {
		return awsKeys{}, outside(keychain.KindBadReference, "the credential_process of the profile "+strconv.Quote(profile)+" "+err.Error(), "correct "+c.settings.configPath)
	}
	answer, err := c.settings.resolver.run(ctx, command{words: words, env: []string{
		"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
	}})
	if err != nil {
		if e, ok := errors.AsType[*keychain.Error](err); ok {
			kind := e.Kind
			if kind == keychain.KindNotFound {
				kind = keychain.KindCorrupt
			}
			return awsKeys{}, outside(kind, "the credential_process of the profile "+strconv.Quote(profile)+" gave no credentials ("+string(e.Kind)+")", byHand)
		}
		return awsKeys{}, err
	}
	defer answer.Wipe()
	var found temporary
	if json.Unmarshal(answer.Reveal(), &found) != nil || found.Version != 1 || found.AccessKeyId == "" || found.SecretAccessKey == "" {
		return awsKeys{}, outside(keychain.KindCorrupt, "the credential_process of the profile "+strconv.Quote(profile)+" does not answer as it should", byHand)
	}
	keys := found.keys()
	if found.Expiration == "" {
		keys.Until = c.now().Add(keepCredentials + credentialMargin) // it is run again then
	} else if keys.Until.IsZero() || !c.now().Before(keys.Until) {
		return awsKeys{}, outside(keychain.KindLocked, "the credential_process of the profile "+strconv.Quote(profile)+" gave credentials that are over", byHand)
	}
	return keys, nil
}

// splitWords cuts a line at blanks, as a POSIX shell does with quotes and backslashes,
// and expands nothing.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote byte
	inside := false
	for i := 0; i < len(line); i++ {
		switch b := line[i]; {
		case quote == '\'' && b != '\'', quote == '"' && b != '"' && b != '\\':
			word.WriteByte(b)
		case b == '\\':
			if i++; i == len(line) {
				return nil, errors.New("ends with a backslash")
			}
			if quote == '"' && line[i] != '"' && line[i] != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(line[i])
			inside = true
		case quote != 0:
			quote = 0
		case b == '\'' || b == '"':
			quote, inside = b, true
		case b == ' ' || b == '\t':
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
		default:
			word.WriteByte(b)
			inside = true
		}
	}
	switch {
	case quote != 0:
		return nil, errors.New("has a quote that is not closed")
	case inside:
		words = append(words, word.String())
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("names no program")
	}
	return words, nil
}

// ofContainer asks the agent beside a container ("Container credential provider").
func (c *awsCall) ofContainer(ctx context.Context) (awsKeys, error) {
	r := c.settings.resolver
	where := r.firstOf("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := r.firstOf("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		if !strings.HasPrefix(relative, "/") {
			return awsKeys{}, outside(keychain.KindBadReference, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path", "leave it as the container's agent sets it")
		}
		where = "http://169.254.170.2" + relative
	}
	u, err := url.Parse(where)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return awsKeys{}, outside(keychain.KindBadReference, "AWS_CONTAINER_CREDENTIALS_FULL_URI is no address", "leave it as the container's agent sets it")
	}
	token := r.firstOf("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if path := r.firstOf("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
		data, err := file.ReadTrusted(path, 64<<10)
		if err != nil {
			return awsKeys{}, fileError("read the container's token", path, err)
		}
		token = strings.TrimSpace(string(data))
		clear(data)
	}
	if strings.ContainsAny(token, "\r\n") {
		return awsKeys{}, outside(keychain.KindBadReference, "the container's token has a line end", "leave it as the container's agent sets it")
	}
	local := r.local("the container's agent", "AWS_CONTAINER_CREDENTIALS_FULL_URI has to be an address of this machine or of its agent")
	defer local.release()
	data, err := local.get(ctx, http.MethodGet, u.String(), map[string]string{"Authorization": token})
	if err != nil {
		return awsKeys{}, err
	}
	defer clear(data)
	var found temporary
	if json.Unmarshal(data, &found) != nil {
		return awsKeys{}, local.notUnderstood()
	}
	return c.lasting(found.keys())
}

// ofInstance asks the machine's metadata service, version 2 ("Use IMDSv2").
func (c *awsCall) ofInstance(ctx context.Context) (awsKeys, error) {
	base := "http://169.254.169.254"
	if text := c.settings.resolver.firstOf("AWS_EC2_METADATA_SERVICE_ENDPOINT"); text != "" {
		u, err := address("AWS_EC2_METADATA_SERVICE_ENDPOINT", text)
		if err != nil {
			return awsKeys{}, err
		}
		base = strings.TrimRight(u.String(), "/")
	}
	local := c.settings.resolver.local("the machine's metadata service", "is this a machine of EC2, with a role?")
	defer local.release()
	token, err := local.get(ctx, http.MethodPut, base+"/latest/api/token", map[string]string{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": "300"})
	if err != nil {
		return awsKeys{}, err
	}
	defer clear(token)
	header := map[string]string{"X-Aws-Ec2-Metadata-Token": strings.TrimSpace(string(token))}
	const folder = "/latest/meta-data/iam/security-credentials/"
	role, err := local.get(ctx, http.MethodGet, base+folder, header)
	if err != nil {
		return awsKeys{}, err
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(role)), "\n")
	if !cloudForms().awsRole.MatchString(name) {
		return awsKeys{}, local.notUnderstood()
	}
	data, err := local.get(ctx, http.MethodGet, base+folder+name, header)
	if err != nil {
		return awsKeys{}, err
	}
	defer clear(data)
	var found temporary
	if json.Unmarshal(data, &found) != nil || found.Code != "Success" {
		return awsKeys{}, local.notUnderstood()
	}
	return c.lasting(found.keys())
}
