package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"openclaw/keychain"
)

const echoed = "sk-real-Abcdefghijklmnop0123456789-_qrstuvwxyz"

// cutReader gives a text in pieces of one size, and then an error.
type cutReader struct {
	text []byte
	size int
	err  error
}

func (r *cutReader) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		return 0, r.err
	}
	n := copy(p, r.text[:min(r.size, len(r.text))])
	r.text = r.text[n:]
	return n, nil
}

func (r *cutReader) Close() error { return nil }

// streamed sends a stream through an echo.
func streamed(tb testing.TB, media, stream string, size int, end error) string {
	tb.Helper()
	response := &http.Response{Header: http.Header{"Content-Type": {media}}, Body: &cutReader{[]byte(stream), size, end}}
	withoutEcho(response, newMask(keychain.NewSecret([]byte(echoed))))
	defer response.Body.Close()
	var out bytes.Buffer
	for space := make([]byte, 700); ; {
		n, err := response.Body.Read(space)
		out.Write(space[:n])
		if err != nil {
			if !errors.Is(err, end) {
				tb.Fatalf("the stream ends with %v, not %v", err, end)
			}
			return out.String()
		}
	}
}

// dialect is how an API streams text, and where a client finds it.
type dialect struct {
	media       string
	begin, end  string
	event       func(text string) string
	interleaved string // comes between two events of a text
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func dialects() map[string]dialect {
	const events = "text/event-stream; charset=utf-8"
	return map[string]dialect{
		"anthropic": {
			events, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"content\":[]}}\n\n",
			"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
			func(text string) string {
				return "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":" + quoted(text) + "}}\n\n"
			}, "event: ping\ndata: {\"type\":\"ping\"}\n\n: keep-alive\n\n",
		},
		"anthropic tool": {
			events, "", "event: content_block_stop\r\ndata: {\"type\":\"content_block_stop\",\"index\":1}\r\n\r\n",
			func(text string) string {
				return "event: content_block_delta\r\ndata: {\"index\": 1, \"delta\": {\"type\": \"input_json_delta\", \"partial_json\": " + quoted(text) + "}, \"type\": \"content_block_delta\"}\r\n\r\n"
			}, "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"other\"}}\r\n\r\n",
		},
		"openai chat": {
			events, "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n", "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
			func(text string) string {
				return "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"content\":" + quoted(text) + "},\"index\":0,\"finish_reason\":null}]}\n\n"
			}, "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"content\":\"second\"},\"index\":1,\"finish_reason\":null}]}\n\n",
		},
		"openai responses": {
			events, "", "event: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"output_index\":0}\n\n",
			func(text string) string {
				return "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":" + quoted(text) + ",\"sequence_number\":4}\n\n"
			}, "",
		},
		"gemini": {
			events, "", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]},\"finishReason\":\"STOP\"}]}\n\n",
			func(text string) string {
				return "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":" + quoted(text) + "}]}}]}\n\n"
			}, "",
		},
		"ollama": {
			"application/x-ndjson", "", "{\"message\":{\"content\":\"\"},\"done\":true}\n",
			func(text string) string {
				return "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":" + quoted(text) + "},\"done\":false}\n"
			}, "",
		},
		"plain": {events, "", "data: [DONE]\n\n", func(text string) string { return "data: " + text + "\n\n" }, ": keep-alive\n\n"},
	}
}

