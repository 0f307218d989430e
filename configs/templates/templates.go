// Package templates holds the files that `openclaw integrate` writes for other
// programs, and fills them in.
//
// It promises that what it is given ends up as one word of the file or not at
// all: a value that could end its line, its quotes or its directive is an
// error. It opens nothing and knows nothing of the config's own structure.
package templates

import (
	"bytes"
	_ "embed" // the files
	"fmt"
	"strings"
	"text/template"
)

//go:embed nginx.conf
var nginx string

//go:embed fail2ban-filter.conf
var fail2banFilter string

//go:embed fail2ban-jail.conf
var fail2banJail string

// Nginx is what the nginx site needs.
type Nginx struct {
	ServerName  string // one name
	Listen      string // port, or address:port
	Gateway     string // host:port
	Certificate string // path
	Key         string // path
	MaxBody     int    // MiB of one request
}

// Site returns nginx's configuration of a gateway.
func (n Nginx) Site() ([]byte, error) {
	return fill("nginx", nginx, n, n.ServerName, n.Listen, n.Gateway, n.Certificate, n.Key)
}

// Fail2ban is what the filter and the jail need.
type Fail2ban struct {
	Ports   string   // as fail2ban writes them: "18789" or "443,18789"
	Log     string   // path of the gateway's log
	BanTime int      // seconds
	Trusted []string // proxies, which must never be banned
}

// Filter returns the filter, which depends on nothing.
func (Fail2ban) Filter() []byte { return []byte(fail2banFilter) }

// Jail returns the jail.
func (f Fail2ban) Jail() ([]byte, error) {
	if strings.Contains(f.Log, " ") {
		return nil, fmt.Errorf("write jail: fail2ban cannot read a log whose path has a space: %s", f.Log)
	}
	return fill("jail", fail2banJail, f, append([]string{f.Ports, f.Log}, f.Trusted...)...)
}

func fill(name, text string, data any, words ...string) ([]byte, error) {
	for _, word := range words {
		if word == "" || strings.ContainsAny(word, "\n\r\t ;{}\"'\\$#%") {
			return nil, fmt.Errorf("write %s: %q cannot stand in such a file", name, word)
		}
	}
	parsed, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("fill in template %s: %w", name, err)
	}
	return out.Bytes(), nil
}
