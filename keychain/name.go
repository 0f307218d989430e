package keychain

import "fmt"

// MaxName is the length of the longest name of a secret, in bytes.
const MaxName = 200

// CheckName returns a KindBadName error unless name is 1 to MaxName bytes of
// ASCII letters, digits and "._-/". The rejected text is not repeated: a person
// who mixed up the fields may have typed the value there.
func CheckName(op, name string) error {
	fault := ""
	switch {
	case name == "":
		fault = "the name is empty"
	case len(name) > MaxName:
		fault = fmt.Sprintf("the name has %d bytes, at most %d are possible", len(name), MaxName)
	default:
		for i := range len(name) {
			if !nameByte(name[i]) {
				fault = fmt.Sprintf("the name has a character at position %d that is not possible in one", i+1)
				break
			}
		}
	}
	if fault == "" {
		return nil
	}
	return &Error{
		Op: op, Kind: KindBadName, Err: fmt.Errorf("%s", fault),
		Hint: `use letters, digits and . _ - / only, such as "anthropic" or "token/gateway"`,
	}
}

// IsName reports whether CheckName takes a name.
func IsName(name string) bool {
	if name == "" || len(name) > MaxName {
		return false
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

func nameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '.' || c == '_' || c == '-' || c == '/'
}