// What a client joins from the events of a stream never has the key, wherever
// it was split, in how many events, and whatever came between; nothing else
// changes, and no event loses its form.
func TestKeySplitOverEventsIsCovered(t *testing.T) {
	for name, d := range dialects() {
		t.Run(name, func(t *testing.T) {
			check := func(pieces []string) {
				t.Helper()
				var stream, plain strings.Builder
				stream.WriteString(d.begin)
				plain.WriteString(d.begin)
				for i, piece := range pieces {
					if i > 0 && i < 3 {
						stream.WriteString(d.interleaved)
						plain.WriteString(d.interleaved)
					}
					stream.WriteString(d.event(piece))
					plain.WriteString(d.event(strings.Repeat("x", len(piece))))
				}
				stream.WriteString(d.end)
				plain.WriteString(d.end)
				for _, size := range []int{1, 13, 1 << 20} {
					got := streamed(t, d.media, stream.String(), size, io.EOF)
					if len(got) != stream.Len() || eventsOf(got) != eventsOf(plain.String()) {
						t.Fatalf("%q: the events have another form:\n%s", pieces, got)
					}
					letters := strings.NewReplacer("•", "", "*", "").Replace(textOnly(t, d, got))
					for i := range echoed[:len(echoed)-8] {
						if strings.Contains(letters, echoed[i:i+8]) {
							t.Fatalf("%q in reads of %d: %q of the key came through:\n%s", pieces, size, echoed[i:i+8], got)
						}
					}
					if !strings.HasPrefix(letters, "it is ") || !strings.HasSuffix(letters, ", sk-rest") {
						t.Fatalf("%q: the words around are gone: %s", pieces, got)
					}
				}
			}
			whole := "it is " + echoed + ", sk-rest"
			for cut := 1; cut < len(whole); cut++ {
				check([]string{whole[:cut], whole[cut:]})
			}
			check([]string{whole})
			check(strings.Split(whole, ""))
			check([]string{"it is " + echoed[:5], echoed[5:20], echoed[20:21], echoed[21:] + echoed[:30], echoed[30:] + ", sk-rest"})
		})
	}
}

// eventsOf is a stream without what its texts say.
func eventsOf(stream string) string {
	var out strings.Builder
	for line := range strings.Lines(stream) {
		var v any
		if data, is := strings.CutPrefix(line, "data: "); is && json.Unmarshal([]byte(data), &v) == nil {
			line = "data"
		} else if json.Unmarshal([]byte(line), &v) == nil {
			line = "json"
		} else if is {
			line = "text"
		}
		out.WriteString(line)
	}
	return out.String()
}

// textOnly joins the texts as the client of the dialect would.
func textOnly(t *testing.T, d dialect, stream string) string {
	t.Helper()
	var out strings.Builder
	const mark = "MARK"
	before, after, _ := strings.Cut(strings.TrimRight(d.event(mark), "\r\n"), mark)
	for line := range strings.Lines(stream) {
		line = strings.TrimRight(line, "\r\n")
		head, tail := before[strings.LastIndex(before, "\n")+1:], after
		if strings.HasPrefix(line, head) && strings.HasSuffix(line, tail) && line != "data: [DONE]" {
			text := line[len(head) : len(line)-len(tail)]
			var plain string
			if json.Unmarshal([]byte(`"`+text+`"`), &plain) == nil {
				text = plain
			}
			out.WriteString(text)
		}
	}
	return out.String()
}

// An event waits only while its text may still become the key: the next text
// of its kind frees it, and so do the end of its block and of the stream.
func TestEventsWaitNoLongerThanTheyMust(t *testing.T) {
	d := dialects()["anthropic"]
	type step struct{ in, out string }
	first, second, other := d.event("see sk-re"), d.event("ndered"), d.event("nothing")
	for name, steps := range map[string][]step{
		"no key":           {{other, other}, {other, other}},
		"two letters pass": {{d.event("task"), d.event("task")}, {d.event("s sk"), d.event("s sk")}},
		"freed by the next": {
			{first, ""}, {d.interleaved, ""}, {second, first + d.interleaved + second}, {other, other},
		},
		"freed by the end of the block": {{first, ""}, {d.end, first + d.end}},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := io.Pipe()
			defer func() { _ = to.Close() }()
			response := &http.Response{Header: http.Header{"Content-Type": {d.media}}, Body: from}
			withoutEcho(response, newMask(keychain.NewSecret([]byte(echoed))))
			for i, s := range steps {
				written := make(chan struct{})
				go func() {
					_, _ = io.WriteString(to, s.in)
					close(written)
				}()
				// A read takes all that was written, and gives what need not wait.
				space := make([]byte, 64<<10)
				n, err := response.Body.Read(space)
				<-written
				for n < len(s.out) && err == nil {
					var more int
					more, err = response.Body.Read(space[n:])
					n += more
				}
				if err != nil || string(space[:n]) != s.out {
					t.Fatalf("step %d: %q %v, not %q", i, space[:n], err, s.out)
				}
			}
		})
	}
}

