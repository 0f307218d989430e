package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/gateway/certs"
)

// checkedCertificate is one row of `cert check`.
type checkedCertificate struct {
	certs.Expiry
	Problem string `json:"problem,omitempty"` // why the file cannot be used
	Hint    string `json:"hint,omitempty"`
}

// bad reports whether it does not work, or not for a week any more.
func (c checkedCertificate) bad() bool {
	return c.Problem != "" || c.State != certs.StateGood && c.State != certs.StateSoon
}

func certCheckCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check", Short: "Say when certificates, revocation lists and OCSP responses end, and whether they can be used", Args: exactly(0),
		Long: "Look at every certificate, revocation list and OCSP response that the config names and that the state folder holds.\n" +
			"The exit status is 1 when one has expired, ends within 7 days, or cannot be used.",
		Example: "  openclaw cert check\n  openclaw cert check --json",
		RunE: func(*cobra.Command, []string) error {
			layout, err := t.layout()
			if err != nil {
				return err
			}
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			rows := checkCertificates(layout, snapshot.Config, time.Now())
			bad := 0
			for _, row := range rows {
				if row.bad() {
					bad++
				}
			}
			if asJSON {
				if err := t.json(rows); err != nil {
					return err
				}
			} else {
				t.showCertificates(rows)
			}
			if bad > 0 {
				return &failure{err: fmt.Errorf("%d of %d have expired, end within 7 days, or cannot be used", bad, len(rows)), hint: "openclaw cert issue …, or renew it where it was issued"}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (t *terminal) showCertificates(rows []checkedCertificate) {
	if len(rows) == 0 {
		t.print("no certificates: gateway.tls is off and the state folder holds none")
		return
	}
	cells := make([][]string, 0, len(rows))
	for _, row := range rows {
		if row.Problem != "" {
			cells = append(cells, []string{row.What, "-", "-", "-", "cannot be used: " + row.Problem})
			continue
		}
		cells = append(cells, []string{row.What, row.Subject, day(row.Until), strconv.Itoa(row.Days), row.State})
	}
	t.table("WHAT\tOF\tENDS\tDAYS\tSTATE", cells)
	for _, row := range rows {
		if row.Hint != "" {
			t.print("  %s: %s", printable(row.Path), printable(row.Hint))
		}
	}
}

// checkCertificates lists what the config names, and what the state folder holds
// beside it.
func checkCertificates(layout configs.Layout, config *configs.Config, now time.Time) []checkedCertificate {
	rows := []checkedCertificate{}
	seen := map[string]bool{}
	add := func(what, path string, found []certs.Expiry, err error) {
		seen[path] = true
		if err != nil {
			row := checkedCertificate{Expiry: certs.Expiry{What: what, Path: path}, Problem: err.Error()}
			if own, is := errors.AsType[*certs.Error](err); is {
				row.Hint = own.Hint
			}
			rows = append(rows, row)
			return
		}
		for _, one := range found {
			rows = append(rows, checkedCertificate{Expiry: one})
		}
	}
	pair := func(what, certFile, keyFile string) {
		found, err := certs.ReadExpiries(what, certFile, now)
		if err == nil {
			err = certs.CheckPair(certFile, keyFile)
		}
		add(what, certFile, found, err)
	}
	plain := func(what, path string) {
		if path == "" || seen[path] {
			return
		}
		found, err := certs.ReadExpiries(what, path, now)
		add(what, path, found, err)
	}
	list := func(path string) {
		if path == "" || seen[path] {
			return
		}
		found, err := certs.ReadListExpiries(path, now)
		add("revocation list", path, found, err)
	}
	responses := func(path string) {
		if path == "" || seen[path] {
			return
		}
		found, err := certs.ReadResponseExpiries(path, now)
		add("OCSP response", path, found, err)
	}
	files, server, client := certFiles{layout}, config.Gateway.TLS, config.Client.TLS
	if server.Enabled || exists(server.CertFile) {
		pair("gateway certificate", server.CertFile, server.KeyFile)
	}
	if server.Enabled {
		plain("client authority", server.CAFile)
		list(server.CRLFile)
		responses(server.OCSPFile)
	}
	if client.CertFile != "" {
		pair("own client certificate", client.CertFile, client.KeyFile)
	}
	plain("gateway's authority", client.CAFile)
	if exists(files.authority()) {
		plain("authority", files.authority())
	}
	if exists(files.list()) {
		list(files.list())
	}
	issued, err := filepath.Glob(filepath.Join(files.clients(), "*.crt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return rows
	}
	for _, path := range issued {
		plain("client certificate", path)
	}
	return rows
}
