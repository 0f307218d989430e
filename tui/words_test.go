package tui

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"openclaw/tui/view"
)

// literal is a text in the source with where it stands.
type literal struct {
	text, at string
	parent   ast.Node
	function string // that is called with it
	member   string // the field of a struct that it is for
}

// literals are the texts of the source that a person could read.
func literals(t *testing.T) []literal {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"*.go", "view/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	var out []literal
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") || slices.Contains([]string{"words_zh.go", "keymap.go", "filterjudge.go", "demo.go", "demo_script.go", "demo_asks.go", "demo_trail.go"}, filepath.Base(path)) {
			continue
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		var stack []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				stack = stack[:len(stack)-1]
				return true
			}
			stack = append(stack, n)
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			l := literal{text: text, at: files.Position(lit.Pos()).String(), parent: stack[len(stack)-2]}
			switch p := l.parent.(type) {
			case *ast.CallExpr:
				l.function = string(src[files.Position(p.Fun.Pos()).Offset:files.Position(p.Fun.End()).Offset])
			case *ast.KeyValueExpr:
				if id, ok := p.Key.(*ast.Ident); ok {
					l.member = id.Name
				}
			case *ast.BinaryExpr: // part of a longer text, or compared
				for i := len(stack) - 2; i > 0; i-- {
					if call, ok := stack[i].(*ast.CallExpr); ok {
						l.function = string(src[files.Position(call.Fun.Pos()).Offset:files.Position(call.Fun.End()).Offset])
					}
					if b, ok := stack[i].(*ast.BinaryExpr); !ok || b.Op != token.ADD {
						break
					}
				}
			}
			out = append(out, l)
			return true
		})
	}
	return out
}

