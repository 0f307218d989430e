package egress

import "errors"

// first says what the first bytes of a connection are.
type first int

const (
	firstUnknown first = iota // more bytes are needed
	firstOther                // neither TLS nor HTTP
	firstTLS                  // a whole ClientHello
	firstHTTP                 // a whole request head
	firstHTTP2                // the preface of HTTP/2 without TLS
	firstBroken               // looks like TLS or HTTP and is not
)

// opening is what the first bytes of a connection ask for.
type opening struct {
	kind   first
	hosts  []string // every name that the bytes ask for, as written
	reason string   // of firstBroken, for a person

	size int // bytes up to the end of the ClientHello, the head or the preface

	// Of firstHTTP.
	body   body
	length int64 // of bodyLength
}

// maxOpening bounds the bytes that are read before they must be whole: 64 KiB,
// four times the largest header block that common servers take.
const maxOpening = 64 << 10

// readOpening judges the bytes read so far. Only firstUnknown changes with
// more bytes.
func readOpening(data []byte) opening {
	if len(data) == 0 {
		return opening{kind: firstUnknown}
	}
	if isRecord(data[0]) {
		return readRecords(data)
	}
	return readRequestHead(data)
}

// The parts of TLS handshakes that are looked at (RFC 8446).
const (
	handshakeHello      = 1
	handshakeHeader     = 4
	extensionServerName = 0
	nameTypeHost        = 0
)

func readClientHello(data []byte) opening {
	hello, size, err := handshakeBytes(data)
	if err == nil && hello != nil {
		var host string
		if host, err = serverName(hello); err == nil {
			found := opening{kind: firstTLS, size: size}
			if host != "" {
				found.hosts = []string{host}
			}
			return found
		}
	}
	if err != nil {
		return opening{kind: firstBroken, reason: "a TLS ClientHello that cannot be read: " + err.Error()}
	}
	return opening{kind: firstUnknown}
}

// handshakeBytes joins the records of data until the first handshake message
// is whole, and returns its body and the bytes up to its end. No other message may
// stand behind it in its record.
func handshakeBytes(data []byte) (body []byte, size int, err error) {
	var joined []byte
	declared := 0
	for size < len(data) {
		record := data[size:]
		if record[0] != recordHandshake {
			return nil, 0, errors.New("another record inside it")
		}
		if len(record) < recordHeader {
			return nil, 0, nil
		}
		length := int(record[3])<<8 | int(record[4])
		if length == 0 || length > maxRecord {
			return nil, 0, errors.New("a record of a wrong length")
		}
		end := min(recordHeader+length, len(record))
		joined = append(joined, record[recordHeader:end]...)
		declared += length
		size += end
		if len(joined) > 0 && joined[0] != handshakeHello {
			return nil, 0, errors.New("another message in its place")
		}
		if len(joined) >= handshakeHeader {
			want := handshakeHeader + (int(joined[1])<<16 | int(joined[2])<<8 | int(joined[3]))
			switch {
			case want > handshakeHeader+maxOpening:
				return nil, 0, errors.New("too long")
			case declared > want:
				return nil, 0, errors.New("another message behind it")
			case len(joined) == want:
				return joined[handshakeHeader:], size, nil
			}
		}
	}
	return nil, 0, nil
}

var errShort = errors.New("a length that does not fit")

// cursor takes length-prefixed parts off a message. After the first error it
// gives nothing but empty parts.
type cursor struct {
	rest []byte
	err  error
}

func (c *cursor) take(n int) []byte {
	if c.err != nil || n > len(c.rest) {
		c.err = errShort
		return nil
	}
	part := c.rest[:n]
	c.rest = c.rest[n:]
	return part
}

func (c *cursor) number(bytes int) int {
	value := 0
	for _, b := range c.take(bytes) {
		value = value<<8 | int(b)
	}
	return value
}

func (c *cursor) block(lengthBytes int) []byte { return c.take(c.number(lengthBytes)) }

// serverName returns the name of the server_name extension of a ClientHello's
// body, or "" when there is none.
func serverName(body []byte) (string, error) {
	c := &cursor{rest: body}
	c.take(2 + 32) // version, random
	c.block(1)     // session
	c.block(2)     // cipher suites
	c.block(1)     // compression
	if c.err != nil {
		return "", c.err
	}
	if len(c.rest) == 0 {
		return "", nil // no extensions at all
	}
	extensions := &cursor{rest: c.block(2)}
	if c.err != nil || len(c.rest) != 0 {
		return "", errShort
	}
	name, seen := "", false
	for len(extensions.rest) > 0 && extensions.err == nil {
		kind := extensions.number(2)
		value := extensions.block(2)
		if extensions.err != nil || kind != extensionServerName {
			continue
		}
		if seen {
			return "", errors.New("two server names")
		}
		seen = true
		var err error
		if name, err = hostOfExtension(value); err != nil {
			return "", err
		}
	}
	return name, extensions.err
}

func hostOfExtension(value []byte) (string, error) {
	outer := &cursor{rest: value}
	list := &cursor{rest: outer.block(2)}
	if outer.err != nil || len(outer.rest) != 0 {
		return "", errShort
	}
	kind := list.number(1)
	host := list.block(2)
	if list.err != nil {
		return "", list.err
	}
	if len(list.rest) != 0 || kind != nameTypeHost || len(host) == 0 {
		return "", errors.New("a server name that is not one host name")
	}
	return string(host), nil
}

// asksFor reports whether every name that the bytes ask for is host.
func (o opening) asksFor(host string) (other string, ok bool) {
	for _, asked := range o.hosts {
		name, valid := hostName(asked)
		if !valid || name != host {
			return asked, false
		}
	}
	return "", true
}
