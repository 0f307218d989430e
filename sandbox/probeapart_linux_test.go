package sandbox_test

import (
	"reflect"
	"testing"

	"openclaw/sandbox"
)

func TestProbeApartSaysWhatProbeSays(t *testing.T) {
	apart, err := sandbox.ProbeApart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := func(list []sandbox.Mechanism) (all []string) {
		for _, m := range list {
			if m.Enforced {
				all = append(all, m.Name)
			}
		}
		return all
	}
	here := sandbox.Probe(t.Context())
	if !reflect.DeepEqual(names(apart.Mechanisms), names(here.Mechanisms)) {
		t.Errorf("apart %v, here %v", names(apart.Mechanisms), names(here.Mechanisms))
	}
}