// drawn reports whether a literal may be shown to a person as it stands. What is
// compared, looked up or named, and what the machine reads, is not.
func (l *literal) drawn() bool {
	letters := 0
	for _, r := range l.text {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	if letters < 2 || strings.Contains(l.text, "\x1b") {
		return false
	}
	switch p := l.parent.(type) {
	case *ast.CaseClause, *ast.ImportSpec, *ast.IndexExpr, *ast.ValueSpec, *ast.Field:
		return false
	case *ast.BinaryExpr:
		if p.Op != token.ADD {
			return false
		}
	case *ast.KeyValueExpr:
		if l.member == "" || slices.Contains([]string{"ID", "Keys", "Word", "View", "keys", "Op", "Help", "Label"}, l.member) {
			return false // Help and Label are translated where they are drawn
		}
	case *ast.CompositeLit:
		if p.Type != nil { // lists of words that the machine reads
			return false
		}
	}
	if strings.HasPrefix(l.text, "ctrl+") {
		return false
	}
	if l.function == "strings.Join" { // a word between words
		return true
	}
	return !slices.ContainsFunc([]string{
		"strings.", "slices.", "yield", "Format", "Parse", "Compile", "getenv", "Getenv", "levelOf", "errors.", "fmt.", "command", "ID",
		"key.WithKeys", "adviseSwitch", "known", "add", "yamlWord", "run", "v.list.Move",
	}, func(part string) bool {
		return l.function == part || strings.HasPrefix(l.function, part) && strings.HasSuffix(part, ".") || strings.HasSuffix(l.function, "."+part)
	})
}

// asItStands are the texts that no language changes: keys, YAML, words of
// commands and of the wire.
func asItStands() []string {
	return []string{
		"openclaw", "openai", "anthropic", "down", "up", "esc", "enter", "tab", "space", "backspace", "A/D", "info", "warn", "src", "source", "level",
		"true", "false", "agents", "roles", ".permissions", " true", ": true", ": [", "deny", "read", "write", "exec", "connect", "once", "running", "ended",
		"openclaw-", "log", ".txt", "ERROR", "INFO", "src:", "HOME", "TMUX", "STY", "name", "store", "openclaw doctor", "openclaw audit search", "alt+", "(1 ask) openclaw", " asks) openclaw", "{path: ", ", access: read}", " or ", // " or " of what is wrong with the keys of a config
		"token", "client/", "keychain://openclaw/", ".token",
		"NO_COLOR", "TERM", "OPENCLAW_PLAIN", "zh", "en", "Hint", "open ",
		"overview", "connections", "denials", "logs", "secrets", "audit", "config", "chat", "user", "tui-", // words of commands
		"EVENT", "WHO", "RESULT", "AGENT", "ROUTE", "STATE", "bytes", "AGE", "runs", "count", "ROLE", "TARGET", "OP", "STORE", "USED BY", // columns by which a list is sorted, translated where it says so
		"run it on a terminal, or give commands on a pipe", "openclaw tui --plain needs no terminal", "it needs a terminal", "openclaw client add prints it", // hints of the command line's errors
	}
}

var verbs = regexp.MustCompile(`%(\[\d+\])?[a-z]`)

// Every text that a person reads is in the catalogue, in every language, with
// the same arguments; and nothing is in it that is not used.
func TestEveryTextIsInTheCatalogue(t *testing.T) {
	used := map[string]string{}
	for _, l := range literals(t) {
		switch {
		case strings.HasSuffix(l.function, ".T"):
			used[l.text] = l.at
		case strings.HasSuffix(l.function, ".N"):
			used["# "+l.text] = l.at
		case l.drawn() && !slices.Contains(asItStands(), l.text):
			t.Errorf("%s: %q is drawn as it stands: T gives it in the language of the screen", l.at, l.text)
		}
	}
	for _, b := range view.Table() {
		used[b.Help] = "the action " + string(b.ID)
		if b.Label != "" {
			used[b.Label] = "the action " + string(b.ID)
		}
	}
	for _, n := range view.Names() {
		used[string(n)] = "the names of the views"
	}
	for _, state := range []string{ // words of the gateway that are drawn
		"running", "stopped", "invalid", "ended", "open", "stream", "closed", "refused", "unlocked", "locked", "none", "unreachable", "failed",
		"once", "always", "limited", "exact", "host", "folder", "built in, no config opens these",
		"runs", "count", // what a list is sorted by
		"start", "file watch", "reload", "edit", // what brought a config into force
	} {
		used[state] = "the states"
	}
	for _, language := range view.Languages()[1:] {
		texts := view.NewWords(language).Texts()
		for text, at := range used {
			own, known := texts[text]
			if !known {
				t.Errorf("%s: %s lacks\t%q: ``,", at, language, text)
				continue
			}
			want, got := verbs.FindAllString(text, -1), verbs.FindAllString(own, -1)
			if strings.HasPrefix(text, "# ") {
				want = []string{"%d"}
			}
			if len(want) != len(got) || fmt.Sprint(want) != fmt.Sprint(got) && !strings.Contains(own, "%[") {
				t.Errorf("%s: %s: %q takes %v, %q takes %v", at, language, text, want, own, got)
			}
		}
		for text := range texts {
			if _, is := used[text]; !is {
				t.Errorf("%s: nothing draws %q", language, text)
			}
		}
	}
}

func chineseScreen(t *testing.T, width, height int) *driver {
	t.Helper()
	return chinese(t, true, width, height)
}

func chinese(t *testing.T, color bool, width, height int) *driver {
	t.Helper()
	demo := NewDemo()
	demo.now = demoTime(28)
	return chineseOf(t, demo, color, width, height).event(demo.script...)
}

func chineseOf(t *testing.T, demo *Demo, color bool, width, height int) *driver {
	t.Helper()
	theme := view.NewTheme(color, false)
	theme.Words = view.NewWords("zh")
	o := Options{Backend: demo, Start: startNothing, Tokens: newTokens(), Importer: newKeysInFiles().importer(), Version: "test", Now: func() time.Time { return demoTime(28) }}
	d := &driver{t: t, s: newScreen(&o, newFeed(feedSize), theme)}
	d.s.instant = func() time.Time { return d.at }
	d.s.resize(width, height)
	d.s.feed.setLink(view.Link{Up: true, Tried: true})
	d.frame()
	return d
}

// Chinese is drawn in two cells a character; nothing is wider than the window, and no
// English sentence is left in what the program itself says. Without colours every word is
// the same, and what stands out still does: of that the rows are kept that changed since the
// scene before.
func TestGoldenChinese(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		frames := func(color bool) (names, frames []string) {
			add := func(name, frame string) {
				sound(t, frame, size[0], size[1])
				names, frames = append(names, name), append(frames, frame)
			}
			d := chinese(t, color, size[0], size[1])
			d.s.saveFilter = new(saver).save
			for _, s := range scenes() {
				add(s.name, d.press(s.keys...))
			}
			firstRun(add, chineseOf(t, NewDemoFirstRun(), color, size[0], size[1]))
			return names, frames
		}
		names, colour := frames(true)
		_, none := frames(false)
		var words, colours, attributes strings.Builder
		before := ""
		for i, name := range names {
			fmt.Fprintf(&words, "=== %s\n%s\n", name, strip(colour[i]))
			rowsWith(&colours, name, colour[i], "\x1b[3", "\x1b[9")
			rowsWith(&attributes, name, since(before, none[i]), "\x1b[")
			before = none[i]
			if strip(none[i]) != strip(colour[i]) || strings.Contains(none[i], "\x1b[3") {
				t.Errorf("%s, %v: without colours it says something else, or has one:\n%s", name, size, none[i])
			}
		}
		for kind, text := range map[string]*strings.Builder{"zh": &words, "zh-colour": &colours, "zh-nocolor": &attributes} {
			golden(t, fmt.Sprintf("screens-%dx%d-%s.golden", size[0], size[1], kind), text.String())
		}
	}
}

// since is a frame with the rows empty that stood in the one before.
func since(before, frame string) string {
	old, rows := strings.Split(before, "\n"), strings.Split(frame, "\n")
	for i := range min(len(old), len(rows)) {
		if rows[i] == old[i] {
			rows[i] = ""
		}
	}
	return strings.Join(rows, "\n")
}

func TestLanguageFollowsTheLocale(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "en"},
		{map[string]string{"LANG": "zh_CN.UTF-8"}, "zh"},
		{map[string]string{"LANG": "zh"}, "zh"},
		{map[string]string{"LANG": "de_DE.UTF-8"}, "en"},
		{map[string]string{"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"},
		{map[string]string{"LANG": "C", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"},
		{map[string]string{"LANG": "zha.UTF-8"}, "en"},
	} {
		if got := view.LanguageOf(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v: %s, want %s", c.env, got, c.want)
		}
	}
}

// The plain mode has no English between its Chinese words, nor in the states.
func TestThePlainModeIsChineseToo(t *testing.T) {
	got, _ := plainTalk(t, Options{Backend: NewDemo(), Language: "zh"}, "overview", "agents", "connections", "secrets", "asks", "allow 1 run", "asks all", "undo", "asks all", "quit")
	for _, english := range []string{" and ", "running", "stopped", "unlocked", "refused", "stream", "已允许 run", "已允许 once", "undone", "missed"} {
		if strings.Contains(got, english) {
			t.Errorf("%q:\n%s", english, got)
		}
	}
}
