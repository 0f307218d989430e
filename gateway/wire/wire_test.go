package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestDecodeRequestRefusesWhatTheProtocolForbids(t *testing.T) {
	for name, test := range map[string]struct{ frame, want string }{
		"not json":         {`hello`, "not a JSON"},
		"array":            {`[1]`, "not a JSON"},
		"two objects":      {`{"type":"req","id":"1","method":"a"}{}`, "not a JSON"},
		"wrong type":       {`{"type":"res","id":"1","method":"a"}`, "type must"},
		"no id":            {`{"type":"req","method":"a"}`, "id must"},
		"numeric id":       {`{"type":"req","id":1,"method":"a"}`, "not a JSON"},
		"long id":          {`{"type":"req","id":"` + strings.Repeat("x", MaxID+1) + `","method":"a"}`, "id is longer"},
		"no method":        {`{"type":"req","id":"1"}`, "method must"},
		"long method":      {`{"type":"req","id":"1","method":"` + strings.Repeat("m", MaxMethod+1) + `"}`, "method is longer"},
		"deep nest":        {`{"type":"req","id":"1","method":"a","params":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "not a JSON"},
		"fine":             {`{"type":"req","id":"1:x","method":"health"}`, ""},
		"unknown field ok": {`{"type":"req","id":"1","method":"health","traceparent":"00","expectedProfileId":"p"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeRequest([]byte(test.frame))
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestParamsErrorNeverRepeatsAValue(t *testing.T) {
	const canary = "918273645546372819"
	for _, params := range []string{`{"name":` + canary + `}`, `{"value":"not base64 ` + canary + `"}`, `"` + canary + `"`} {
		err := DecodeParams(MethodSecretSet, json.RawMessage(params), &SecretSetParams{})
		if err == nil {
			t.Fatalf("%s was accepted", params)
		}
		if strings.Contains(err.Error(), canary) {
			t.Fatalf("the error repeats the value: %v", err)
		}
	}
}

func TestCredentialsPrintAsBullets(t *testing.T) {
	c := Connect{Auth: Credentials{Token: "canary-token", Password: "canary-password"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, c); strings.Contains(text, "canary") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

func TestFramesAsClientsGuardThem(t *testing.T) {
	result, err := EncodeResult(`odd "id"`+"\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := DecodeFrame(result); err != nil || f.Response.ID != `odd "id"`+"\n" || string(f.Response.Payload) != "{}" {
		t.Errorf("result: %+v %v", f.Response, err)
	}
	if f, err := DecodeFrame(EncodeRefusal("1", &Error{Details: map[string]any{"bad": func() {}}})); err != nil || f.Response.Error.Code == "" {
		t.Errorf("refusal: %+v %v", f.Response, err)
	}
	if got := string(EncodeEvent("tick", json.RawMessage(`{"ts":1}`), 7)); got != `{"type":"event","event":"tick","payload":{"ts":1},"seq":7}` {
		t.Error(got)
	}
	if got := string(EncodeEvent("connect.challenge", nil, 0)); strings.Contains(got, "seq") {
		t.Error(got)
	}
	for _, bad := range []string{`{"type":"res","ok":true}`, `{"type":"res","id":"1"}`, `{"type":"res","id":"1","ok":false}`, `{"type":"event"}`, `{"type":"event","event":"x","seq":-1}`, `7`} {
		if _, err := DecodeFrame([]byte(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"type":"req","id":"1","method":"health","params":{}}`))
	f.Add([]byte(`{"type":"req","id":"\ud800","method":"x"}`))
	f.Add([]byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		r, err := DecodeRequest(frame)
		if err != nil {
			return
		}
		answer, err := EncodeResult(r.ID, map[string]int{"a": 1})
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeFrame(answer)
		if err != nil || back.Response.ID != r.ID {
			t.Fatalf("id %q came back as %+v, %v", r.ID, back.Response, err)
		}
	})
}

func FuzzDecodeFrame(f *testing.F) {
	f.Add([]byte(`{"type":"res","id":"1","ok":true,"payload":{}}`))
	f.Add([]byte(`{"type":"event","event":"tick","seq":1}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		got, err := DecodeFrame(frame)
		if err == nil && (got.Response == nil) == (got.Event == nil) {
			t.Fatal("not exactly one of response and event")
		}
	})
}
