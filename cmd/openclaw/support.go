package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"openclaw/configs"
	"openclaw/gateway/logs"
	"openclaw/gateway/wire"
	"openclaw/keychain/redact"
)

// Bounds of what a support bundle takes of each file, its newest part.
const (
	mostSupportLines = logs.MaxLines
	mostSupportBytes = logs.MaxBytes
)

// everything is a masker of what can be known: the rules, what this gateway has seen, and
// the values of all secrets. unread are those that could not be read.
func (h *house) everything(ctx context.Context) (mask func([]byte) []byte, unread []string, err error) {
	logging := h.config.Current().Config.Logging
	all, err := redact.New(redact.Options{Patterns: logging.RedactPatterns, Replacement: logging.RedactReplacement})
	if err != nil {
		return nil, nil, err
	}
	names, err := h.secrets.List(ctx)
	if err != nil {
		unread = append(unread, "(all: "+err.Error()+")")
	}
	for _, name := range names {
		secret, err := h.secrets.Get(ctx, name)
		if err != nil {
			unread = append(unread, name)
			continue
		}
		all.Add(name, secret.Reveal())
		secret.Wipe()
	}
	return func(text []byte) []byte { return all.Bytes(h.masker.Bytes(text)) }, unread, nil
}

// support adds what lies on the disk to the files of a support bundle, and takes the
// secrets out of all of them.
func (h *house) support(ctx context.Context, files []wire.SupportFile, lines int) (wire.SupportResult, error) {
	mask, unread, err := h.everything(ctx)
	if err != nil {
		return wire.SupportResult{}, err
	}
	files = append(files, diskFiles(ctx, h.layout, h.config.Current(), lines)...)
	for i := range files {
		files[i].Content = maskLines(files[i].Content, mask)
	}
	return wire.SupportResult{Files: files, Unread: unread}, nil
}

// maskLines masks a text whole, as a secret may stand in several lines of it, and then
// each of its lines, as the log was.
func maskLines(text string, mask func([]byte) []byte) string {
	var out bytes.Buffer
	for line := range bytes.Lines(mask([]byte(text))) {
		out.Write(mask(line))
	}
	return out.String()
}

// diskFiles are the config in force and the ends of the logs. One that cannot be read
// says so in its place: a bundle is made when something is wrong.
func diskFiles(ctx context.Context, layout configs.Layout, snapshot *configs.Snapshot, lines int) []wire.SupportFile {
	lines = min(max(lines, 1), mostSupportLines)
	file := func(name, about string, text []byte, err error) wire.SupportFile {
		if err != nil {
			text = []byte("could not be read: " + err.Error() + "\n")
		}
		return wire.SupportFile{Name: name, About: about, Content: string(text)}
	}
	config, err := configs.Show(snapshot)
	out := []wire.SupportFile{file("config.yaml", "the config in force, with where each value comes from; secrets are references", config, err)}
	out = append(out, file("config-warnings.json", "what 'config validate' warns of", encoded(snapshot.Warnings), nil))
	chunk, err := logs.TailFrom(layout.GatewayLog(), 0, lines, mostSupportBytes)
	out = append(out, file("gateway.log", "the newest lines of the gateway's log", joined(chunk.Lines), err))
	entries, _, err := searchAuditFile(ctx, auditPath(layout, snapshot.Config), wire.AuditSearchParams{Limit: lines})
	records := make([]string, 0, len(entries))
	for _, entry := range entries {
		records = append(records, string(entry))
	}
	out = append(out, file("audit.log", "the newest records of the audit log", newestBytes(records), err))
	words, err := lastWords(filepath.Join(layout.Logs(), "gateway.stderr"))
	if !errors.Is(err, fs.ErrNotExist) {
		out = append(out, file("gateway.stderr", "the last words of a gateway that the screen started", words, err))
	}
	words, err = lastWords(screenCrash(layout))
	if !errors.Is(err, fs.ErrNotExist) {
		out = append(out, file("screen.stderr", "where the screen failed last", words, err))
	}
	return out
}

func joined(lines []string) []byte {
	if len(lines) == 0 {
		return nil
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// newestBytes is joined, without the oldest lines where they are too many bytes.
func newestBytes(lines []string) []byte {
	size := 0
	for i, line := range slices.Backward(lines) {
		if size += len(line) + 1; size > mostSupportBytes {
			return joined(lines[i+1:])
		}
	}
	return joined(lines)
}

// lastWords is the end of a file.
func lastWords(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	from := max(0, info.Size()-mostSupportBytes)
	text, err := io.ReadAll(io.NewSectionReader(file, from, mostSupportBytes))
	if from > 0 { // what is cut in the middle may hide its beginning from the rules
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text, err
}

func encoded(value any) []byte {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Appendf(nil, "%q\n", err.Error())
	}
	return append(text, '\n')
}
