package ref

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// awsStandIn answers as the documents of AWS say, at one address: Secrets Manager,
// STS, the portal of IAM Identity Center, a container's agent and a machine's metadata
// service. It is no AWS. It checks each signature by computing it anew, and AWS's own
// SDK is a client of it in these tests, so that it is not made to fit our client.
type awsStandIn struct {
	cloudStandIn
	now func() time.Time

	// Below: guarded by mu.
	retries map[string]int
	last    http.Header
}

// awsPairs are the keys that the server knows: by ID, the secret and the session
// token. The first is the example of AWS's documents.
func awsPairs() map[string][2]string {
	return map[string][2]string{
		"AKIDEXAMPLE":         {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""},
		"ASIAROLE":            {"role-" + canary, "role-token-" + canary},
		"ASIAWEB":             {"web-" + canary, "web-token-" + canary},
		"ASIASSO":             {"sso-" + canary, "sso-token-" + canary},
		"ASIACONTAINER":       {"container-" + canary, "container-token-" + canary},
		"ASIAMACHINE":         {"machine-" + canary, "machine-token-" + canary},
		"ASIAPROCESS":         {"process-" + canary, "process-token-" + canary},
		"AKIDNOTALLOWED":      {"other-" + canary, ""},
		"ASIAOVER":            {"over-" + canary, "over-token-" + canary},
		"AKIDUNKNOWNELSEHERE": {"", ""},
	}
}

// awsSecrets are the secrets: by ID and, behind a blank, stage or version ID.
func awsSecrets() map[string]string {
	long := strings.Repeat("\x01", maxCloudSecret) // as long as AWS keeps one, and written in six bytes each
	return map[string]string{
		"prod/app":             "newest",
		"prod/app AWSPREVIOUS": "one before",
		"prod/app " + awsOldID: "old",
		"prod/object":          `{"key":"inner","deep":{"er":"deeper"}}`,
		"prod/newline":         "value\n",
		"prod/windows":         "value\r\n",
		"prod/empty":           "\n",
		"prod/long":            long,
		"prod/longer":          long + "x",
		"a/b_c+d=e.f@g-1":      "every sign",
		"binary":               "binary:\xff\x00\x01",
		"arn:aws:secretsmanager:eu-west-3:123456789012:secret:other-AbCdEf": "elsewhere",
		"unicode": "schlüssel ✓",
	}
}

const awsOldID = "EXAMPLE1-90ab-cdef-fedc-ba987SECRET1"

func newAWS(t *testing.T) *awsStandIn {
	t.Helper()
	s := &awsStandIn{now: time.Now, retries: map[string]int{}}
	s.serve(t, "AWS", s)
	return s
}

func (s *awsStandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.last = r.Header.Clone()
	s.mu.Unlock()
	switch {
	case r.Header.Get("X-Amz-Target") == "secretsmanager.GetSecretValue":
		s.secretsManager(w, r, body)
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		s.sts(w, r, body)
	case r.URL.Path == "/federation/credentials":
		s.sso(w, r)
	case r.URL.Path == "/container" || r.URL.Path == "/v2/credentials/uuid":
		s.note("container")
		if token := r.Header.Get("Authorization"); token != "container-auth" {
			http.Error(w, `{"code":"no","message":"`+canary+`"}`, http.StatusForbidden)
			return
		}
		s.machineKeys(w, "ASIACONTAINER", "")
	case strings.HasPrefix(r.URL.Path, "/latest/"):
		s.metadata(w, r)
	default:
		s.fault("%s %s", r.Method, r.URL)
		http.NotFound(w, r)
	}
}

func (s *awsStandIn) machineKeys(w http.ResponseWriter, id, code string) {
	pair := awsPairs()[id]
	answer := map[string]string{"AccessKeyId": id, "SecretAccessKey": pair[0], "Token": pair[1], "Expiration": s.now().Add(time.Hour).UTC().Format(time.RFC3339)}
	if code != "" {
		answer["Code"], answer["Type"] = code, "AWS-HMAC"
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *awsStandIn) metadata(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/latest/api/token" {
		if r.Method != http.MethodPut || r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") == "" {
			s.fault("token of the metadata service: %s %v", r.Method, r.Header)
		}
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		_, _ = w.Write([]byte("metadata-token"))
		return
	}
	if r.Header.Get("X-Aws-Ec2-Metadata-Token") != "metadata-token" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch r.URL.Path {
	case "/latest/meta-data/iam/security-credentials/":
		_, _ = w.Write([]byte("the-role"))
	case "/latest/meta-data/iam/security-credentials/the-role":
		s.note("metadata")
		s.machineKeys(w, "ASIAMACHINE", "Success")
	default:
		http.NotFound(w, r)
	}
}

