package provider

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Providers are asked for answers that are not packed (Accept-Encoding: identity), so
// that a key in one is found. One that packs all the same is unpacked here, where it
// is gzip, and refused where it is anything else: the key could pass in it unseen.

const (
	// mostUnpacked is how much an answer may unpack to whatever it is packed to, in
	// bytes; past it by no more than most times what came. gzip's own limit is 1,032
	// times (RFC 1951), text comes to about 10.
	mostUnpacked = 64 << 20
	most         = 200
)

var errBomb = errors.New("the provider's answer unpacks to too much")

// unpack puts the text of a packed answer in its place.
func unpack(response *http.Response, method string) *refusal {
	coding := strings.ToLower(strings.Join(response.Header.Values("Content-Encoding"), ", "))
	bare := method == http.MethodHead || response.StatusCode == http.StatusNoContent || response.StatusCode == http.StatusNotModified || response.ContentLength == 0
	switch {
	case coding == "", coding == "identity", bare:
		return nil
	case coding != "gzip" && coding != "x-gzip":
		return refused(http.StatusBadGateway, "packed_answer", "the provider's answer is packed in a way that is not read ("+coding+"), though it was asked not to pack: a key could pass in it unseen")
	}
	response.Header.Del("Content-Encoding")
	response.Header.Del("Content-Length")
	response.ContentLength = -1
	response.TransferEncoding = []string{"chunked"} // the text's own end tells that it is whole
	response.Body = &unpacked{packed: response.Body}
	return nil
}

// unpacked is the body of such an answer. What it holds does not grow with the
// answer.
type unpacked struct {
	packed io.ReadCloser
	plain  *gzip.Reader
	in     int64 // bytes that came
	out    int64
}

// Read may wait for what is packed behind; what was flushed comes at once.
func (u *unpacked) Read(p []byte) (int, error) {
	if u.plain == nil {
		plain, err := gzip.NewReader(readFunc(u.read))
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		u.plain = plain
	}
	n, err := u.plain.Read(p)
	if u.out += int64(n); u.out > mostUnpacked && u.out/most > u.in {
		return 0, errBomb
	}
	return n, err
}

func (u *unpacked) read(p []byte) (int, error) {
	n, err := u.packed.Read(p)
	u.in += int64(n)
	return n, err
}

// Close closes what is packed.
func (u *unpacked) Close() error { return u.packed.Close() }

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
