package policy

import (
	"math/rand/v2"
	"testing"
)

// A run that learns is refused what the policy denies and is never refused what
// it allows; only what is left unsaid becomes a question.
func TestLearningAsksOnlyAboutWhatIsUnsaid(t *testing.T) {
	requests := everyRequest()
	for seed := range 100 {
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		p, _ := randomPolicy(r)
		for _, network := range []bool{true, false} {
			learning := Learning(p, network)
			if learning.Version == p.Version {
				t.Fatal("the same version for another policy")
			}
			for _, q := range requests {
				was, is := p.Decide(q), learning.Decide(q)
				switch {
				case was.Effect == Allow && is.Effect == Allow:
				case was.Effect == Allow:
					t.Fatalf("seed %d: %+v was allowed and is %+v", seed, q, is)
				case q.Class == ClassNet && !network && is.Effect != Deny:
					t.Fatalf("seed %d: %+v without a network: %+v", seed, q, is)
				case is.Effect == Allow:
					t.Fatalf("seed %d: %+v is allowed unasked: %+v, before %+v", seed, q, is, was)
				case is.Effect == Ask && !unsaid(was):
					t.Fatalf("seed %d: %+v is denied by %+v and may be asked about: %+v", seed, q, was, is)
				}
			}
		}
	}
}

// unsaid reports whether a decision was made because no rule spoke.
func unsaid(d Decision) bool {
	switch d.Rule {
	case "not in allowed_paths", "not in allowed_domains", "not in allowed_ips", "no network_access":
		return true
	}
	return false
}
