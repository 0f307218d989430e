package templates

import (
	"bytes"
	_ "embed" // the files
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
	"unicode"
)

//go:embed systemd.service
var systemdService string

//go:embed systemd.socket
var systemdSocket string

//go:embed launchd.plist
var launchdPlist string

// Systemd is what the units need.
type Systemd struct {
	Program string   // path of this program
	Home    string   // the state folder
	System  bool     // a service of the system, not of the user
	User    string   // of a service of the system: whose
	Writes  []string // folders outside the state folder that are written to
	Socket  bool     // systemd opens the port
	Listen  string   // of the socket: address:port

	Credentials []Credential // encrypted ones that systemd hands over
}

// Credential is an encrypted one: its name, and the file that systemd-creds wrote.
type Credential struct{ Name, Path string }

// Service returns the service's unit.
func (s Systemd) Service() ([]byte, error) {
	words := append([]string{s.Program, s.Home}, s.Writes...)
	if s.System {
		words = append(words, s.User)
	}
	paths := append([]string{s.Program, s.Home}, s.Writes...)
	for _, credential := range s.Credentials {
		paths, words = append(paths, credential.Path), append(words, credential.Name, credential.Path)
	}
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("write unit: %q is not an absolute path", path)
		}
	}
	return fill("unit", systemdService, s, words...)
}

// Port returns the socket's unit.
func (s Systemd) Port() ([]byte, error) { return fill("socket unit", systemdSocket, s, s.Listen) }

// Launchd is what the property list needs.
type Launchd struct {
	Program string // path of this program
	Home    string // the state folder
}

// Agent returns the property list of an agent of the user. Paths may hold spaces.
func (l Launchd) Agent() ([]byte, error) {
	escaped := Launchd{}
	for from, to := range map[string]*string{l.Program: &escaped.Program, l.Home: &escaped.Home} {
		if !strings.HasPrefix(from, "/") || strings.ContainsFunc(from, unicode.IsControl) {
			return nil, fmt.Errorf("write property list: %q is not a path that can stand in such a file", from)
		}
		var out bytes.Buffer
		if err := xml.EscapeText(&out, []byte(from)); err != nil {
			return nil, fmt.Errorf("write property list: %w", err)
		}
		*to = out.String()
	}
	parsed, err := template.New("launchd").Option("missingkey=error").Parse(launchdPlist)
	if err != nil {
		return nil, fmt.Errorf("read template launchd: %w", err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, escaped); err != nil {
		return nil, fmt.Errorf("fill in template launchd: %w", err)
	}
	return out.Bytes(), nil
}