func (s *awsStandIn) sso(w http.ResponseWriter, r *http.Request) {
	s.note("sso")
	query := r.URL.Query()
	switch {
	case r.Method != http.MethodGet || r.Header.Get("Authorization") != "":
		s.fault("portal: %s %v", r.Method, r.Header)
	case r.Header.Get("X-Amz-Sso_bearer_token") != "sso-login-"+canary:
		w.Header().Set("X-Amzn-Errortype", "UnauthorizedException")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"message":"Session token not found or invalid"}`))
	case query.Get("account_id") != "123456789012" || query.Get("role_name") != "Reader":
		w.Header().Set("X-Amzn-Errortype", "ForbiddenException:http://internal.amazon.com/")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"message":"No access"}`))
	default:
		pair := awsPairs()["ASIASSO"]
		_ = json.NewEncoder(w).Encode(map[string]any{"roleCredentials": map[string]any{
			"accessKeyId": "ASIASSO", "secretAccessKey": pair[0], "sessionToken": pair[1], "expiration": s.now().Add(time.Hour).UnixMilli(),
		}})
	}
}

func (s *awsStandIn) sts(w http.ResponseWriter, r *http.Request, body []byte) {
	values, err := url.ParseQuery(string(body))
	if err != nil || values.Get("Version") != "2011-06-15" || values.Get("RoleSessionName") == "" {
		s.fault("STS: %q", body)
	}
	action := values.Get("Action")
	s.note(action)
	refuse := func(status int, code string) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>x</RequestId></ErrorResponse>`, code, canary)
	}
	id := "ASIAROLE"
	switch action {
	case "AssumeRole":
		if code := s.verify(r, body, "sts"); code != "" {
			refuse(http.StatusForbidden, code)
			return
		}
		if external := values.Get("ExternalId"); external != "" && external != "outside" {
			refuse(http.StatusForbidden, "AccessDenied")
			return
		}
	case "AssumeRoleWithWebIdentity":
		id = "ASIAWEB"
		if r.Header.Get("Authorization") != "" {
			s.fault("a web identity is signed")
		}
		if values.Get("WebIdentityToken") != "web-identity-"+canary {
			refuse(http.StatusBadRequest, "InvalidIdentityToken")
			return
		}
	default:
		s.fault("STS: %q", action)
	}
	if strings.HasSuffix(values.Get("RoleArn"), "/denied") {
		refuse(http.StatusForbidden, "AccessDenied")
		return
	}
	pair := awsPairs()[id]
	_, _ = fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><AssumedRoleUser><Arn>%[2]s</Arn><AssumedRoleId>X</AssumedRoleId></AssumedRoleUser>`+
		`<Credentials><AccessKeyId>%[3]s</AccessKeyId><SecretAccessKey>%[4]s</SecretAccessKey><SessionToken>%[5]s</SessionToken><Expiration>%[6]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
		action, values.Get("RoleArn"), id, pair[0], pair[1], s.now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// jsonError writes an error in the form that AWS gives it. A code with a # shows that
// some answers have more before it.
func jsonError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "00000000-0000-0000-0000-000000000000")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "Message": message, "message": message})
}

func (s *awsStandIn) secretsManager(w http.ResponseWriter, r *http.Request, body []byte) {
	var wanted struct{ SecretId, VersionId, VersionStage string } //nolint:revive // AWS's names
	if err := json.Unmarshal(body, &wanted); err != nil || r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		s.fault("GetSecretValue: %s %s %q", r.Method, r.URL, body)
	}
	tries := s.note(wanted.SecretId)
	if code := s.verify(r, body, "secretsmanager"); code != "" {
		jsonError(w, http.StatusBadRequest, code, "secret words: "+canary)
		return
	}
	if strings.Contains(r.Header.Get("Authorization"), "AKIDNOTALLOWED") {
		jsonError(w, http.StatusBadRequest, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/"+canary+" is not authorized")
		return
	}
	if strings.Contains(r.Header.Get("Authorization"), "ASIAOVER") {
		jsonError(w, http.StatusBadRequest, "ExpiredTokenException", "The security token included in the request is expired")
		return
	}
	if s.odd(w, r, wanted.SecretId, tries) {
		return
	}
	version := wanted.VersionStage + wanted.VersionId
	name := wanted.SecretId
	if version != "" && version != "AWSCURRENT" {
		name += " " + version
	}
	value, ok := awsSecrets()[name]
	if !ok {
		jsonError(w, http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
		return
	}
	answer := map[string]any{
		"ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:" + wanted.SecretId + "-AbCdEf", "Name": wanted.SecretId,
		"VersionId": awsOldID, "VersionStages": []string{"AWSCURRENT"}, "CreatedDate": 1.7e9,
	}
	if binary, is := strings.CutPrefix(value, "binary:"); is {
		answer["SecretBinary"] = base64.StdEncoding.EncodeToString([]byte(binary))
	} else {
		answer["SecretString"] = value
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(answer)
}

// odd answers the names that stand for what can go wrong: odd/STATUS/CODE and others.
func (s *awsStandIn) odd(w http.ResponseWriter, r *http.Request, name string, tries int) bool {
	rest, is := strings.CutPrefix(name, "odd/")
	if !is {
		return false
	}
	var status int
	var code string
	if n, _ := fmt.Sscanf(rest, "%d/%s", &status, &code); n == 2 {
		jsonError(w, status, code, canary)
		return true
	}
	switch rest {
	case "deleted":
		jsonError(w, http.StatusBadRequest, "InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	case "long-code":
		jsonError(w, http.StatusBadRequest, "com.amazonaws.secretsmanager#DecryptionFailure", canary)
	case "header-code":
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException:http://internal.amazon.com/coral/")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("{}"))
	case "twice-busy":
		if tries < 3 {
			w.Header().Set("Retry-After", "0")
			jsonError(w, http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
			return true
		}
		return false
	case "busy-for-long":
		w.Header().Set("Retry-After", "3600")
		jsonError(w, http.StatusTooManyRequests, "TooManyRequestsException", "Rate exceeded")
	case "html":
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html>" + canary))
	case "redirect":
		http.Redirect(w, r, s.URL+"/stolen", http.StatusTemporaryRedirect)
	case "huge":
		_, _ = w.Write([]byte(strings.Repeat(" ", maxCloudAnswer+1)))
	case "cut":
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"Name":"x","SecretString":"` + canary))
	case "no-json":
		_, _ = w.Write([]byte(`{"Name":"x","SecretString":` + canary))
	case "no-value":
		_, _ = w.Write([]byte(`{"Name":"x"}`))
	case "other-type":
		_, _ = w.Write([]byte(`{"Name":"x","SecretString":["` + canary + `"]}`))
	case "hangs":
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case "slow":
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"Name":"x","SecretString":"` + canary))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

