package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"openclaw/gateway/store"
)

func fresh(t *testing.T) (*store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "conversations.db")
	return open(t, path), path
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s := store.New(store.Options{Path: path})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func say(t *testing.T, s *store.Store, key, run, text string) (store.Session, store.Message) {
	t.Helper()
	session, kept, known, err := s.Accept(t.Context(), key, "coder", words(run, "user", text))
	if err != nil || known {
		t.Fatal(known, err)
	}
	return session, kept
}

func words(run, role, text string) store.Message {
	content, _ := json.Marshal([]map[string]string{{"type": "text", "text": text}}) // strings always encode
	return store.Message{Run: run, Role: role, Content: content}
}

func kindOf(err error) store.Kind {
	if failure, is := errors.AsType[*store.Error](err); is {
		return failure.Kind
	}
	return ""
}

// A gateway without a chat has no file, whatever is asked of it.
func TestNothingIsMadeBeforeSomethingIsKept(t *testing.T) {
	s, path := fresh(t)
	_, known, err := s.Session(t.Context(), "agent:coder:main")
	_, total, err2 := s.Sessions(t.Context(), store.Query{})
	messages, _, err3 := s.Messages(t.Context(), "agent:coder:main", 10, 0)
	deleted, err4 := s.Delete(t.Context(), "agent:coder:main", "")
	if err := errors.Join(err, err2, err3, err4, s.Close()); err != nil || known || total != 0 || len(messages) != 0 || deleted {
		t.Fatal(known, total, messages, deleted, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 0 {
		t.Fatal(entries, err)
	}
}

func TestConversationOutlivesTheStore(t *testing.T) {
	s, path := fresh(t)
	session, first := say(t, s, "agent:coder:main", "r1", "hello")
	label, status := "work", "done"
	_, kept, err := s.Append(t.Context(), session.Key, session.ID, store.Change{Label: &label, Status: &status}, words("r1", "assistant", "good day"))
	if err != nil || first.Number != 1 || kept[0].Number != 2 {
		t.Fatal(first, kept, err)
	}
	say(t, s, "agent:coder:other", "r2", "elsewhere")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if info, err := os.Stat(name); err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	s = open(t, path)
	again, known, err := s.Session(t.Context(), "agent:coder:main")
	if err != nil || !known || again.ID != session.ID || again.Label != "work" || again.Status != "done" || again.Messages != 2 {
		t.Fatalf("%+v %v", again, err)
	}
	messages, total, err := s.Messages(t.Context(), again.Key, 1, 0)
	if err != nil || total != 2 || len(messages) != 1 || !strings.Contains(string(messages[0].Content), "good day") {
		t.Fatal(messages, total, err)
	}
	if older, _, err := s.Messages(t.Context(), again.Key, 10, 1); err != nil || len(older) != 1 || older[0].Number != 1 {
		t.Fatal(older, err)
	}
	list, total, err := s.Sessions(t.Context(), store.Query{Agent: "coder", Search: "OTHER"})
	if err != nil || total != 1 || list[0].Key != "agent:coder:other" {
		t.Fatal(list, total, err)
	}
	// A run is kept once, also after a restart.
	if _, _, known, err := s.Accept(t.Context(), again.Key, "coder", words("r1", "user", "hello")); err != nil || !known {
		t.Fatal(known, err)
	}
	// A write to a session that was reset meanwhile finds none.
	next, err := s.Reset(t.Context(), again.Key, "coder")
	if err != nil || next.ID == again.ID || next.Messages != 0 || next.Label != "work" {
		t.Fatalf("%+v %v", next, err)
	}
	if _, _, err := s.Append(t.Context(), again.Key, again.ID, store.Change{}, words("r9", "assistant", "late")); kindOf(err) != store.KindNotFound {
		t.Fatal(err)
	}
	if _, total, err := s.Messages(t.Context(), again.Key, 10, 0); err != nil || total != 0 {
		t.Fatal(total, err)
	}
	if deleted, err := s.Delete(t.Context(), again.Key, "another id"); err != nil || deleted {
		t.Fatal(deleted, err)
	}
	if deleted, err := s.Delete(t.Context(), again.Key, ""); err != nil || !deleted {
		t.Fatal(deleted, err)
	}
}

// Many writers at once: every message has its number, none is lost or doubled,
// and the one that fails takes no other with it.
func TestWritersTogetherLoseNothing(t *testing.T) {
	s, _ := fresh(t)
	session, _ := say(t, s, "agent:coder:main", "r0", "begin")
	const writers, each = 16, 20
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				_, kept, err := s.Append(context.Background(), session.Key, session.ID, store.Change{}, words(fmt.Sprintf("w%d", w), "assistant", fmt.Sprint(i)))
				if err != nil || len(kept) != 1 {
					t.Error(kept, err)
				}
				if _, _, err := s.Append(context.Background(), session.Key, "not this id", store.Change{}, words("bad", "assistant", "x")); kindOf(err) != store.KindNotFound {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	messages, total, err := s.Messages(t.Context(), session.Key, -1, 0)
	if err != nil || total != writers*each+1 {
		t.Fatal(total, err)
	}
	next := map[string]int{}
	for i, m := range messages {
		if m.Number != int64(i+1) {
			t.Fatalf("message %d has number %d", i+1, m.Number)
		}
		if m.Role == "user" {
			continue
		}
		if want := fmt.Sprintf(`"%d"`, next[m.Run]); !strings.Contains(string(m.Content), want) {
			t.Fatalf("%s: %s where %s comes next", m.Run, m.Content, want)
		}
		next[m.Run]++
	}
}

// A file that is not ours, is of a newer version, or is damaged is refused with
// its cure and stays as it is, byte for byte.
func TestWhatCannotBeReadIsLeftAlone(t *testing.T) {
	made := func(t *testing.T, path string) {
		t.Helper()
		s := open(t, path)
		say(t, s, "agent:coder:main", "r", strings.Repeat("words ", 10_000))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	execute := func(t *testing.T, path, statement string) {
		t.Helper()
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		name string
		make func(t *testing.T, path string)
		kind store.Kind
		hint string
	}{
		{"garbage", func(t *testing.T, path string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(strings.Repeat("this is a letter to my aunt\n", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, store.KindDamaged, "restore it from a backup"},
		{"pages overwritten", func(t *testing.T, path string) {
			t.Helper()
			made(t, path)
			text, err := os.ReadFile(path)
			if err != nil || len(text) < 5*4096 {
				t.Fatal(len(text), err)
			}
			for i := 4096; i < len(text); i++ {
				text[i] = 0xa5
			}
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}, store.KindDamaged, "restore it from a backup"},
		{"one page in the middle overwritten", func(t *testing.T, path string) {
			t.Helper()
			s := open(t, path)
			for i := range 200 {
				say(t, s, "agent:coder:main", fmt.Sprint("run ", i), strings.Repeat("words ", 300))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 4096), 50*4096); err != nil {
				t.Fatal(err)
			}
		}, store.KindDamaged, "restore it from a backup"},
		{"cut off", func(t *testing.T, path string) {
			t.Helper()
			made(t, path)
			if err := os.Truncate(path, 3*4096+17); err != nil {
				t.Fatal(err)
			}
		}, store.KindDamaged, "restore it from a backup"},
		{"a newer version", func(t *testing.T, path string) {
			t.Helper()
			made(t, path)
			execute(t, path, "PRAGMA user_version = 999")
		}, store.KindNewer, "use the newer openclaw"},
		{"another program's", func(t *testing.T, path string) {
			t.Helper()
			execute(t, path, "CREATE TABLE recipes (cake TEXT)")
		}, store.KindForeign, "move it away"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "conversations.db")
			row.make(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := open(t, path)
			for range 2 { // it is refused again as long as it is so
				_, _, _, err = s.Accept(t.Context(), "agent:coder:main", "coder", words("r2", "user", "more"))
				failure, is := errors.AsType[*store.Error](err)
				if !is || failure.Kind != row.kind || !strings.Contains(failure.Hint, row.hint) || !strings.Contains(failure.Error(), "conversations.db") {
					t.Fatalf("%v", err)
				}
			}
			if _, _, err := s.Session(t.Context(), "agent:coder:main"); kindOf(err) != row.kind {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Fatalf("the file was changed: %d bytes, %d before, %v", len(after), len(before), err)
			}
		})
	}
}

// What is found in the file's place is not followed or shared.
func TestPlaceThatIsNotAPlainFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, place := range map[string]func(path string) error{
		"link":      func(path string) error { return os.Symlink(other, path) },
		"hard link": func(path string) error { return os.Link(other, path) },
		"folder":    func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		path := filepath.Join(dir, name, "conversations.db")
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), place(path)); err != nil {
			t.Fatal(err)
		}
		s := open(t, path)
		if _, err := s.Open(t.Context(), "agent:coder:main", "coder", ""); err == nil || kindOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := os.ReadFile(other); err != nil || len(text) != 0 {
		t.Fatal(len(text), err)
	}
	// One that others could read is closed to them.
	path := filepath.Join(dir, "conversations.db")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	say(t, open(t, path), "agent:coder:main", "r", "x")
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatal(name, info.Mode(), err)
		}
	}
}

func TestClosedStoreSaysSo(t *testing.T) {
	s, _ := fresh(t)
	say(t, s, "agent:coder:main", "r", "x")
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), "agent:coder:main", "coder", ""); kindOf(err) != store.KindClosed {
		t.Fatal(err)
	}
}

// What is read of a session takes no more memory than it may, and is never
// nothing where there is something.
func TestNewestMessagesFitTheirRoom(t *testing.T) {
	s, _ := fresh(t)
	for i, text := range []string{"first", strings.Repeat("x", 4000), "third", "fourth"} {
		say(t, s, "agent:coder:main", fmt.Sprint("r", i), text)
	}
	for _, c := range []struct {
		offset int
		bytes  int64
		want   []int64
	}{
		{0, 1 << 20, []int64{1, 2, 3, 4}},
		{0, 1000, []int64{3, 4}},
		{2, 1000, []int64{2}},
		{0, 0, []int64{4}},
	} {
		messages, total, err := s.Newest(t.Context(), "agent:coder:main", -1, c.offset, c.bytes)
		var got []int64
		for _, m := range messages {
			got = append(got, m.Number)
		}
		if err != nil || total != 4 || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v of %d, %v", c, got, total, err)
		}
	}
}
