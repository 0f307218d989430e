package chat

import (
	"net/http"
	"strings"
	"testing"
)

const anthropicStream = "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m-1\",\"usage\":{\"input_tokens\":7,\"cache_read_input_tokens\":3,\"output_tokens\":1}}}\r\n\r\n" +
	": a comment\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n" +
	"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
	"data:{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"grüß \"}}\n\n" +
	"data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hidden\"}}\n\n" +
	"data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"dich 🦞\"}}\n\n" +
	"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},\"usage\":{\"output_tokens\":5}}\n\n" +
	"data: {\"type\":\"message_stop\"}\n\n"

const openAIStream = "data: {\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n" +
	"data: {\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"grüß \"}},{\"index\":1,\"delta\":{\"content\":\"another\"}}]}\n\n" +
	"data: {\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"dich 🦞\"}}]}\n\n" +
	"data: {\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}],\"usage\":null}\n\n" +
	"data: {\"model\":\"m-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n" +
	"data: [DONE]\n\n"

// receive gives an answer to a receiver, in pieces.
func receive(kind, media string, status int, pieces ...string) (*receiver, []string) {
	var said []string
	r := &receiver{kind: kind, provider: "p", header: http.Header{"Content-Type": {media}}, text: func(piece string) { said = append(said, piece) }}
	r.WriteHeader(status)
	for _, piece := range pieces {
		if _, err := r.Write([]byte(piece)); err != nil {
			break
		}
	}
	if !r.events && status < 300 {
		r.readWhole()
	}
	r.usage.add()
	return r, said
}

// A stream says the same wherever the network cuts it.
func TestStreamIsReadWhereverItIsCut(t *testing.T) {
	for kind, stream := range map[string]string{KindAnthropic: anthropicStream, KindOpenAI: openAIStream} {
		for at := range len(stream) {
			r, said := receive(kind, "text/event-stream; charset=utf-8", 200, stream[:at], stream[at:])
			if r.words.String() != "grüß dich 🦞" || strings.Join(said, "|") != "grüß |dich 🦞" || !r.whole || r.fault != nil || stopReason(r.stop) != "length" || r.model != "m-1" ||
				r.usage != (Usage{Input: 7, Output: 5, CacheRead: 3, Total: 15}) {
				t.Fatalf("%s cut at %d: %q %+v", kind, at, said, r)
			}
			if cut, _ := receive(kind, "text/event-stream", 200, stream[:at]); cut.whole && !strings.Contains(stream[:at], "message_stop") && !strings.Contains(stream[:at], `"finish_reason"`) {
				t.Fatalf("%s that ends at %d looks whole", kind, at)
			}
		}
	}
}

func TestAnswersThatAreNoStreamAreRead(t *testing.T) {
	for _, row := range []struct{ kind, body string }{
		{KindAnthropic, `{"model":"m","content":[{"type":"text","text":"good "},{"type":"text","text":"day"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}`},
		{KindOpenAI, `{"model":"m","choices":[{"message":{"content":"good day"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`},
	} {
		r, _ := receive(row.kind, "application/json", 200, row.body[:20], row.body[20:])
		if r.words.String() != "good day" || !r.whole || r.usage.Total != 3 {
			t.Errorf("%s: %+v", row.kind, r)
		}
		if r, _ := receive(row.kind, "application/json", 200, `{"hello":"world"}`); r.whole {
			t.Errorf("%s: what is no answer is taken for one", row.kind)
		}
	}
}

