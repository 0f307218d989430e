package view

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	At     time.Time // zero: the line does not say
	Time   string
	Type   string
	Who    string
	Result string
	What   string
	Raw    string
}

// LoadAudit takes lines of the audit log, oldest first, as they are in the
// file.
func (d *Data) LoadAudit(lines []json.RawMessage) {
	d.auditLoads++
	d.Audit = d.Audit[:0]
	for _, raw := range slices.Backward(lines) {
		d.Audit = append(d.Audit, d.auditEntry(raw))
	}
}

// auditEntry reads one line. One that does not decode still shows as it is.
func (d *Data) auditEntry(raw json.RawMessage) AuditEntry {
	var e struct {
		Time      string `json:"timestamp"`
		Type      string `json:"event_type"`
		User      string `json:"user"`
		Result    string `json:"result"`
		Action    string `json:"action"`
		Path      string `json:"path"`
		Target    string `json:"target"`
		Reason    string `json:"reason"`
		IP        string `json:"ip"`
		Operation string `json:"operation"`
	}
	_ = json.Unmarshal(raw, &e)
	stamp, at := e.Time, time.Time{}
	if t, err := time.Parse(time.RFC3339, e.Time); err == nil {
		stamp, at = d.Local(t).Format(time.DateTime), t
	}
	what := strings.Join(strings.Fields(strings.Join([]string{e.Action, e.Operation, e.Path, e.Target, e.IP, e.Reason}, " ")), " ")
	return Clean(AuditEntry{at, stamp, e.Type, e.User, e.Result, what, string(raw)})
}

// Sentence is an entry as it is read out; one that says nothing of itself is its line.
func (e *AuditEntry) Sentence() string {
	if e.Type == "" {
		return e.Raw
	}
	if e.Time == "" {
		return e.says()
	}
	return e.Time + ", " + e.says()
}

// says is a sentence without its time.
func (e *AuditEntry) says() string {
	if e.Type == "" {
		return e.Raw
	}
	said := slices.DeleteFunc([]string{e.Type, e.Who, e.Result}, func(word string) bool { return word == "" })
	return strings.Join(said, ", ") + ". " + e.What
}
