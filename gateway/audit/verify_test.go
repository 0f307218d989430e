package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"openclaw/gateway/audit"
)

func TestTamperingIsFound(t *testing.T) {
	for name, damage := range map[string]struct {
		do     func(list [][]byte) [][]byte
		status audit.Status
		line   int
	}{
		"a word changed": {func(l [][]byte) [][]byte {
			l[4] = bytes.Replace(l[4], []byte("denied"), []byte("success"), 1)
			return l
		}, audit.StatusEdited, 5},
		"a line removed":    {func(l [][]byte) [][]byte { return append(l[:4], l[5:]...) }, audit.StatusGap, 5},
		"lines swapped":     {func(l [][]byte) [][]byte { l[3], l[4] = l[4], l[3]; return l }, audit.StatusGap, 4},
		"a line repeated":   {func(l [][]byte) [][]byte { return append(l[:5], l[4:]...) }, audit.StatusGap, 6},
		"the start removed": {func(l [][]byte) [][]byte { return l[3:] }, audit.StatusGap, 1},
		"a line added":      {func(l [][]byte) [][]byte { return append(l, []byte(`{"event_type":"approval","seq":11}`)) }, audit.StatusEdited, 11},
		"the end torn":      {func(l [][]byte) [][]byte { return l }, audit.StatusTorn, 11},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			r := open(t, audit.Options{Path: path})
			for i := range 10 {
				_ = r.Record(t.Context(), audit.Entry{Event: audit.Authorization, Target: fmt.Sprint(i), Result: audit.Denied})
			}
			_ = r.Close()
			text := append(bytes.Join(damage.do(lines(t, path)), []byte("\n")), '\n')
			if damage.status == audit.StatusTorn {
				text = append(text, "{"...)
			}
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := wantStatus(t, path, damage.status); got.Line != damage.line || got.Detail == "" {
				t.Errorf("found at line %d (%s), want %d", got.Line, got.Detail, damage.line)
			}
		})
	}
}