// What grows without end is cut off, and the memory for it is bounded.
func TestAnswersWithoutEndAreCutOff(t *testing.T) {
	event := `data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"` + strings.Repeat("x", 64<<10) + `"}}` + "\n\n"
	for name, pieces := range map[string][]string{
		"a text": strings.SplitAfter(strings.Repeat(event, 100), "\n\n"), "a line": {"data: " + strings.Repeat("x", maxLine+1)}, "a line in pieces": strings.SplitAfter("data:"+strings.Repeat(strings.Repeat("x", 1<<16)+" ", 20), " "),
	} {
		r, _ := receive(KindAnthropic, "text/event-stream", 200, pieces...)
		if !r.tooMuch || r.words.Len() > maxAnswer+64<<10 || len(r.line) > maxLine {
			t.Errorf("%s: %v, %d bytes", name, r.tooMuch, r.words.Len())
		}
	}
	if r, _ := receive(KindOpenAI, "application/json", 200, strings.Repeat("x", maxAnswer), "x"); !r.tooMuch {
		t.Error("a whole answer")
	}
	if r, _ := receive(KindOpenAI, "application/json", 500, strings.Repeat("x", maxError+1), `{"error":{}}`); r.tooMuch || r.body.Len() > maxError {
		t.Error("the text of an error")
	}
}

func TestFaultsHaveTheirKind(t *testing.T) {
	for _, row := range []struct {
		status int
		body   string
		kind   FaultKind
		text   string
	}{
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}`, FaultContext, "prompt is too long"},
		{400, `{"error":{"message":"This model's maximum context length is 8 tokens","type":"invalid_request_error","code":"context_length_exceeded"}}`, FaultContext, "maximum context"},
		{429, `{"error":{"message":"slow down","type":"rate_limit_error","code":null}}`, FaultRate, "slow down"},
		{529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, FaultRate, "Overloaded"},
		{0, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, FaultRate, "Overloaded"},
		{504, `{"error":{"message":"p gives no answer","type":"server_error","code":"provider_silent"}}`, FaultTimeout, "no answer"},
		{403, `{"type":"error","error":{"type":"permission_error","message":"not for you"}}`, FaultRefusal, "not for you"},
		{500, `<html>oops</html>`, FaultUnknown, "Internal Server Error"},
		{500, `{"error":"a text"}`, FaultUnknown, "Internal Server Error"},
		{500, `{"error":{"message":"","code":42}}`, FaultUnknown, "gives no reason"},
	} {
		if f := faultOf("p", row.status, []byte(row.body)); f.Kind != row.kind || !strings.Contains(f.Message, row.text) {
			t.Errorf("%s: %+v", row.body, f)
		}
	}
	f := &Fault{Message: "a\x1b[31mb\x00 secret " + strings.Repeat("ü", longestFault), Type: "t\r\n"}
	f.clean(func(text string) string { return strings.ReplaceAll(text, "secret", "••••") })
	if strings.ContainsAny(f.Message+f.Type, "\x1b\x00\r") || strings.Contains(f.Message, "secret") || len(f.Message) > longestFault+len("…") || !strings.HasSuffix(f.Message, "ü…") {
		t.Errorf("%q %q", f.Message, f.Type)
	}
}

// FuzzReceive: whatever a provider sends, in whatever pieces, the receiver keeps
// its bounds, and the text that it keeps is what it showed.
func FuzzReceive(f *testing.F) {
	f.Add(anthropicStream, 40, true)
	f.Add(openAIStream, 7, false)
	f.Add("data: {\"type\":\"error\",\"error\":{\"message\":7}}\n\ndata: null\n\ndata: []\n\n", 3, true)
	f.Fuzz(func(t *testing.T, stream string, at int, first bool) {
		kind := KindOpenAI
		if first {
			kind = KindAnthropic
		}
		whole, said := receive(kind, "text/event-stream", 200, stream)
		if strings.Join(said, "") != whole.words.String() || whole.words.Len() > maxAnswer+maxLine || len(whole.line) > maxLine {
			t.Fatalf("%q: %d bytes", said, whole.words.Len())
		}
		if at < 0 || at > len(stream) {
			return
		}
		cut, _ := receive(kind, "text/event-stream", 200, stream[:at], stream[at:])
		if cut.words.String() != whole.words.String() || cut.whole != whole.whole || (cut.fault == nil) != (whole.fault == nil) || cut.usage != whole.usage {
			t.Fatalf("cut at %d: %+v, whole: %+v", at, cut, whole)
		}
		receive(kind, "application/json", 200, stream)
		faultOf("p", 500, []byte(stream)).clean(func(text string) string { return text })
	})
}
