package configs

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// What the clouds allow in names: as keychain/ref, which says whose documents these
// are. A test of the command line holds the two together.
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
	}
})

// cloudNames are compiled at their first use, all at once: each variable of its own
// costs something before main.
type cloudNames struct {
	awsName, awsARN, awsVersion, gcpName, gcpVersion, azureName, azureVersion *regexp.Regexp
}

func cloud(form Form) bool { return form == FormAWS || form == FormGCP || form == FormAzure }

// checkCloud judges what stands behind the scheme of a cloud.
func checkCloud(form Form, name, option string, hasOption bool) error {
	version, is := strings.CutPrefix(option, "version=")
	if before, path, ok := strings.Cut(name, "/versions/"); ok && form == FormGCP && !hasOption {
		name, version, hasOption, is = before, path, true, true
	}
	good, goodVersion, shape := cloudForms().awsName, cloudForms().awsVersion, "aws-secrets://name, or aws-secrets://arn:aws:secretsmanager:…, with ?version=AWSPREVIOUS if need be"
	switch {
	case form == FormGCP:
		good, goodVersion, shape = cloudForms().gcpName, cloudForms().gcpVersion, "gcp-secrets://projects/PROJECT/secrets/NAME, with /versions/VERSION if need be"
	case form == FormAzure:
		good, goodVersion, shape = cloudForms().azureName, cloudForms().azureVersion, "azure-keyvault://vault/secret, with ?version=… (32 digits and a-f) if need be"
	case strings.HasPrefix(name, "arn:"):
		good = cloudForms().awsARN
	}
	vault, _, _ := strings.Cut(name, "/")
	if !good.MatchString(name) || form == FormAzure && strings.Contains(vault, "--") || hasOption && (!is || !goodVersion.MatchString(version)) {
		return fmt.Errorf("write %s", shape)
	}
	return nil
}
