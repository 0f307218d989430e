package provider

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"openclaw/keychain"
)

// packedAnswer is an answer of a provider that packs.
func packedAnswer(media, text string, cut int) *http.Response {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	body := packed.Bytes()
	body = body[:len(body)-cut]
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(body)), Body: &cutReader{body, 7, io.EOF},
		Header: http.Header{"Content-Type": {media}, "Content-Encoding": {"gzip"}, "Content-Length": {"1"}},
	}
}

// A key that comes back packed, whole or split over events, is covered as one
// that is not, wherever the packed bytes were cut.
func TestAKeyInAPackedStreamIsCovered(t *testing.T) {
	stream := ""
	for _, part := range []string{"your key is " + echoed[:20], echoed[20:] + ", is it not? "} {
		stream += `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + part + `"}}` + "\n\n"
	}
	response := packedAnswer("text/event-stream", stream, 0)
	defer response.Body.Close()
	if why := unpack(response, http.MethodPost); why != nil {
		t.Fatal(why.message)
	}
	withoutEcho(response, newMask(keychain.NewSecret([]byte(echoed))))
	out, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range []string{echoed, echoed[:20], echoed[20:]} {
		if strings.Contains(string(out), piece) {
			t.Errorf("%q is in %s", piece, out)
		}
	}
	if !strings.Contains(string(out), "is it not?") || response.Header.Get("Content-Encoding") != "" || response.Header.Get("Content-Length") != "" || response.ContentLength != -1 {
		t.Errorf("%v %s", response.Header, out)
	}
}

func TestWhatIsPackedOtherwiseIsRefused(t *testing.T) {
	for _, coding := range []string{"br", "zstd", "deflate", "gzip, gzip", "x-odd"} {
		response := packedAnswer("application/json", "{}", 0)
		defer response.Body.Close()
		response.Header.Set("Content-Encoding", coding)
		if why := unpack(response, http.MethodPost); why == nil || why.status != http.StatusBadGateway || !strings.Contains(why.message, coding) {
			t.Errorf("%s: %+v", coding, why)
		}
		if why := unpack(response, http.MethodHead); why != nil {
			t.Errorf("%s of a HEAD: %+v", coding, why)
		}
	}
}

// An answer that is cut is not taken for a whole one, and one that is no gzip is an error.
func TestCutPackedAnswers(t *testing.T) {
	for cut := 1; cut < 20; cut++ {
		response := packedAnswer("application/json", `{"a":"bcdefgh"}`, cut)
		defer response.Body.Close()
		if why := unpack(response, http.MethodPost); why != nil {
			t.Fatal(why.message)
		}
		if _, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut by %d: %v", cut, err)
		}
	}
	response := packedAnswer("application/json", "", 0)
	defer response.Body.Close()
	response.Body = io.NopCloser(strings.NewReader("{} is no gzip, and long enough to be looked at"))
	if why := unpack(response, http.MethodPost); why != nil {
		t.Fatal(why.message)
	}
	if _, err := io.ReadAll(response.Body); !errors.Is(err, gzip.ErrHeader) {
		t.Error(err)
	}
}

// A bomb ends where it is one, and what is large and honest passes.
func TestBombsEnd(t *testing.T) {
	response := packedAnswer("application/json", strings.Repeat("\x00", mostUnpacked+1<<20), 0)
	defer response.Body.Close()
	if why := unpack(response, http.MethodPost); why != nil {
		t.Fatal(why.message)
	}
	n, err := io.Copy(io.Discard, response.Body)
	if !errors.Is(err, errBomb) || n > mostUnpacked+1<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}
