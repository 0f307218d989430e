package ref

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

const maxSharedFile = 256 << 10 // bytes

// awsSettings is what the environment and AWS's two shared files say ("Configuration
// and credential file settings" of the AWS CLI's guide).
type awsSettings struct {
	resolver    *Resolver
	profile     string
	named       bool                 // the person chose the profile
	config      map[string]iniValues // by section: "profile NAME", "sso-session NAME", "services NAME"
	credentials map[string]iniValues // by profile
	configPath  string
}

// iniValues are the lines of a section.
type iniValues map[string]string

func (r *Resolver) awsSettings() (*awsSettings, error) {
	s := &awsSettings{resolver: r, profile: r.firstOf("AWS_PROFILE", "AWS_DEFAULT_PROFILE")}
	s.named = s.profile != ""
	if !s.named {
		s.profile = "default"
	}
	s.configPath = r.awsPath("AWS_CONFIG_FILE", "config")
	credentialsPath := r.awsPath("AWS_SHARED_CREDENTIALS_FILE", "credentials")
	// The config may name a program to run, so nobody else may have written it.
	data, err := readShared(s.configPath, file.ReadTrusted)
	// Where a file cannot be judged it is not needed by who has the variables.
	unneeded := func(err error) bool {
		return errors.Is(err, errors.ErrUnsupported) && r.firstOf("AWS_ACCESS_KEY_ID") != "" && !s.named
	}
	if err != nil && !unneeded(err) {
		return nil, err
	}
	if s.config, err = parseINI(data); err != nil {
		return nil, badINI(s.configPath, err)
	}
	private := func(path string, limit int64) ([]byte, error) {
		path, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, err
		}
		return file.ReadPrivate(path, limit)
	}
	if data, err = readShared(credentialsPath, private); err != nil && !unneeded(err) {
		return nil, err
	}
	s.credentials, err = parseINI(data)
	clear(data)
	if err != nil {
		return nil, badINI(credentialsPath, err)
	}
	if s.named && s.section("profile "+s.profile) == nil && s.credentials[s.profile] == nil {
		return nil, outside(keychain.KindNotFound, "there is no profile "+strconv.Quote(s.profile)+" in AWS's files", "correct AWS_PROFILE; aws configure list-profiles shows those that are")
	}
	return s, nil
}

// awsPath is a file of a variable, or one of ~/.aws.
func (r *Resolver) awsPath(variable, name string) string {
	if path := r.firstOf(variable); path != "" {
		return path
	}
	if home := r.home(); home != "" {
		return filepath.Join(home, ".aws", name)
	}
	return ""
}

// home is the person's folder, or "".
func (r *Resolver) home() string {
	if home := r.firstOf("HOME", "USERPROFILE"); filepath.IsAbs(home) {
		return home
	}
	return ""
}

// readShared reads a file that may be missing.
func readShared(path string, read func(string, int64) ([]byte, error)) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := read(path, maxSharedFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fileError("read AWS's settings", path, err)
	}
	return data, nil
}

func badINI(path string, err error) error {
	return &keychain.Error{Op: "read AWS's settings", Kind: keychain.KindCorrupt, Err: err, Hint: "correct " + path + "; aws configure writes it"}
}

// section finds a section of the config; the default profile has two names.
func (s *awsSettings) section(name string) iniValues {
	if v := s.config[name]; v != nil || name != "profile default" {
		return v
	}
	return s.config["default"]
}

// get is a setting of a profile; the credentials file wins.
func (s *awsSettings) get(profile, key string) string {
	if value := s.credentials[profile][key]; value != "" {
		return value
	}
	return s.section("profile " + profile)[key]
}

// region is where the secret is: the ARN says it, or the environment, or the profile.
func (s *awsSettings) region(arn string) (string, error) {
	region := s.resolver.firstOf("AWS_REGION", "AWS_DEFAULT_REGION")
	if region == "" {
		region = s.get(s.profile, "region")
	}
	if m := cloudForms().awsARN.FindStringSubmatch(arn); m != nil {
		region = m[2]
	}
	if region == "" {
		return "", outside(keychain.KindNoService, "the region of AWS is not known", "export AWS_REGION=eu-central-1 before openclaw starts, or run: aws configure set region eu-central-1")
	}
	if !cloudForms().awsRegion.MatchString(region) {
		return "", outside(keychain.KindBadReference, "AWS_REGION, or the profile's region, is none", "write it as eu-central-1")
	}
	return region, nil
}

