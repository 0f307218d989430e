package scan

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// maxFile is the largest file that is looked at, in bytes.
const maxFile = 1 << 20

// Finding is a literal that stands in a file.
type Finding struct {
	Program  string          // "Claude Code", ".env file"
	Path     string          // as the place names it; may be a symbolic link
	Line     int             // from 1
	Key      string          // the variable or the member: "env.ANTHROPIC_API_KEY"
	Variable string          // the environment variable that programs take it from
	Value    keychain.Secret // decoded
	Advice   string          // not empty: the file has no replacement; what to do by hand

	start, end int
	with       string
}

// Name is what the secret is called in a store: "openai" for OPENAI_API_KEY.
func (f Finding) Name() string {
	name := strings.ToLower(f.Variable)
	for _, suffix := range []string{"_api_key", "_apikey", "_key"} {
		if short, ok := strings.CutSuffix(name, suffix); ok && short != "" {
			return short
		}
	}
	return name
}

// File is a file in which something was found, as it was read.
type File struct {
	Path     string
	Content  []byte
	Findings []Finding

	place Place
}

// Note is a file that was not looked at, or not understood; or, with a Line, one that
// holds a key there in a place where nothing is cut.
type Note struct {
	Path string
	Line int // from 1; 0: it is about the file
	Err  error
}

// ErrStray is the error of a Note with a Line.
var ErrStray = errors.New("a key or a password stands here in clear, in a comment, a text or a command; nothing is cut there")

// assignment is a name with a text, as a parser sees it.
type assignment struct {
	key        string // with the names around it: "env.ANTHROPIC_API_KEY"
	value      []byte
	line       int
	start, end int // of the value as written, with its quotes; end 0: cannot be cut
	from, to   int // of the whole statement's lines; to 0: something else stands there
	indent     string
}

// Find looks into the files of the places that exist. The files come in the
// places' order, the findings in the file's.
func Find(places []Place) (files []File, notes []Note) {
	seen := map[string]bool{}
	for _, place := range places {
		real, err := filepath.EvalSymlinks(place.Path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotFolder) || seen[real] {
			continue
		}
		if err != nil {
			notes = append(notes, Note{Path: place.Path, Err: plain(err)})
			continue
		}
		seen[real] = true
		data, err := file.Read(real, maxFile)
		if err != nil {
			notes = append(notes, Note{Path: place.Path, Err: plain(err)})
			continue
		}
		found, err := place.find(data)
		if err != nil {
			notes = append(notes, Note{Path: place.Path, Err: err})
		}
		for _, line := range place.strays(data, found) {
			notes = append(notes, Note{place.Path, line, ErrStray})
		}
		if len(found) > 0 {
			files = append(files, File{place.Path, data, found, place})
		}
	}
	return files, notes
}

// plain takes the path out: it stands beside the error already.
func plain(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err
	}
	return err
}

// find judges what the parser of the place sees. Where the file without its keys
// would no longer be understood, all of them are left to a person.
func (p Place) find(data []byte) ([]Finding, error) {
	found, err := p.judge(data)
	if err != nil {
		return nil, err
	}
	var cut []Finding
	for _, f := range found {
		if f.Advice == "" {
			cut = append(cut, f)
		}
	}
	if _, err := (File{Content: data, Findings: found, place: p}).Replace(cut); err != nil {
		for i := range found {
			if found[i].Advice == "" {
				found[i].Advice = found[i].byHand()
			}
		}
	}
	return found, nil
}

func (p Place) judge(data []byte) ([]Finding, error) {
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, errors.New("it is no text")
	}
	list, err := p.format.parse(data)
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, a := range list {
		if !isSecret(a.key, a.value) {
			continue
		}
		f := Finding{Program: p.Program, Path: p.Path, Line: a.line, Key: a.key, Variable: variableOf(p.Program, a.key, a.value), Value: keychain.NewSecret(a.value)}
		f.place(p, a)
		found = append(found, f)
	}
	return found, nil
}

// place decides what is cut, and what stands there afterwards.
func (f *Finding) place(p Place, a assignment) {
	switch {
	case p.template == asComment && a.to > 0:
		f.start, f.end, f.with = a.from, a.to, a.indent+p.comment+" "+f.Key+" is kept by openclaw (secrets import)"
	case p.template == asComment && a.end > 0 && p.empty != "":
		f.start, f.end, f.with = a.start, a.end, p.empty
	case p.template != "" && p.template != asComment && a.end > 0 && (p.only == "" || p.only == a.key):
		f.start, f.end, f.with = a.start, a.end, strings.ReplaceAll(p.template, "NAME", f.Variable)
	case p.advice != "":
		f.Advice = strings.ReplaceAll(p.advice, "NAME", f.Variable)
	default:
		f.Advice = f.byHand()
	}
}

func (f *Finding) byHand() string {
	return fmt.Sprintf("take the value out of line %d by hand: it stands in a place that is not safe to cut", f.Line)
}

// Replace returns the file without the findings, which are of this file. The new
// text is read again: it must be understood, and hold the other findings only.
func (f File) Replace(findings []Finding) ([]byte, error) {
	list := slices.Clone(findings)
	slices.SortFunc(list, func(a, b Finding) int { return a.start - b.start })
	var out []byte
	at := 0
	for _, one := range list {
		if one.Advice != "" || one.start < at || one.end > len(f.Content) {
			return nil, fmt.Errorf("line %d cannot be cut", one.Line)
		}
		out = append(append(out, f.Content[at:one.start]...), one.with...)
		at = one.end
	}
	out = append(out, f.Content[at:]...)
	left, err := f.place.judge(out)
	if err != nil {
		return nil, fmt.Errorf("without its keys it would not be well formed: %w", err)
	}
	if len(left) != len(f.Findings)-len(findings) {
		return nil, errors.New("what would be left is not what was found")
	}
	return out, nil
}

// lineAt is the line of a byte, from 1.
func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte{'\n'}) }

// lineEnd is where the line of a byte ends, without \r\n.
func lineEnd(data []byte, offset int) int {
	end := len(data)
	if i := bytes.IndexByte(data[offset:], '\n'); i >= 0 {
		end = offset + i
	}
	if end > offset && data[end-1] == '\r' {
		end--
	}
	return end
}

func lineStart(data []byte, offset int) int { return bytes.LastIndexByte(data[:offset], '\n') + 1 }

func syntax(line int) error { return fmt.Errorf("line %d: it is not well formed", line) }
