package egress

// The parts of TLS records that are looked at (RFC 8446, 5.1).
const (
	recordFirst     = 20 // the lowest type, change_cipher_spec
	recordHandshake = 22
	recordLast      = 24 // the highest type, heartbeat
	recordHeader    = 5
	maxRecord       = 1<<14 + 256

	majorTLS = 3  // what the version of a record begins with, by the standard
	majorEnd = 16 // no common server takes a record for TLS whose version begins with this or more
	idleSize = 2  // of the longest record that says nothing, an alert
)

// isRecord reports whether a byte is the type of a TLS record.
func isRecord(kind byte) bool { return kind >= recordFirst && kind <= recordLast }

// readRecords judges what starts like a record of TLS. Servers are more lenient
// than the standard asks of clients: they take no notice of the version of a record,
// and before the ClientHello some pass over a warning or an empty record. So a
// ClientHello is known by its form where its version is none, and no client has
// anything to say before it.
func readRecords(data []byte) opening {
	for behind := false; len(data) > 0; behind = true {
		switch {
		case !isRecord(data[0]) || len(data) > 1 && data[1] >= majorEnd:
			return opening{kind: firstOther}
		case len(data) == 1:
			return opening{kind: firstUnknown}
		case data[0] == recordHandshake && behind:
			return opening{kind: firstBroken, reason: "a TLS ClientHello behind another record"}
		case data[0] == recordHandshake && data[1] == majorTLS:
			return readClientHello(data)
		case len(data) < recordHeader || data[0] == recordHandshake && len(data) == recordHeader:
			return opening{kind: firstUnknown}
		case data[0] == recordHandshake && data[recordHeader] == handshakeHello:
			return readClientHello(data)
		case data[0] == recordHandshake:
			return opening{kind: firstOther}
		}
		length := int(data[3])<<8 | int(data[4])
		if length > idleSize {
			return opening{kind: firstOther}
		}
		data = data[min(recordHeader+length, len(data)):]
	}
	return opening{kind: firstUnknown}
}