// A stream that breaks off gives what waited, and no more than half the key.
func TestBrokenStreamGivesWhatWaited(t *testing.T) {
	d := dialects()["openai chat"]
	broken := errors.New("connection reset")
	few := d.event("it is "+echoed[:9]) + "data: {\"choi"
	if got := streamed(t, d.media, few, 7, broken); got != few {
		t.Errorf("got %q", got)
	}
	got := streamed(t, d.media, d.event("it is "+echoed[:20])+d.event(echoed[20:len(echoed)-1])+"data: {", 7, broken)
	if strings.Contains(got, echoed[:12]) || strings.Contains(got, echoed[20:32]) || !strings.HasSuffix(got, "data: {") {
		t.Errorf("got %q", got)
	}
}

// An event that is too long to be held is passed on, and the next is read as
// ever.
func TestLongEventsPass(t *testing.T) {
	d := dialects()["anthropic"]
	long := d.event(strings.Repeat("a picture ", longestEvent/8))
	stream := d.event("x") + long + d.event(echoed[:9]) + d.event(echoed[9:]) + d.end
	got := streamed(t, d.media, stream, 1<<16, io.EOF)
	if !strings.HasPrefix(got, d.event("x")+long) || len(got) != len(stream) || strings.Contains(got, echoed[9:]) || strings.Contains(got, echoed[:9]) {
		t.Errorf("%d bytes became %d", len(stream), len(got))
	}
}

// Whatever a provider sends: the length stays, the key is nowhere whole in the
// joined texts, and without a beginning of the key not a byte changes.
func FuzzEcho(f *testing.F) {
	for _, d := range dialects() {
		f.Add(d.begin+d.event("a "+echoed[:7])+d.interleaved+d.event(echoed[7:])+d.end, 3)
	}
	f.Add("data: {\"delta\":{\"text\":\""+echoed[:20]+"\n\ndata: ", 1)
	f.Add(strings.Repeat("[{\"delta\":", 200), 5)
	f.Add("\r\r\n\n\r\ndata:{\"type\":\"x.delta\",\"delta\":\"sk-\\", 1)
	f.Fuzz(func(t *testing.T, stream string, size int) {
		size = max(1, min(size, len(stream)+1))
		for _, media := range []string{"text/event-stream", "application/x-ndjson"} {
			got := streamed(t, media, stream, size, io.EOF)
			if len(got) != len(stream) {
				t.Fatalf("%d bytes became %d: %q", len(stream), len(got), got)
			}
			if whole := streamed(t, media, stream, len(stream)+1, io.EOF); whole != got {
				t.Fatalf("reads of %d: %q, whole: %q", size, got, whole)
			}
			if !strings.Contains(stream, echoed[:1]) && got != stream {
				t.Fatalf("%q became %q", stream, got)
			}
		}
	})
}

func BenchmarkEcho(b *testing.B) {
	d := dialects()["anthropic"]
	var stream strings.Builder
	for i := range 2000 {
		stream.WriteString(d.event(fmt.Sprintf("word %d of it ", i)))
	}
	text := stream.String()
	b.Run("searched", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			streamed(b, d.media, text, 4096, io.EOF)
		}
	})
	b.Run("copied", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			streamed(b, "text/plain", text, 4096, io.EOF)
		}
	})
}

func BenchmarkMaskOfACall(b *testing.B) {
	for b.Loop() {
		newMask(keychain.NewSecret([]byte(echoed)))
	}
}
