package supervise

import (
	"slices"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// A person is told in one line of what an agent is not given, however much it is. What
// does not exist and what is denied is no matter of the line.
func TestWhatIsNotOpenedIsOneLine(t *testing.T) {
	link := policy.Unmet{Kind: policy.UnmetLink, Reason: "/a/link is not opened: it is a link that agent builder can change", Cure: "allow where it leads, if that is meant"}
	own := policy.Unmet{Kind: policy.UnmetOwn, Reason: "/tmp is the cage's own and stays so", Cure: "allow what is meant below it"}
	missing := policy.Unmet{Kind: policy.UnmetMissing, Reason: "/gone does not exist", Cure: "make it"}
	denied := policy.Unmet{Kind: policy.UnmetDenied, Reason: "/no is denied where it leads now", Cure: "deny where it leads"}
	for _, c := range []struct {
		list []policy.Unmet
		want []string
	}{
		{nil, nil},
		{[]policy.Unmet{missing, denied}, nil},
		{[]policy.Unmet{missing, own}, []string{"/tmp is the cage's own and stays so; allow what is meant below it"}},
		{[]policy.Unmet{link, missing, own, denied, link}, []string{
			"/a/link is not opened: it is a link that agent builder can change; allow where it leads, if that is meant; and 2 more: openclaw agent show coder",
		}},
	} {
		var said []string
		options := Options{Agent: "coder", Dir: "/work", Warn: func(text string) { said = append(said, text) }}
		options.stands(sandbox.Report{Dir: "/work", Unmet: c.list})
		if !slices.Equal(said, c.want) {
			t.Errorf("%v: %q", c.list, said)
		}
	}
}
