package provider

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// metered sends an answer through a meter in pieces.
func metered(header http.Header, whole bool, body int64, pieces ...[]byte) Usage {
	m := newMeter(header)
	for _, piece := range pieces {
		m.add(piece)
	}
	m.stop()
	return m.usage(whole, body)
}

func packed(tb testing.TB, text string) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

const (
	anthropicStream = "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":200,\"cache_read_input_tokens\":3000,\"output_tokens\":1}}}\r\n\r\n" +
		"event: ping\r\ndata: {\"type\": \"ping\"}\r\n\r\n" +
		"event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a \\\"usage\\\": {\\\"output_tokens\\\": 9999}\"}}\r\n\r\n" +
		"event: content_block_start\r\ndata: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"input\":{\"usage\":{\"output_tokens\":7777}}}}\r\n\r\n" +
		"event: message_delta\r\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":42}}\r\n\r\n" +
		"event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n"
	chatStream = "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}],\"usage\":null}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\" world\"}}]}\n\n" +
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":5,\"total_tokens\":16,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\ndata: [DONE]\n\n"
	responsesStream = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"instructions\":\"x\",\"usage\":null}}\n\n" +
		"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Hello\"}\n\n" +
		"event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{\"text\":\"Hello\"}]}],\"usage\":{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":64},\"output_tokens\":20,\"total_tokens\":120}}}\n\n"
	geminiStream = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":1}}\n\n" +
		"data: {\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":6,\"thoughtsTokenCount\":30,\"cachedContentTokenCount\":2,\"promptTokensDetails\":[{\"tokenCount\":8}]}}\n\n"
	geminiList = "[{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":1}}\n,\r\n{\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":6}}]"
)

var events = http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}}

// What an answer cost is read in every API's words, streamed, whole and
// compressed, however it is cut into pieces; a model's own words are not believed.
func TestUsageIsRead(t *testing.T) {
	t.Parallel()
	object := http.Header{"Content-Type": {"application/json"}}
	for name, row := range map[string]struct {
		header http.Header
		text   string
		want   Usage
	}{
		"Anthropic, streamed":  {events, anthropicStream, Usage{In: 3210, Cached: 3000, Out: 42}},
		"chat, streamed":       {events, chatStream, Usage{In: 11, Cached: 4, Out: 5}},
		"responses, streamed":  {events, responsesStream, Usage{In: 100, Cached: 64, Out: 20}},
		"Gemini, streamed":     {events, geminiStream, Usage{In: 8, Cached: 2, Out: 36}},
		"Gemini, as a list":    {object, geminiList, Usage{In: 8, Out: 6}},
		"Anthropic":            {object, `{"content":[{"type":"tool_use","input":{"usage":{"input_tokens":5}}}],"usage":{"input_tokens":3,"output_tokens":2},"x":1}`, Usage{In: 3, Out: 2}},
		"chat":                 {object, "{\n \"usage\" : { \"prompt_tokens\" : 3, \"completion_tokens\":2 }, \"choices\":[{\"message\":{\"usage\":{\"prompt_tokens\":77}}}]}", Usage{In: 3, Out: 2}},
		"responses":            {object, `{"object":"response","usage":{"input_tokens":3,"output_tokens":2}}`, Usage{In: 3, Out: 2}},
		"embeddings":           {object, `{"data":[{"embedding":[1,2]}],"usage":{"prompt_tokens":7,"total_tokens":7}}`, Usage{In: 7}},
		"Gemini":               {object, `{"candidates":[],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}`, Usage{In: 3, Out: 2}},
		"numbers that are not": {object, `{"usage":{"input_tokens":-5,"output_tokens":99999999999999999}}`, Usage{In: 10, Out: mostTokens, Estimated: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := metered(row.header, true, 40, []byte(row.text)); got != row.want {
				t.Errorf("whole: %+v, want %+v", got, row.want)
			}
			for cut := range len(row.text) {
				if got := metered(row.header, true, 40, []byte(row.text[:cut]), []byte(row.text[cut:])); got != row.want {
					t.Fatalf("cut at %d: %+v, want %+v", cut, got, row.want)
				}
			}
			single := make([][]byte, 0, len(row.text))
			for i := range len(row.text) {
				single = append(single, []byte(row.text[i:i+1]))
			}
			if got := metered(row.header, true, 40, single...); got != row.want {
				t.Errorf("byte by byte: %+v, want %+v", got, row.want)
			}
			squeezed := packed(t, row.text)
			header := row.header.Clone()
			header.Set("Content-Encoding", "gzip")
			if got := metered(header, true, 40, squeezed[:len(squeezed)/2], squeezed[len(squeezed)/2:]); got != row.want {
				t.Errorf("compressed: %+v, want %+v", got, row.want)
			}
		})
	}
}

