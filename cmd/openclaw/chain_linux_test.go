package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// A gateway finds, while it writes, the line of its audit log that somebody changed.
func TestAGatewayFindsAChangedLineOfItsAuditLog(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("agents: {one: {}}\n")
	p.gateway()
	p.configure("agents: {one: {}, two: {}}\n")
	path := filepath.Join(p.home, ".openclaw", "logs", "audit.log")
	look := func() (found event.AuditChain) {
		t.Helper()
		p.ask(wire.MethodAuditVerify, nil, &found)
		return found
	}
	var whole event.AuditChain
	p.eventually("three records", func() bool { whole = look(); return whole.Records >= 3 })
	if whole.Status != event.ChainWhole || whole.Path != path || whole.Line != 0 || whole.At.IsZero() {
		t.Errorf("a log that nobody touched: %+v", whole)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second := bytes.IndexByte(text, '\n') + 1
	at := second + bytes.Index(text[second:], []byte(`"timestamp":"2`)) + len(`"timestamp":"`)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte("1"), int64(at)); err != nil {
		t.Fatal(err)
	}
	var broken event.AuditChain
	p.eventually("the changed line", func() bool { broken = look(); return broken.Status != event.ChainWhole })
	if broken.Status != event.ChainEdited || broken.Line != 2 || broken.Detail == "" {
		t.Errorf("line 2 was changed: %+v", broken)
	}
}
