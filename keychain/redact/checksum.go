package redact

import (
	"hash/crc32"
	"strconv"
)

// check is how an issuer's keys say of themselves that they are whole. A key
// that does is one wherever it stands, also glued to a word, where a prefix
// alone would not be believed. A key that does not is still hidden if its
// shape is right: it may have been cut short, and issuers change their forms
// (GitHub gave ghs_ a second one in 2026).
type check uint8

const (
	checkNone check = iota
	// checkGitHub: 30 letters and digits and their CRC-32 in six digits of
	// base 62 (github.blog, "Behind GitHub's new authentication token formats",
	// 2021); npm took the same.
	checkGitHub
	// checkGrafana: 32 letters and digits, _, and their CRC-32 in eight of
	// base 16.
	checkGrafana
	// checkOwn: 43 digits of base 62 and the CRC-32 of the prefix and them, in
	// six more.
	checkOwn
)

// checked finds a token at its prefix [start, end) by its checksum.
func (t *token) checked(text []byte, start, end int) (span, bool) {
	size, covered := 36, end
	switch t.check {
	case checkNone:
		return span{}, false
	case checkGitHub:
	case checkGrafana:
		size = 41
	case checkOwn:
		size, covered = 49, start
	}
	stop := end + size
	if stop > len(text) || run(text[:stop], end, word) != stop {
		return span{}, false
	}
	body := text[end:stop]
	switch t.check {
	case checkGrafana:
		want, err := strconv.ParseUint(string(body[33:]), 16, 32)
		if err != nil || body[32] != '_' || uint32(want) != checksum(body[:32]) {
			return span{}, false
		}
	case checkGitHub, checkOwn:
		want, ok := base62(body[size-6:])
		if !ok || want != uint64(checksum(text[covered:stop-6])) {
			return span{}, false
		}
	case checkNone:
	}
	return span{from: start, start: start, end: stop}, true
}

// checksum is the CRC-32 of text, as crc32.ChecksumIEEE has it, which would make each
// text that a token may stand in one of the heap.
func checksum(text []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range text {
		crc = crc32.IEEETable[byte(crc)^c] ^ crc>>8
	}
	return ^crc
}

// base62 reads a number in digits of 0-9, A-Z, a-z.
func base62(digits []byte) (n uint64, ok bool) {
	for _, c := range digits {
		var d uint64
		switch {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case c >= 'A' && c <= 'Z':
			d = uint64(c-'A') + 10
		case c >= 'a' && c <= 'z':
			d = uint64(c-'a') + 36
		default:
			return 0, false
		}
		n = n*62 + d
	}
	return n, true
}