// What an answer does not say is estimated, never free.
func TestUsageIsEstimated(t *testing.T) {
	t.Parallel()
	half := anthropicStream[:strings.Index(anthropicStream, "event: message_delta")]
	plenty := "data: {\"choices\":[{\"delta\":{\"content\":\"" + strings.Repeat("word ", 80) + "\"}}]}\n\n"
	talk := "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + strings.Repeat("word ", 80) + "\"}}\n\n"
	zstd := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"zstd"}}
	bomb := events.Clone()
	bomb.Set("Content-Encoding", "gzip")
	for name, row := range map[string]struct {
		header http.Header
		whole  bool
		text   string
		want   Usage
	}{
		"one that fails in the middle":     {events, true, half + talk + "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n", Usage{In: 3210, Cached: 3000, Out: 109, Estimated: true}},
		"responses that fail":              {events, true, strings.ReplaceAll(plenty, "content", "text") + "data: {\"type\":\"response.failed\",\"response\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":0}}}\n\n", Usage{In: 7, Out: 100, Estimated: true}},
		"one that only stops":              {events, true, half + talk, Usage{In: 3210, Cached: 3000, Out: 109, Estimated: true}},
		"a chat that was not asked for it": {events, true, plenty + plenty + "data: [DONE]\n\n", Usage{In: 10, Out: 200, Estimated: true}},
		"short events":                     {events, true, strings.Repeat("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", 50), Usage{In: 10, Out: 50, Estimated: true}},
		"a stream that was cut":            {events, false, half, Usage{In: 3210, Cached: 3000, Out: 9, Estimated: true}},
		"packed in an unknown way":         {zstd, true, "0123456789", Usage{In: 10, Out: 10, Estimated: true}},
		"packed, it says":                  {bomb, true, "0123456789", Usage{In: 10, Out: 10, Estimated: true}},
	} {
		if got := metered(row.header, row.whole, 40, []byte(row.text)); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
	endless := packed(t, "data: "+strings.Repeat("a", longestUnpacked))
	if got := metered(bomb, true, 0, endless); got.Out != int64(len(endless)) || !got.Estimated {
		t.Errorf("a bomb of %d bytes: %+v", len(endless), got)
	}
	grown := packed(t, strings.Repeat("data: {\"text\":\"aaaa\"}\n\n", 1<<16)) // 1.4 MiB of 6 KiB
	if got := metered(bomb, true, 0, grown); got.Out != 1<<16 {
		t.Errorf("%+v", got)
	}
}

// The meter's state does not depend on where an answer is cut, and nothing makes
// it fail.
func FuzzMeter(f *testing.F) {
	for _, text := range []string{anthropicStream, chatStream, responsesStream, geminiStream, geminiList, `{"usage":{"usage":{}}}`, "data:\rdata: [[[[\n\n", "{]}[\"\\"} {
		f.Add(text, 7, true)
		f.Add(text, 3, false)
	}
	f.Fuzz(func(t *testing.T, text string, cut int, stream bool) {
		header := http.Header{}
		if stream {
			header = events
		}
		cut = max(0, min(cut, len(text)))
		whole := metered(header, true, 9, []byte(text))
		if got := metered(header, true, 9, []byte(text[:cut]), []byte(text[cut:])); got != whole {
			t.Fatalf("cut at %d: %+v, whole: %+v", cut, got, whole)
		}
		if whole.In < 0 || whole.Out < 0 || whole.Cached < 0 {
			t.Fatalf("%+v", whole)
		}
	})
}