// verify computes the signature of a request anew, from the text of "Create a signed
// AWS API request" alone, and returns the code that AWS would refuse it with.
func (s *awsStandIn) verify(r *http.Request, body []byte, service string) string {
	scope, signed, signature, ok := readAuthorization(r.Header.Get("Authorization"))
	if !ok {
		return "MissingAuthenticationTokenException"
	}
	parts := strings.Split(scope, "/")
	pair, known := awsPairs()[parts[0]]
	if !known {
		return "UnrecognizedClientException"
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || len(parts) != 5 || parts[1] != at.Format("20060102") || parts[3] != service || parts[4] != "aws4_request" {
		return "IncompleteSignatureException"
	}
	if s.now().Sub(at).Abs() > 5*time.Minute {
		return "InvalidSignatureException"
	}
	if pair[1] != r.Header.Get("X-Amz-Security-Token") {
		return "UnrecognizedClientException"
	}
	must := []string{"host", "x-amz-date"}
	for name := range r.Header { // each of these has a meaning, so each must be signed
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") && name != "x-amz-date" {
			must = append(must, name)
		}
	}
	for _, name := range must {
		if !slices.Contains(signed, name) {
			s.fault("the header %s is not signed", name)
		}
	}
	if sigV4(r, body, pair[0], parts, signed) != signature {
		return "InvalidSignatureException"
	}
	return ""
}

func readAuthorization(text string) (scope string, signed []string, signature string, ok bool) {
	rest, ok := strings.CutPrefix(text, "AWS4-HMAC-SHA256 ")
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	return fields["Credential"], strings.Split(fields["SignedHeaders"], ";"), fields["Signature"], ok
}

func sigV4(r *http.Request, body []byte, secret string, scope, signed []string) string {
	hash := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	var headers strings.Builder
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		headers.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	canonical := strings.Join([]string{r.Method, path, r.URL.Query().Encode(), headers.String(), strings.Join(signed, ";"), hash(body)}, "\n")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), strings.Join(scope[1:], "/"), hash([]byte(canonical))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range scope[1:] {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

// TestSignatureOfTheTests: the stand-in computes what AWS publishes ("Signature
// Version 4 test suite", get-vanilla).
func TestSignatureOfTheTests(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://example.amazonaws.com/", http.NoBody)
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	got := sigV4(r, nil, awsPairs()["AKIDEXAMPLE"][0], strings.Split("AKIDEXAMPLE/20150830/us-east-1/service/aws4_request", "/"), []string{"host", "x-amz-date"})
	if got != "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" {
		t.Fatal(got)
	}
}
