package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Session is one conversation.
type Session struct {
	Key          string // "agent:coder:main"
	ID           string // another one after a reset
	Agent        string
	Label        string
	Provider     string // of the newest run
	Model        string
	Created      time.Time
	Updated      time.Time
	InputTokens  int64 // of the newest answer, as its provider counted
	OutputTokens int64
	Status       string // of the newest run: "running", "done", "failed", "killed"
	LastRun      string
	LastError    string
	Messages     int64 // how many it ever had
}

// Message is one part of a conversation.
type Message struct {
	Number  int64 // from 1 in its session; given by the store
	Run     string
	Role    string // "user" or "assistant"
	Created time.Time
	Content json.RawMessage
	About   json.RawMessage // nil: {}
}

// Change is what a write says of the session besides its messages. Nil fields
// stay as they are.
type Change struct {
	Label                     *string
	Provider, Model           *string
	InputTokens, OutputTokens *int64
	Status                    *string
	LastRun, LastError        *string
}

const sessionColumns = "key, id, agent, label, provider, model, created, updated, input_tokens, output_tokens, status, last_run, last_error, messages"

func scanSession(row scanned) (s Session, err error) {
	var created, updated int64
	err = row.Scan(&s.Key, &s.ID, &s.Agent, &s.Label, &s.Provider, &s.Model, &created, &updated, &s.InputTokens, &s.OutputTokens, &s.Status, &s.LastRun, &s.LastError, &s.Messages)
	s.Created, s.Updated = time.UnixMilli(created), time.UnixMilli(updated)
	return s, err
}

func findSession(ctx context.Context, from interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, key string) (Session, error) {
	s, err := scanSession(from.QueryRowContext(ctx, "SELECT "+sessionColumns+" FROM session WHERE key = ?", key))
	if errors.Is(err, sql.ErrNoRows) {
		err = errNoSession
	}
	return s, err
}

// Open makes the session if it is not there, and gives it.
func (s *Store) Open(ctx context.Context, key, agent, label string) (session Session, err error) {
	err = s.put(ctx, func(tx *sql.Tx) error {
		session, err = s.ensure(tx, key, agent, label)
		return err
	})
	return session, err
}

func (s *Store) ensure(tx *sql.Tx, key, agent, label string) (Session, error) {
	ctx, now := context.Background(), s.now().UnixMilli()
	_, err := tx.ExecContext(ctx, "INSERT INTO session (key, id, agent, label, created, updated) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", key, uuid.NewString(), agent, label, now, now)
	if err != nil {
		return Session{}, err
	}
	return findSession(ctx, tx, key)
}

// Accept keeps what a person said, in a session that is made if it is not there.
// A run that the session knows already is not kept twice: known says so.
func (s *Store) Accept(ctx context.Context, key, agent string, m Message) (session Session, kept Message, known bool, err error) {
	err = s.put(ctx, func(tx *sql.Tx) error {
		var failed error
		if session, failed = s.ensure(tx, key, agent, ""); failed != nil {
			return failed
		}
		var n int
		if failed = tx.QueryRowContext(context.Background(), "SELECT count(*) FROM message WHERE session = ? AND run = ?", key, m.Run).Scan(&n); failed != nil {
			return failed
		}
		if known = n > 0; known {
			return nil
		}
		kept, failed = s.append(tx, &session, m)
		if failed == nil {
			failed = s.change(tx, &session, Change{LastRun: &m.Run})
		}
		return failed
	})
	return session, kept, known, err
}

// Append keeps messages of a run and what it changed. The session must still be
// the one with that id: KindNotFound says that it was deleted or reset.
func (s *Store) Append(ctx context.Context, key, id string, change Change, messages ...Message) (session Session, kept []Message, err error) {
	err = s.put(ctx, func(tx *sql.Tx) error {
		var failed error
		if session, failed = s.sameSession(tx, key, id); failed != nil {
			return failed
		}
		kept = kept[:0]
		for _, m := range messages {
			one, failed := s.append(tx, &session, m)
			if failed != nil {
				return failed
			}
			kept = append(kept, one)
		}
		return s.change(tx, &session, change)
	})
	return session, kept, err
}

func (s *Store) sameSession(tx *sql.Tx, key, id string) (Session, error) {
	session, err := findSession(context.Background(), tx, key)
	if err == nil && id != "" && session.ID != id {
		err = errNoSession
	}
	if errors.Is(err, errNoSession) {
		return session, &Error{Op: writeOp, Path: s.path, Kind: KindNotFound, Err: errNoSession, Hint: "it was deleted or reset meanwhile"}
	}
	return session, err
}

func (s *Store) append(tx *sql.Tx, session *Session, m Message) (Message, error) {
	session.Messages++
	m.Number = session.Messages
	if m.Created.IsZero() {
		m.Created = s.now()
	}
	if m.About == nil {
		m.About = json.RawMessage("{}")
	}
	_, err := tx.ExecContext(context.Background(), "INSERT INTO message (session, number, run, role, created, content, about) VALUES (?, ?, ?, ?, ?, ?, ?)",
		session.Key, m.Number, m.Run, m.Role, m.Created.UnixMilli(), string(m.Content), string(m.About))
	return m, err
}

func (s *Store) change(tx *sql.Tx, session *Session, c Change) error {
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&session.Label, c.Label)
	set(&session.Provider, c.Provider)
	set(&session.Model, c.Model)
	set(&session.Status, c.Status)
	set(&session.LastRun, c.LastRun)
	set(&session.LastError, c.LastError)
	if c.InputTokens != nil {
		session.InputTokens = *c.InputTokens
	}
	if c.OutputTokens != nil {
		session.OutputTokens = *c.OutputTokens
	}
	session.Updated = s.now()
	_, err := tx.ExecContext(context.Background(), `UPDATE session SET label = ?, provider = ?, model = ?, input_tokens = ?, output_tokens = ?,
		status = ?, last_run = ?, last_error = ?, messages = ?, updated = ? WHERE key = ?`,
		session.Label, session.Provider, session.Model, session.InputTokens, session.OutputTokens,
		session.Status, session.LastRun, session.LastError, session.Messages, session.Updated.UnixMilli(), session.Key)
	return err
}

// Reset empties a session and gives it a new id. One that is not there is made.
func (s *Store) Reset(ctx context.Context, key, agent string) (session Session, err error) {
	err = s.put(ctx, func(tx *sql.Tx) error {
		label := ""
		old, failed := findSession(context.Background(), tx, key)
		switch {
		case failed == nil:
			agent, label = old.Agent, old.Label
		case !errors.Is(failed, errNoSession):
			return failed
		}
		if _, failed := tx.ExecContext(context.Background(), "DELETE FROM session WHERE key = ?", key); failed != nil {
			return failed
		}
		session, failed = s.ensure(tx, key, agent, label)
		return failed
	})
	return session, err
}

// Delete takes a session and its messages away; false when it is not there. With
// an id, only that very session is.
func (s *Store) Delete(ctx context.Context, key, id string) (deleted bool, err error) {
	if _, known, err := s.Session(ctx, key); err != nil || !known {
		return false, err // and no file is made for it
	}
	err = s.put(ctx, func(tx *sql.Tx) error {
		result, failed := tx.ExecContext(context.Background(), "DELETE FROM session WHERE key = ? AND (? = '' OR id = ?)", key, id, id)
		if failed != nil {
			return failed
		}
		n, failed := result.RowsAffected()
		deleted = n > 0
		return failed
	})
	return deleted, err
}
