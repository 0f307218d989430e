package wire

import (
	"encoding/json"
	"reflect"
	"testing"

	"openclaw/sandbox/policy"
)

// A supervisor gets the same policy whichever way it comes: packed if it has the
// gateway's shape of a policy, as JSON if it has another or says none.
func TestPolicyOfARunComesEitherWay(t *testing.T) {
	t.Parallel()
	p := &policy.Policy{Agent: "coder", Version: "v1", Home: "/home/x", Paths: []policy.PathRule{{Path: "/home/x/a", Effect: policy.Deny, Except: []string{"/home/x/a/b"}}}}
	for shape, packed := range map[string]bool{policy.Shape(): true, "another": false, "": false} {
		data, err := json.Marshal(RunStarted{Run: "r1"}.With(p, shape))
		if err != nil {
			t.Fatal(err)
		}
		var got RunStarted
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if (got.Packed != nil) != packed || (got.Policy == nil) != packed {
			t.Errorf("shape %q: %s", shape, data)
		}
		if err := got.Unpack(); err != nil || !reflect.DeepEqual(got.Policy, p) || got.Packed != nil {
			t.Errorf("shape %q: %v, %+v", shape, err, got.Policy)
		}
	}
	broken := RunStarted{Packed: []byte("\x05code")}
	if err := broken.Unpack(); err == nil {
		t.Error("a policy was read from half of one")
	}
}