// members gives what encoding/json finds.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{`{}`, ` {"model" : "x\"y", "a":[{"b":"]}"}], "\u006dodel":1.5e3,"n":null} `, `{"a":1}x`, `[1]`, `{"a"`, `{"a":}`, `{"a":"\`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := map[string]string{}
		whole := members([]byte(text), func(key, value []byte) bool {
			got[string(key)] = string(value)
			return true
		})
		var want map[string]json.RawMessage
		if !utf8.ValidString(text) || json.Unmarshal([]byte(text), &want) != nil || want == nil {
			return
		}
		if !whole || len(got) != len(want) {
			t.Fatalf("%q: %q, %v", text, got, whole)
		}
		for key, value := range want {
			if got[key] != strings.TrimSpace(string(value)) {
				t.Fatalf("%q: %q is %q, not %q", text, key, got[key], value)
			}
		}
	})
}

// What a request asks for is read so that no server can read another model in it.
func TestAskedModels(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		path, body string
		header     http.Header
		use        use
		want       []string
		problem    error
	}{
		"one":               {body: `{"messages":[{"model":"inner"}],"model":"a"}`, want: []string{"a"}},
		"escaped":           {body: `{"\u006dodel":"\u0061"}`, want: []string{"a"}},
		"twice":             {body: `{"model":"a","model":"b"}`, problem: errTwice},
		"twice, escaped":    {body: `{"model":"a","m\u006fdel":"b"}`, problem: errTwice},
		"in an odd case":    {body: `{"model":"a","MODELſ":["b"]}`, want: []string{"a", "b"}},
		"in another case":   {body: `{"model":"a","Model":"b"}`, problem: errTwice},
		"none":              {body: `{"messages":[]}`, problem: errNoModel},
		"no name":           {body: `{"model":{"a":1}}`, problem: errNoModelsName},
		"null":              {body: `{"model":null}`, problem: errNoModel},
		"alternatives":      {body: `{"model":"a","models":["b","c"]}`, want: []string{"a", "b", "c"}},
		"fallbacks":         {body: `{"fallbacks":[{"x":1}],"model":"a"}`, problem: errNoModelsName},
		"a tool's":          {body: `{"model":"a","tools":[{"type":"advisor","model":"b"},{"name":"x","input_schema":{"properties":{"model":{"type":"string"}}}}]}`, want: []string{"a", "b"}},
		"two objects":       {body: `{"model":"a"}{"model":"b"}`, problem: errNotObject},
		"no JSON":           {body: `model=a`, problem: errNotObject},
		"a comment":         {body: `{/*"*/"model":"a"/*"*/}`, problem: errNotObject},
		"a byte order mark": {body: "\ufeff{\"model\":\"a\"}", problem: errNotObject},
		"a list":            {body: `[{"model":"a"}]`, problem: errNotObject},
		"compressed":        {body: `{"model":"a"}`, header: http.Header{"Content-Encoding": {"gzip"}}, problem: errPacked},
		"Gemini's path":     {path: "/v1beta/models/gemini-x:generateContent", body: `{"contents":[]}`, want: []string{"gemini-x"}},
		"Gemini's both":     {path: "/v1beta/models/gemini-x:generateContent", body: `{"model":"models/other"}`, want: []string{"gemini-x", "other"}},
		"nothing is asked":  {path: "/v1/models", use: useReads},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if row.use == 0 && row.path != "/v1/models" {
				row.use = useGenerates
			}
			c := &call{use: row.use, request: &http.Request{Header: row.header}}
			got, err := c.asked(row.path, []byte(row.body))
			if !errors.Is(err, row.problem) || err == nil && !slices.Equal(got.Models, row.want) {
				t.Errorf("%q %v, want %q %v", got.Models, err, row.want, row.problem)
			}
		})
	}
	for body, want := range map[string]bool{`{"model":"a","background":true}`: true, `{"model":"a","background":false}`: false, `{"model":"a","background":"yes"}`: true, `{"model":"a"}`: false} {
		c := &call{use: useGenerates, request: &http.Request{}}
		if got, err := c.asked("", []byte(body)); err != nil || got.Background != want {
			t.Errorf("%s: %+v %v", body, got, err)
		}
	}
}

// BenchmarkMeter is the cost of counting, for a stream of 200 events of a usual
// size; an event is ns/op divided by 200.
func BenchmarkMeter(b *testing.B) {
	event := []byte("data: {\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"service_tier\":\"default\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":null,\"finish_reason\":null}],\"obfuscation\":\"abcdefgh\"}\n\n")
	b.SetBytes(int64(200 * len(event)))
	for b.Loop() {
		m := newMeter(events)
		for range 200 {
			m.add(event)
		}
		m.stop()
	}
}
