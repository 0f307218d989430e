package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// application marks the file as ours: "OCLW" in its header.
const application = 0x4f434c57

// steps bring a database from one version of the schema to the next: the first
// makes version 1 out of an empty file. A step that has been in a release is
// never changed; the next one is put behind it.
var steps = [...]string{`
CREATE TABLE session (
	key           TEXT PRIMARY KEY,
	id            TEXT NOT NULL,
	agent         TEXT NOT NULL,
	label         TEXT NOT NULL DEFAULT '',
	provider      TEXT NOT NULL DEFAULT '',
	model         TEXT NOT NULL DEFAULT '',
	created       INTEGER NOT NULL,  -- Unix milliseconds, as all times
	updated       INTEGER NOT NULL,
	input_tokens  INTEGER NOT NULL DEFAULT 0,  -- of the newest answer
	output_tokens INTEGER NOT NULL DEFAULT 0,
	status        TEXT NOT NULL DEFAULT '',
	last_run      TEXT NOT NULL DEFAULT '',
	last_error    TEXT NOT NULL DEFAULT '',
	messages      INTEGER NOT NULL DEFAULT 0   -- how many it has
) STRICT, WITHOUT ROWID;
CREATE INDEX session_updated ON session (updated);
CREATE INDEX session_agent ON session (agent, updated);

CREATE TABLE message (
	session TEXT NOT NULL REFERENCES session (key) ON DELETE CASCADE,
	number  INTEGER NOT NULL,  -- from 1 in its session
	run     TEXT NOT NULL,
	role    TEXT NOT NULL,
	created INTEGER NOT NULL,
	content TEXT NOT NULL,     -- JSON: the blocks
	about   TEXT NOT NULL,     -- JSON: provider, model, usage, why it ended
	PRIMARY KEY (session, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_run ON message (session, run);
CREATE INDEX message_created ON message (created);
`}

// judge says why a file is left alone, and which version its tables have.
func (s *Store) judge(ctx context.Context, db *sql.DB) (version int, err error) {
	var id, tables int
	for query, into := range map[string]*int{"PRAGMA application_id": &id, "PRAGMA user_version": &version, "SELECT count(*) FROM sqlite_schema": &tables} {
		if err := db.QueryRowContext(ctx, query).Scan(into); err != nil {
			return 0, err
		}
	}
	empty := id == 0 && version == 0 && tables == 0
	switch {
	case !empty && id != application:
		return 0, &Error{Op: openOp, Path: s.path, Kind: KindForeign, Err: fmt.Errorf("%s is a database of another program", s.name()), Hint: "move it away; nothing was changed in it"}
	case version > len(steps):
		return 0, &Error{Op: openOp, Path: s.path, Kind: KindNewer, Err: fmt.Errorf("%s is of a newer openclaw (version %d of its tables, this one knows %d)", s.name(), version, len(steps)),
			Hint: "use the newer openclaw, or move the file away; nothing was changed in it"}
	}
	return version, nil
}

// prepare brings the schema up to date.
func (s *Store) prepare(ctx context.Context, db *sql.DB) error {
	version, err := s.judge(ctx, db)
	if err != nil || version == len(steps) {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	for _, pragma := range []string{fmt.Sprintf("PRAGMA application_id = %d", application), fmt.Sprintf("PRAGMA user_version = %d", len(steps))} {
		if _, err := tx.ExecContext(ctx, pragma); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}
