package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"openclaw/gateway/audit"
	"openclaw/keychain"
	"openclaw/keychain/backend"
)

// auditAnchor remembers the newest vault file in the audit log, whose lines are
// chained. It holds one mark: that of the vault that was used last.
type auditAnchor struct {
	path   string
	record func(context.Context, audit.Entry) error // nil: it is only read
}

var errMark = errors.New("the audit log's newest " + audit.VaultGeneration + " is not as openclaw writes it")

// vaultAnchor is the audit log of a house: a gateway writes to it, a client reads it
// only. A config that does not load tells of no other place than the usual one.
func (t *terminal) vaultAnchor(h *house) auditAnchor {
	if h.audit != nil {
		return auditAnchor{path: h.audit.Path(), record: h.audit.Record}
	}
	if snapshot, err := t.loadConfig(); err == nil {
		return auditAnchor{path: auditPath(h.layout, snapshot.Config)}
	}
	return auditAnchor{path: h.layout.AuditLog()}
}

func (a auditAnchor) Newest(ctx context.Context, _ string) (backend.Noted, bool, error) {
	lines, _, err := audit.Search(ctx, a.path, audit.Query{Event: audit.VaultGeneration, Limit: 1, Reverse: true})
	if err != nil || len(lines) == 0 {
		return backend.Noted{}, false, err
	}
	var line struct {
		Timestamp time.Time `json:"timestamp"`
		Target    string    `json:"target"`
		Details   struct {
			Generation  uint64    `json:"generation"`
			Fingerprint string    `json:"fingerprint"`
			Written     time.Time `json:"written"`
		} `json:"details"`
	}
	if err := json.Unmarshal(lines[0], &line); err != nil {
		return backend.Noted{}, false, fmt.Errorf("%w: %w", errMark, err)
	}
	d := line.Details
	if line.Target == "" || d.Generation == 0 || d.Fingerprint == "" {
		return backend.Noted{}, false, errMark
	}
	mark := keychain.VaultMark{ID: line.Target, Generation: d.Generation, Fingerprint: d.Fingerprint, Written: d.Written}
	return backend.Noted{VaultMark: mark, At: line.Timestamp}, true, nil
}

// Note reads back what it wrote: a redaction pattern of the config that matches a
// mark would make the next start refuse the vault.
func (a auditAnchor) Note(ctx context.Context, mark keychain.VaultMark) error {
	if a.record == nil {
		return nil
	}
	err := a.record(ctx, audit.Entry{
		Event: audit.VaultGeneration, User: "gateway", Action: "write", Target: mark.ID, Result: audit.Success,
		Details: map[string]any{"generation": mark.Generation, "fingerprint": mark.Fingerprint, "written": mark.Written.UTC().Format(time.RFC3339)},
	})
	if err != nil {
		return err
	}
	noted, _, err := a.Newest(ctx, mark.ID)
	if err == nil && noted.VaultMark != mark {
		err = errors.New("what was recorded is not what is read back: does one of logging.redact_patterns match 32 hexadecimal digits?")
	}
	return err
}
