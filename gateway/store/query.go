package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
)

// Query chooses sessions. Zero fields choose all.
type Query struct {
	Agent  string
	Label  string
	Search string    // part of the key or of the label, in any case of letters
	ID     string    //
	Since  time.Time // changed since
	Limit  int       // 0: 100
	Offset int
}

// read runs look with the database, if there is one.
func (s *Store) read(ctx context.Context, look func(*sql.DB) error) error {
	db, done, err := s.use(ctx, false)
	if err != nil || db == nil {
		return err
	}
	defer done()
	return s.failure(readOp, look(db.read))
}

// Session gives one session; known is false where it is not.
func (s *Store) Session(ctx context.Context, key string) (session Session, known bool, err error) {
	err = s.read(ctx, func(db *sql.DB) error {
		var failed error
		session, failed = findSession(ctx, db, key)
		if errors.Is(failed, errNoSession) {
			return nil
		}
		known = failed == nil
		return failed
	})
	return session, known, err
}

// Sessions gives those that match, the newest first, and how many match in all.
func (s *Store) Sessions(ctx context.Context, q Query) (sessions []Session, total int, err error) {
	var where []string
	var values []any
	only := func(condition string, value ...any) {
		where, values = append(where, condition), append(values, value...)
	}
	if q.Agent != "" {
		only("agent = ?", q.Agent)
	}
	if q.Label != "" {
		only("label = ?", q.Label)
	}
	if q.ID != "" {
		only("id = ?", q.ID)
	}
	if q.Search != "" {
		only("(instr(lower(key), lower(?)) > 0 OR instr(lower(label), lower(?)) > 0)", q.Search, q.Search)
	}
	if !q.Since.IsZero() {
		only("updated >= ?", q.Since.UnixMilli())
	}
	condition := ""
	if len(where) > 0 {
		condition = " WHERE " + strings.Join(where, " AND ")
	}
	if q.Limit <= 0 {
		q.Limit = 100
	}
	err = s.read(ctx, func(db *sql.DB) error {
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM session"+condition, values...).Scan(&total); err != nil {
			return err
		}
		rows, err := db.QueryContext(ctx, "SELECT "+sessionColumns+" FROM session"+condition+" ORDER BY updated DESC, key LIMIT ? OFFSET ?", append(values, q.Limit, q.Offset)...)
		if err != nil {
			return err
		}
		sessions, err = collect(rows, scanSession, nil)
		return err
	})
	return sessions, total, err
}

// Messages gives limit messages of a session (-1: all), oldest first, that end
// offset before its newest, and how many it has.
func (s *Store) Messages(ctx context.Context, key string, limit, offset int) (messages []Message, total int, err error) {
	return s.Newest(ctx, key, limit, offset, math.MaxInt64)
}

// Newest is Messages with at most so many bytes of content, though always with one
// message where there is one: what is read takes no more memory than that.
func (s *Store) Newest(ctx context.Context, key string, limit, offset int, bytes int64) (messages []Message, total int, err error) {
	err = s.read(ctx, func(db *sql.DB) error {
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM message WHERE session = ?", key).Scan(&total); err != nil {
			return err
		}
		rows, err := db.QueryContext(ctx, "SELECT "+messageColumns+" FROM message WHERE session = ? ORDER BY number DESC LIMIT ? OFFSET ?", key, limit, offset)
		if err != nil {
			return err
		}
		first := true
		messages, err = collect(rows, scanMessage, func(m Message) bool {
			bytes -= int64(len(m.Content))
			fits := bytes >= 0 || first
			first = false
			return fits
		})
		slices.Reverse(messages)
		return err
	})
	return messages, total, err
}

// scanned is a row of an answer.
type scanned interface{ Scan(into ...any) error }

// collect reads rows to their end, or to the first that is not wanted, and closes
// them. A nil wanted wants all.
func collect[T any](rows *sql.Rows, scan func(scanned) (T, error), wanted func(T) bool) (all []T, err error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		if wanted != nil && !wanted(one) {
			break
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// messageColumns are what scanMessage reads.
const messageColumns = "number, run, role, created, content, about"

func scanMessage(row scanned) (Message, error) {
	var m Message
	var created int64
	var content, about string
	if err := row.Scan(&m.Number, &m.Run, &m.Role, &created, &content, &about); err != nil {
		return Message{}, err
	}
	m.Created, m.Content, m.About = time.UnixMilli(created), []byte(content), []byte(about)
	return m, nil
}

// OfRun gives the messages of one run of a session, oldest first.
func (s *Store) OfRun(ctx context.Context, key, run string) (messages []Message, err error) {
	err = s.read(ctx, func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, "SELECT "+messageColumns+" FROM message WHERE session = ? AND run = ? ORDER BY number", key, run)
		if err != nil {
			return err
		}
		messages, err = collect(rows, scanMessage, nil)
		return err
	})
	return messages, err
}

// Size is how many bytes of content a session's messages have.
func (s *Store) Size(ctx context.Context, key string) (bytes int64, err error) {
	err = s.read(ctx, func(db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT coalesce(sum(length(content)), 0) FROM message WHERE session = ?", key).Scan(&bytes)
	})
	return bytes, err
}

// Count is how many sessions there are.
func (s *Store) Count(ctx context.Context) (sessions int, err error) {
	err = s.read(ctx, func(db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT count(*) FROM session").Scan(&sessions)
	})
	return sessions, err
}
