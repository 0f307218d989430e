package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"openclaw/keychain"
	"openclaw/keychain/redact"
)

// What a person is told, and told to do, goes through the redactor like all that a command says on
// standard error: none of our sentences may look like a secret to it, or the command to
// run is lost.
func TestNoHintIsRedacted(t *testing.T) {
	t.Parallel()
	masker, err := redact.New(redact.Options{Patterns: redact.DefaultPatterns()})
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	root := filepath.Join("..", "..")
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && path != root):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, is := n.(*ast.BasicLit)
			if !is || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil || !strings.Contains(text, " ") || strings.HasPrefix(text, "Bearer realm=") { // a header
				return true
			}
			looked++
			if masked := masker.Text(text); masked != text {
				t.Errorf("%s: a person would read %q", path, masked)
			}
			return true
		})
		return nil
	})
	if err != nil || looked < 3000 {
		t.Fatalf("%d texts were looked at: %v", looked, err)
	}
}

// Why a secret is not to be had is read whole, also where its name is one that a value
// could follow.
func TestNoReasonIsRedacted(t *testing.T) {
	t.Parallel()
	masker, err := redact.New(redact.Options{Patterns: redact.DefaultPatterns()})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []keychain.Kind{
		keychain.KindNotFound, keychain.KindLocked, keychain.KindNoService, keychain.KindTimeout, keychain.KindTooBig, keychain.KindBadName, keychain.KindCorrupt,
		keychain.KindWrongKey, keychain.KindFailed, keychain.KindRolledBack, keychain.KindUnsafeFile, keychain.KindBadReference, keychain.KindUnsupported,
	} {
		for _, name := range []string{"openai_api_key", "db-password", "github_token", "file:///run/secrets/api_key", "file:///etc/passwd"} {
			failure := &keychain.Error{Op: "get secret", Name: name, Kind: kind, Err: errors.New("the store waits")}
			if text := failure.Error(); masker.Text(text) != text {
				t.Errorf("a person would read %q", masker.Text(text))
			}
		}
	}
}
