package control

import (
	"encoding/base64"
	"fmt"
)

// Text is a string of any bytes (a path, an argument, an environment entry)
// that survives JSON, which would replace what is not UTF-8.
type Text string

// MarshalText writes base64.
func (t Text) MarshalText() ([]byte, error) {
	return []byte(base64.RawStdEncoding.EncodeToString([]byte(t))), nil
}

// UnmarshalText reads base64.
func (t *Text) UnmarshalText(data []byte) error {
	raw, err := base64.RawStdEncoding.DecodeString(string(data))
	if err != nil {
		return fmt.Errorf("decode text: %w", err)
	}
	*t = Text(raw)
	return nil
}

// Texts converts a list of strings.
func Texts(list []string) []Text {
	texts := make([]Text, len(list))
	for i, s := range list {
		texts[i] = Text(s)
	}
	return texts
}

// Strings converts back.
func Strings(list []Text) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return out
}