// awsSuffixes are the partitions of AWS's own SDK (awsrulesfn/partitions.go): the
// beginning of a region's name, the end of its hosts, and that end for hosts with
// both IPv4 and IPv6.
var awsSuffixes = [...][3]string{
	{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
	{"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
	{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
	{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
	{"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
	{"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
	{"", "amazonaws.com", "api.aws"},
}

// endpoint is the address of a service: the one that a person set ("Service-specific
// endpoints" of the AWS SDKs' guide), or the region's.
func (s *awsSettings) endpoint(service, id, region string) (string, error) {
	r := s.resolver
	if !isTrue(r.firstOf("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) && !isTrue(s.get(s.profile, "ignore_configured_endpoint_urls")) {
		variable := "AWS_ENDPOINT_URL_" + strings.ToUpper(id)
		text := r.firstOf(variable)
		if text == "" {
			variable, text = "AWS_ENDPOINT_URL", r.firstOf("AWS_ENDPOINT_URL")
		}
		if text == "" {
			variable, text = "endpoint_url", s.section("services " + s.get(s.profile, "services"))[id+".endpoint_url"]
		}
		if text == "" {
			text = s.get(s.profile, "endpoint_url")
		}
		if text != "" {
			u, err := address(variable, text)
			if err != nil {
				return "", err
			}
			u.Path = strings.TrimRight(u.Path, "/") + "/"
			return u.String(), nil
		}
	}
	flag := func(variable, key string) bool {
		if text := r.firstOf(variable); text != "" {
			return isTrue(text)
		}
		return isTrue(s.get(s.profile, key))
	}
	host, fips := service, flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
	if fips {
		host += "-fips"
	}
	for _, suffix := range awsSuffixes {
		if !strings.HasPrefix(region, suffix[0]) {
			continue
		}
		end := suffix[1]
		// There the plain hosts of Secrets Manager have IPv6, too: AWS's rules give no others.
		already := service == "secretsmanager" && (suffix[0] == "" || suffix[0] == "cn-" && !fips)
		if flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint") && !already {
			end = suffix[2]
		}
		return "https://" + host + "." + region + "." + end + "/", nil
	}
	return "", outside(keychain.KindBadReference, "the region is not known", "correct AWS_REGION")
}

func isTrue(text string) bool { return strings.EqualFold(text, "true") }

// parseINI reads the format of AWS's files: [section], name = value, and below a name
// without a value indented "name = value" lines, which get "outer.name". A blank and
// # or ; begin a comment. Its errors hold a line's number and none of its words.
func parseINI(data []byte) (map[string]iniValues, error) {
	sections := map[string]iniValues{}
	var current iniValues
	outer := ""
	number := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(string(data), "\ufeff"), "\n") {
		number++
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		if text[0] == '[' && !indented {
			inner, _, closed := strings.Cut(text[1:], "]")
			if !closed {
				return nil, errors.New("line " + strconv.Itoa(number) + ": a section is not closed")
			}
			name := sectionName(inner)
			if sections[name] == nil {
				sections[name] = iniValues{}
			}
			current, outer = sections[name], ""
			continue
		}
		name, value, isSetting := strings.Cut(text, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !isSetting && indented: // the value of the line before goes on; none that is read here has such
			continue
		case !isSetting || name == "":
			return nil, errors.New("line " + strconv.Itoa(number) + ": it is neither [section] nor name = value")
		case current == nil:
			return nil, errors.New("line " + strconv.Itoa(number) + ": it stands before the first [section]")
		}
		value = strings.TrimSpace(value)
		for _, comment := range []string{" #", " ;", "\t#", "\t;"} {
			value, _, _ = strings.Cut(value, comment)
		}
		value = strings.TrimSpace(value)
		switch {
		case indented && outer != "":
			current[outer+"."+name] = value
		default:
			outer = ""
			if value == "" {
				outer = name
			}
			current[name] = value
		}
	}
	return sections, nil
}

// sectionName writes the words of a section with one blank and no quotes.
func sectionName(text string) string {
	kind, name, two := strings.Cut(strings.TrimSpace(text), " ")
	if !two {
		kind, name, two = strings.Cut(strings.TrimSpace(text), "\t")
	}
	if !two {
		return strings.Trim(kind, `"'`)
	}
	return kind + " " + strings.Trim(strings.TrimSpace(name), `"'`)
}
