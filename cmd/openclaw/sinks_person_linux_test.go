package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"openclaw/gateway/client"
	"openclaw/gateway/wire"
)

// keyCanary is a secret that only the gateway knows, and that a provider takes for a key.
const keyCanary = "meadow-lantern-5529-copper-violin"

// repeating is a provider that says the key it was called with: cut over the events of a
// stream and whole in one, or, asked to refuse, in a header and in an error.
func repeating(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("X-Api-Key")
		asked, err := io.ReadAll(r.Body)
		if err != nil || key != keyCanary && key != shapedCanary { // the second is a new one, which is tried
			t.Errorf("the provider was called with another key: %v", err)
		}
		if r.URL.Path == "/v1/models" {
			fmt.Fprintf(w, `{"data":[{"id":%q}]}`, key)
			return
		}
		if strings.Contains(string(asked), "refuse me") {
			w.Header().Set("X-Key-Was", key)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"type":"error","error":{"type":"authentication_error","message":"no such key: %s, nor %s"}}`, key, shapedCanary)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		say := func(kind, rest string) {
			fmt.Fprintf(w, "event: %s\ndata: {\"type\":%q%s}\n\n", kind, kind, rest)
			_ = http.NewResponseController(w).Flush()
		}
		say("message_start", `,"message":{"id":"m","type":"message","role":"assistant","model":"claude-x","content":[],"usage":{"input_tokens":7,"output_tokens":1}}`)
		say("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`)
		for _, part := range []string{"the key is ", key[:5], key[5:14], key[14:], ", yes: ", key, " it is"} {
			say("content_block_delta", fmt.Sprintf(`,"index":0,"delta":{"type":"text_delta","text":%q}`, part))
		}
		say("content_block_stop", `,"index":0`)
		say("message_delta", `,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}`)
		say("message_stop", "")
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// conversations has a model say its own key, in an answer and in an error, and looks at all
// frames of both, and at what is told of them later. That it lies in no file is looked at
// with all other files.
func (p *person) conversations(saw *sighting, agent string) {
	p.t.Helper()
	c, err := client.Dial(p.t.Context(), client.Options{Socket: filepath.Join(p.home, ".openclaw", "run", "gateway.sock"), Name: "cli", Version: version})
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	call := func(method string, params any) string {
		p.t.Helper()
		ctx, cancel := context.WithTimeout(p.t.Context(), patience)
		defer cancel()
		var answer json.RawMessage
		if err := c.Call(ctx, method, params, &answer); err != nil {
			p.t.Fatalf("%s: %v", method, err)
		}
		saw.look("a conversation: "+method, string(answer))
		return string(answer)
	}
	key := "agent:" + agent + ":main"
	call("sessions.subscribe", nil)
	call("sessions.messages.subscribe", map[string]any{"key": key})
	// The answer first: the provider sees all that was said before, and refuses for a word of it.
	for _, turn := range [][2]string{{"run-answered", "hello"}, {"run-refused", "refuse me"}} {
		run, said := turn[0], turn[1]
		call("chat.send", wire.ChatSend{SessionKey: key, Message: said, IdempotencyKey: run})
		late := time.After(patience)
		for ended := false; !ended; {
			select {
			case pushed, open := <-c.Events():
				if !open {
					p.t.Fatal("the gateway ended")
				}
				saw.look("a conversation: the event "+pushed.Event, string(pushed.Payload))
				var e wire.ChatEvent
				ended = pushed.Event == wire.EventChat && json.Unmarshal(pushed.Payload, &e) == nil && e.RunID == run && (e.State == "final" || e.State == "error")
			case <-late:
				p.t.Fatalf("%s did not end", run)
			}
		}
	}
	if kept := call("chat.history", map[string]any{"sessionKey": key}); !strings.Contains(kept, "the key is •") || !strings.Contains(kept, "yes: ••••") {
		p.t.Errorf("what a model said of its key is not kept: %s", kept)
	}
	for _, method := range []string{"sessions.list", "sessions.get", "sessions.describe", "sessions.preview"} {
		call(method, map[string]any{"key": key, "keys": []string{key}})
	}
}

// desk is a desktop that keeps what it is told to show.
type desk struct {
	mu   sync.Mutex
	told []string
}

// Notify is of the Desktop Notifications Specification.
func (d *desk) Notify(app string, _ uint32, icon, title, body string, actions []string, hints map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, fmt.Sprint(app, icon, title, body, actions, hints))
	return 1, nil
}

// CloseNotification is of that specification, too.
func (d *desk) CloseNotification(uint32) *dbus.Error { return nil }

func (d *desk) shown() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.told)
}

// desktop gives the person a session bus with a desk on it.
func (p *person) desktop() *desk {
	p.t.Helper()
	p.bus()
	bus, err := dbus.Connect("unix:path=" + filepath.Join(p.home, "runtime", "bus"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = bus.Close() })
	d := &desk{}
	const service = "org.freedesktop.Notifications"
	if err := bus.Export(d, "/org/freedesktop/Notifications", service); err != nil {
		p.t.Fatal(err)
	}
	if reply, err := bus.RequestName(service, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		p.t.Fatal(reply, err)
	}
	return d
}

