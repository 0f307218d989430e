package ref

import (
	"regexp"
	"strings"
	"sync"
)

// What the clouds allow in names. The sources are their documents: AWS "GetSecretValue"
// (SecretId, VersionId, VersionStage) and "Regions and endpoints"; Google "Secret
// Manager REST reference", "Creating a secret" and "Creating and managing projects";
// Azure "Vaults, keys, secrets and certificates: object identifiers". Whatever a
// reference holds, it can neither leave its place in an address nor name a host.
var cloudForms = sync.OnceValue(func() *cloudNames {
	form := regexp.MustCompile
	return &cloudNames{
		awsName:      form(`^[A-Za-z0-9/_+=.@-]{1,512}$`),
		awsARN:       form(`^arn:(aws[a-z-]{0,20}):secretsmanager:([a-z]{2,8}(?:-[a-z]{1,16}){1,3}-[0-9]{1,2}):[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}$`),
		awsVersion:   form(`^[A-Za-z0-9/_+=.@-]{1,256}$`),
		gcpName:      form(`^projects/((?:[a-z0-9.-]{1,63}:)?[a-z0-9][a-z0-9-]{0,62})(?:/locations/([a-z]{2,16}-[a-z]{1,16}[0-9]{1,2}))?/secrets/([A-Za-z0-9_-]{1,255})$`),
		gcpVersion:   form(`^(?:latest|[1-9][0-9]{0,18}|[A-Za-z][A-Za-z0-9_-]{0,62})$`),
		azureName:    form(`^([A-Za-z](?:[A-Za-z0-9-]{1,22})[A-Za-z0-9])/([A-Za-z0-9-]{1,127})$`),
		azureVersion: form(`^[0-9a-f]{32}$`),
		azureTenant:  form(`^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$`),
		awsRegion:    form(`^[a-z]{2,8}(-[a-z]{1,16}){1,3}-[0-9]{1,2}$`),
		awsRole:      form(`^[A-Za-z0-9_+=,.@-]{1,64}$`),
	}
})

// cloudNames are compiled at their first use, all at once: each variable of its own
// costs something before main.
type cloudNames struct {
	awsName, awsARN, awsVersion, gcpName, gcpVersion, azureName, azureVersion, azureTenant, awsRegion, awsRole *regexp.Regexp
}

// parseCloud reads aws-secrets://, gcp-secrets:// and azure-keyvault://.
func parseCloud(scheme Scheme, rest string) (Reference, error) {
	r := Reference{scheme: scheme}
	shape := map[Scheme]string{
		AWS:   "write aws-secrets://name or aws-secrets://arn:aws:secretsmanager:…, with ?version=AWSPREVIOUS and #member if need be",
		GCP:   "write gcp-secrets://projects/PROJECT/secrets/NAME, with /versions/3 and #member if need be",
		Azure: "write azure-keyvault://vault/secret, with ?version=… and #member if need be",
	}[scheme]
	rest, field, hasField := strings.Cut(rest, "#")
	rest, query, hasQuery := strings.Cut(rest, "?")
	var err error
	if r.field, err = unescape(field); err != nil || (hasField && r.field == "") {
		return Reference{}, bad("write #member", "the part behind # is empty or not well formed")
	}
	if hasQuery {
		version, is := strings.CutPrefix(query, "version=")
		if !is {
			return Reference{}, bad(shape, "the only option is ?version=")
		}
		r.version = version
	}
	r.first = rest // no sign that a cloud allows in a name needs an escape
	if before, version, ok := strings.Cut(r.first, "/versions/"); ok && scheme == GCP {
		if hasQuery {
			return Reference{}, bad(shape, "the version is written twice")
		}
		r.first, r.version = before, version
		hasQuery = true
	}
	name, version := cloudForms().awsName, cloudForms().awsVersion
	switch {
	case scheme == GCP:
		name, version = cloudForms().gcpName, cloudForms().gcpVersion
	case scheme == Azure:
		name, version = cloudForms().azureName, cloudForms().azureVersion
	case strings.HasPrefix(r.first, "arn:"):
		name = cloudForms().awsARN
	}
	if !name.MatchString(r.first) || scheme == Azure && strings.Contains(r.first, "--") && strings.Index(r.first, "--") < strings.Index(r.first, "/") {
		return Reference{}, bad(shape, "no secret can have this name")
	}
	if hasQuery && !version.MatchString(r.version) {
		return Reference{}, bad(shape, "no secret can have this version")
	}
	return r, nil
}
