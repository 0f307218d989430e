package darwin

import (
	"errors"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// A link that an agent can change opens nothing but what is allowed anyway, whichever
// agent that is; where no agent can change it, it is the person's and is followed.
func TestLinksThatAgentsCanChange(t *testing.T) {
	links := map[string]string{
		"/Users/ada/project/out": "/Users/ada/private", "/Users/ada/shared/out": "/Users/ada/private",
		"/Users/ada/mine": "/Volumes/Data/mine", "/Users/ada/work": "/Users/ada/project/work",
		"/Users/ada/project/secret": "/Users/ada/private/secret", "/Users/ada/system/out": "/Users/ada/private",
	}
	resolve := func(name string) (string, []string) {
		for link, target := range links {
			if rest, ok := strings.CutPrefix(name, link); ok && (rest == "" || rest[0] == '/') {
				return target + rest, []string{link}
			}
		}
		return Physical(name), nil
	}
	changeable := func(dir string) bool { return dir != "/Users/ada/system" }
	compiled := func(workspace string, paths ...policy.PathEntry) *policy.Policy {
		t.Helper()
		p, problems := policy.Compile(policy.Input{
			Agent: "coder", Home: "/Users/ada", StateDir: "/Users/ada/.openclaw", OwnKey: "agents.coder",
			Own: policy.Permissions{
				AllowedPaths: append(paths, policy.PathEntry{Path: "~/project"}, policy.PathEntry{Path: "~/mine"}),
				DeniedPaths:  []string{"~/project/out/key", "~/project/secret"},
			},
			OthersWrite: []policy.SharedPath{{Path: "/Users/ada/shared", Agents: []string{"tester", "builder"}}, {Path: "/Users/ada/system", Agents: []string{"tester"}}},
		})
		if p == nil {
			t.Fatal(problems)
		}
		if workspace != "" {
			p.Workspace = workspace
		}
		return p
	}
	p := compiled("", policy.PathEntry{Path: "~/project/out"}, policy.PathEntry{Path: "~/shared/out"}, policy.PathEntry{Path: "~/system/out/public"})
	opened, unmet, err := Unplanted(p, resolve, changeable)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for i := range unmet {
		told = append(told, unmet[i].String())
	}
	want := []string{
		"/Users/ada/project/out/key is denied where it leads now, but /Users/ada/project/out is a link that the agent itself can change; deny where it leads",
		"/Users/ada/project/out is not opened: it is a link that the agent itself can change; allow where it leads, if that is meant",
		"/Users/ada/shared/out is not opened: it is a link that agent builder or agent tester can change; allow where it leads, if that is meant",
	}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told %q", told)
	}
	o := testOptions()
	o.Resolve = resolve
	judgeAll(t, opened, o, []judged{
		{"file-read-data", "/Users/ada/project/main.go", true, ""},
		{"file-read-data", "/Volumes/Data/mine/file", true, ""},
		{"file-read-data", "/Users/ada/private/public/file", true, ""},
		{"file-read-data", "/Users/ada/private/file", false, "default"},
		{"file-write-data", "/Users/ada/private/file", false, "default"},
	})
	for _, workspace := range []string{"/Users/ada/project/out", "/Users/ada/shared/out"} {
		_, _, err := Unplanted(compiled(workspace, policy.PathEntry{Path: workspace}), resolve, changeable)
		if !errors.Is(err, ErrPlanted) || !strings.Contains(err.Error(), workspace) {
			t.Errorf("%s as a workspace: %v", workspace, err)
		}
	}
	if _, _, err := Unplanted(compiled("/Users/ada/mine"), resolve, changeable); err != nil {
		t.Errorf("a person's own link to the workspace: %v", err)
	}
}