var (
	clipped = regexp.MustCompile(`\x1b\]52;c;([A-Za-z0-9+/=]*)(?:\a|\x1b\\)`)
	titled  = regexp.MustCompile(`\x1b\][012];[^\a\x1b]*`)
)

// screens goes through every view with what each shows of its rows, copies each row, and
// exports what can be. What the terminal is told is recorded: the words, the clipboard, its
// title. A held request makes the desktop show something.
func (p *person) screens(saw *sighting) {
	p.t.Helper()
	shown := *p
	desk := shown.desktop()
	screen := shown.open("canary", 200, 60, "tui")
	record := filepath.Join(p.home, "record")
	if text, err := p.windows.client(p.t.Context(), "pipe-pane", "-t", "canary", "cat >> '"+record+"'").CombinedOutput(); err != nil {
		p.t.Fatalf("%v %s", err, text)
	}
	screen.shows("agents ")
	still := func() string {
		before := ""
		p.eventually("a screen that stands still", func() bool {
			now := screen.text()
			same := now == before
			before = now
			return same
		})
		return before
	}
	copies := func() [][]string { return clipped.FindAllStringSubmatch(contents(p.t, record), -1) }
	const enough = 5                                                             // connections, denials, agents, log, audit: y and Y at once copy once
	for round := 0; round == 0 || round < 5 && len(copies()) < enough; round++ { // rows may come after the key
		for range 12 { // more than there are views
			for _, key := range []string{"", "Enter", "Escape", "y", "Y", "C-s"} {
				if key != "" {
					screen.keys(key)
				}
				saw.look("the screen", still())
				// An escape that comes together with the next key is another key: what is
				// typed would go to the agent that is spoken to, in every round.
				p.eventually("a screen that takes keys", func() bool {
					typing := key == "Escape" && strings.Contains(still(), "typing: ")
					if typing {
						screen.keys(key)
					}
					return !typing
				})
			}
			screen.keys("]")
		}
	}
	// A question to the person, while the screen stands.
	before := len(desk.shown())
	_ = p.openclaw("agent", "run", "asker", "--", "sh", "-c", `cat ~/projects/"`+knownCanary+`" ~/projects/`+shapedCanary, "--token", shapedCanary)
	p.eventually("a notification", func() bool { return len(desk.shown()) > before })
	for _, told := range desk.shown() {
		saw.look("the desktop", told)
	}
	saw.look("the screen", still())

	recorded := contents(p.t, record)
	saw.look("the screen: all that it wrote", recorded)
	for _, copied := range copies() {
		text, err := base64.StdEncoding.DecodeString(copied[1])
		if err != nil || len(text) == 0 {
			p.t.Errorf("the clipboard got %q: %v", copied[1], err)
		}
		saw.look("the clipboard", string(text))
	}
	if n := len(copies()); n < enough {
		p.t.Errorf("only %d rows were copied", n)
	}
	for _, title := range titled.FindAllString(recorded, -1) {
		saw.look("the window's title", title)
	}
	exported, err := filepath.Glob(filepath.Join(p.home, "openclaw-*.txt"))
	if err != nil || len(exported) == 0 {
		p.t.Errorf("nothing was exported: %v", err)
	}
	for _, name := range exported {
		saw.look("the exported lines", name+contents(p.t, name))
	}
}

// integrations writes the files for other programs, as the live config fills them in.
func (p *person) integrations(saw *sighting) {
	p.t.Helper()
	folder := filepath.Join(p.home, "integrations")
	for name, args := range map[string][]string{"nginx": {"--server-name", "gateway.example"}, "fail2ban": nil, "systemd": nil, "launchd": nil} {
		p.says(append([]string{"integrate", name, "--output", filepath.Join(folder, name)}, args...)...)
	}
	files := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files++
			saw.look("the files of integrate", path+contents(p.t, path))
		}
		return err
	})
	if err != nil || files < 5 {
		p.t.Errorf("%d files: %v", files, err)
	}
	_ = os.RemoveAll(folder)
}

// unpacked is all that is in an archive, which is its owner's alone.
func unpacked(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for files := tar.NewReader(packed); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n%s\n", header.Name, text)
	}
}

// noCanaryOnTheDisk looks through the state folder. The config is the person's own, and
// so are its earlier files.
func (p *person) noCanaryOnTheDisk(saw *sighting) {
	p.t.Helper()
	root := filepath.Join(p.home, ".openclaw")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != root {
			return nil // it went meanwhile
		}
		if err != nil || !entry.Type().IsRegular() || path == p.configFile() {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if earlier, _ := filepath.Match("state/config/*.yaml", relative); earlier {
			return nil
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary one of a command that ends
		}
		saw.look("the file: "+relative, relative+string(text))
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(p.home, ".*.tar.gz*")); slices.ContainsFunc(left, func(string) bool { return true }) { // the pattern is ours
		p.t.Errorf("left behind: %q", left)
	}
}
