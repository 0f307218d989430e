package ref

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/joho/godotenv"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// Limits of the .env file.
const (
	maxEnv      = 64 << 10
	maxEnvLines = 500 // up to here the line of an error is looked for
)

var errEnvSyntax = errors.New("it is not well formed")

// readEnv returns the variables of the .env file; a missing file has none.
func readEnv(path string) (map[string]string, error) {
	const op = "read .env"
	if path == "" {
		return nil, nil
	}
	data, err := file.ReadPrivate(path, maxEnv)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fileError(op, path, err)
	}
	defer clear(data)
	values, err := parseEnv(data)
	if err != nil {
		return nil, &keychain.Error{
			Op: op, Kind: keychain.KindCorrupt, Err: err,
			Hint: "write NAME=value lines in " + path + `; quote a value with spaces, # or $ in single quotes`,
		}
	}
	return values, nil
}

// parseEnv hides the parser's own errors: they quote the file, and so values.
func parseEnv(data []byte) (values map[string]string, err error) {
	values, ok := tryEnv(data)
	if ok {
		return values, nil
	}
	if line := badLine(data); line > 0 {
		return nil, fmt.Errorf("line %d: %w", line, errEnvSyntax)
	}
	return nil, errEnvSyntax
}

// tryEnv also takes a panic of the parser for a refusal: the file is a person's
// typing, and one mistake in it must not end a gateway.
func tryEnv(data []byte) (values map[string]string, ok bool) {
	defer func() {
		if recover() != nil {
			values, ok = nil, false
		}
	}()
	values, err := godotenv.Parse(bytes.NewReader(data))
	return values, err == nil
}

// badLine is the line behind the longest beginning that parses.
func badLine(data []byte) int {
	lines := strings.SplitAfter(string(data), "\n")
	if len(lines) > maxEnvLines {
		return 0
	}
	for n := range slices.Backward(lines) {
		if _, ok := tryEnv([]byte(strings.Join(lines[:n], ""))); ok {
			return n + 1
		}
	}
	return 0
}
