package learn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

const home = "/home/ada"

// tree is a host of files and folders; a name that ends in "/" is a folder.
type tree []string

func (t tree) File(name string) bool    { return slices.Contains(t, name) && !t.Folder(name) }
func (t tree) Program(name string) bool { return strings.HasSuffix(name, "get-token") }
func (t tree) Folder(name string) bool  { return slices.Contains(t, name+"/") }
func (t tree) Secrets(folder string) (names []string, whole bool) {
	for _, name := range t {
		if under(name, folder) && !strings.HasSuffix(name, "/") && secret(name) {
			names = append(names, name)
		}
	}
	return names, true
}

func compiled(tb testing.TB, own policy.Permissions) *policy.Policy {
	tb.Helper()
	p, problems := policy.Compile(policy.Input{Agent: "coder", Home: home, StateDir: home + "/.openclaw", Own: own, OwnKey: "agents.coder"})
	if p == nil {
		tb.Fatal(problems)
	}
	return p
}

// accesses reads "class operation target" lines; "~" is home.
func accesses(lines ...string) (out []Access) {
	for _, text := range lines {
		fields := strings.Fields(text)
		out = append(out, Access{
			Class: policy.Class(fields[0]), Operation: fields[1], Target: strings.Replace(fields[2], "~", home, 1), Count: 1,
		})
	}
	return out
}

// brief is a proposal in words.
func brief(p Proposal) string {
	var out []string
	short := func(name string) string { return strings.Replace(name, home, "~", 1) }
	for _, line := range p.Paths {
		text := string(line.Access) + " " + short(line.Path)
		if line.Folder {
			text += "/"
		}
		out = append(out, text)
	}
	for _, name := range p.Denied {
		out = append(out, "deny "+short(name))
	}
	for _, target := range append(slices.Clone(p.Domains), p.Addresses...) {
		out = append(out, "net "+target)
	}
	for _, name := range p.Secrets {
		out = append(out, "secret "+short(name))
	}
	for _, left := range p.Left {
		out = append(out, "left "+short(left.Target))
	}
	return strings.Join(out, "; ")
}

func TestTheRules(t *testing.T) {
	files := tree{
		home + "/src/", home + "/src/a", home + "/src/b", home + "/src/c", home + "/src/d", home + "/src/.env", home + "/docs/", home + "/docs/x", home + "/keys/", home + "/keys/key.pem",
		home + "/.config/", home + "/.config/tool/", home + "/.config/tool/rc", home + "/.cache/", home + "/new/", home + "/full/", home + "/.tool/", "/srv/", "/srv/data/",
	}
	for n := range maxSecrets + 1 {
		files = append(files, fmt.Sprintf("%s/full/%d.pem", home, n))
	}
	for name, test := range map[string]struct {
		done []string
		want string
	}{
		"a file by its own name": {[]string{"path.read open ~/src/a", "path.write open ~/src/b"}, "read ~/src/a; write ~/src/b"},
		"written is read too":    {[]string{"path.read open ~/src/a", "path.write truncate ~/src/a"}, "write ~/src/a"},
		"three are no folder":    {[]string{"path.read open ~/src/a", "path.read open ~/src/b", "path.read open ~/src/c"}, "read ~/src/a; read ~/src/b; read ~/src/c"},
		"siblings, without the secret beside them": {
			[]string{"path.read open ~/src/a", "path.read open ~/src/b", "path.read open ~/src/c", "path.read open ~/src/d"}, "read ~/src/; deny ~/src/.env",
		},
		"siblings of another access": {
			[]string{"path.read open ~/src/a", "path.write open ~/src/b", "path.read open ~/src/c", "path.read open ~/src/d"},
			"read ~/src/a; write ~/src/b; read ~/src/c; read ~/src/d",
		},
		"siblings upwards": {
			slices.Concat(four("~/src/1"), four("~/src/2"), four("~/src/3"), four("~/src/4")), "read ~/src/; deny ~/src/.env",
		},
		"home is too wide": {
			[]string{"path.read open ~/.a", "path.read open ~/.b", "path.read open ~/.c", "path.read open ~/.d", "path.read opendir ~"},
			"read ~/.a; read ~/.b; read ~/.c; read ~/.d",
		},
		"home is too wide to list":     {[]string{"path.read opendir ~"}, ""},
		"a dot folder of home":         {slices.Concat(four("~/.tool"), []string{"path.read opendir ~/.tool"}), "read ~/.tool/1; read ~/.tool/2; read ~/.tool/3; read ~/.tool/4"},
		"below a dot folder":           {four("~/.config/tool"), "read ~/.config/tool/"},
		"what holds a denied place":    {four("~/.config/x1/../../.config"), ""},
		"the machine's folders":        {append(four("/srv"), "path.read opendir /srv"), "read /srv/1; read /srv/2; read /srv/3; read /srv/4"},
		"below the machine's folders":  {four("/srv/data"), "read /srv/data/"},
		"a program":                    {[]string{"exec execve ~/src/a", "path.read execve ~/src/a"}, "read ~/src/a"},
		"a program with a secret name": {[]string{"exec execve ~/src/get-token", "exec execve ~/src/.env"}, "read ~/src/get-token; secret ~/src/.env"},
		"replaced":                     {[]string{"path.write create ~/docs/.tmp1", "path.write rename ~/docs/.tmp1", "path.write rename ~/docs/x"}, "write ~/docs/"},
		"replaced in home":             {[]string{"path.write rename ~/.rc"}, "write ~/.rc"},
		"created":                      {[]string{"path.write create ~/docs/y"}, "write ~/docs/y"},
		"a folder that was made":       {[]string{"path.write mkdir ~/new", "path.write create ~/new/f"}, "write ~/new/"},
		"a dot folder that was made":   {[]string{"path.write mkdir ~/.fresh", "path.write create ~/.fresh/f"}, "write ~/.fresh/"},
		"a listing alone":              {[]string{"path.read opendir ~/docs"}, "read ~/docs/"},
		"a listing that leads on":      {[]string{"path.read opendir ~/docs", "path.read open ~/docs/x"}, "read ~/docs/x"},
		"a listing with looks":         {[]string{"path.read opendir ~/docs", "path.read stat ~/docs/z", "path.read open ~/docs/x"}, "read ~/docs/"},
		"a look by name":               {[]string{"path.read stat ~/docs/x", "path.read stat ~/docs", "path.read readlink ~/link"}, "read ~/docs/x; left ~/link"},
		"a folder that was looked at":  {[]string{"path.read stat ~/docs"}, "left ~/docs"},
		"may it be written":            {[]string{"path.write access ~/docs/x"}, "write ~/docs/x"},
		"secrets":                      {[]string{"path.read open ~/src/.env", "path.read open ~/docs/id_rsa", "path.read stat ~/keys/key.pem", "path.read open ~/docs/id_rsa.pub"}, "read ~/docs/id_rsa.pub; secret ~/docs/id_rsa; secret ~/keys/key.pem; secret ~/src/.env"},
		"too many secrets":             {append(four("~/full"), "path.read opendir ~/full"), "read ~/full/1; read ~/full/2; read ~/full/3; read ~/full/4"},
		"too many secrets, listed":     {[]string{"path.read opendir ~/full"}, "left ~/full"},
		"a name that cannot be written": {
			[]string{"path.read open ~/src/[x]", "path.read open ~/src/\x01", "path.read open ~/src/\xff"}, "left ~/src/\x01; left ~/src/[x]; left ~/src/\xff",
		},
		"names on the network": {
			[]string{"net connect a.test:443", "net connect a.test:80", "net connect b.test:8080", "net connect 203.0.114.9:443", "net connect [2600::1]:53"},
			"net a.test:443; net a.test:80; net b.test:8080; net 203.0.114.9:443; net [2600::1]:53",
		},
		"what a rule denies": {[]string{"path.read open ~/.ssh/id", "net connect 10.0.0.1:80", "path.write open /usr/bin/x"}, "left /usr/bin/x; left ~/.ssh/id; left 10.0.0.1:80"},
		"what a rule allows": {[]string{"path.read open ~/.openclaw/agents/coder/f", "path.read open /usr/bin/ls"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "what holds a denied place" {
				test.done = four("~/.config")
				test.want = "read ~/.config/1; read ~/.config/2; read ~/.config/3; read ~/.config/4"
			}
			got := Propose(accesses(test.done...), Options{Policy: compiled(t, policy.Permissions{}), Tree: files})
			if text := sortLeft(brief(got)); text != sortLeft(test.want) {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
			again := Propose(accesses(test.done...), Options{Policy: compiled(t, policy.Permissions{}), Tree: files})
			if brief(again) != brief(got) {
				t.Errorf("another time it is %s", brief(again))
			}
		})
	}
}

// What an agent's link led to is told and not proposed: the person allowed the link, and
// not what an agent made of it.
func TestWhatALinkLedToIsNotProposed(t *testing.T) {
	unmet := []policy.Unmet{{Path: home + "/project/out", Kind: policy.UnmetLink, Link: home + "/project/out", Agents: []string{"builder"}}}
	real := func(string) (string, bool) { return home + "/mine", true }
	done := accesses("path.read open ~/mine/diary", "path.read open ~/docs/x")
	for i := range done {
		done[i].Rule = policy.LedHere(unmet, "coder", done[i].Target, policy.Decision{Rule: policy.RuleNone}, real).Rule
	}
	got := Propose(done, Options{Policy: compiled(t, policy.Permissions{}), Tree: tree{home + "/mine/diary", home + "/docs/x"}})
	if text := brief(got); text != "read ~/docs/x; left ~/mine/diary" || !strings.Contains(got.Left[0].Why, "a link that agent builder can change") {
		t.Errorf("%s: %+v", text, got.Left)
	}
}

func four(folder string) (lines []string) {
	for n := range siblings {
		lines = append(lines, fmt.Sprintf("path.read open %s/%d", folder, n+1))
	}
	return lines
}

func sortLeft(text string) string {
	parts := strings.Split(text, "; ")
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

// With the person's word what looks secret is proposed, and only what was used.
func TestSecretsOnRequest(t *testing.T) {
	files := tree{home + "/src/", home + "/src/.env", home + "/src/other.key"}
	got := Propose(accesses(append(four("~/src"), "path.read open ~/src/.env")...), Options{Policy: compiled(t, policy.Permissions{}), Tree: files, Secrets: true})
	if brief(got) != "read ~/src/; deny ~/src/other.key" {
		t.Error(brief(got))
	}
}

// Whatever a run did: its proposal allows only what it names, denies what looks
// secret, holds no place that the built-in rules deny, and under it the same
// accesses propose nothing.
func TestAProposalIsAFixedPoint(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", ".env", "x.key", ".config", "tool"}
	operations := []string{"open", "stat", "opendir", "access", "readlink", "execve"}
	writes := []string{"open", "create", "mkdir", "rename", "unlink", "truncate", "access", "symlink"}
	for seed := range 500 {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		var done []Access
		var files tree
		for range 1 + r.IntN(40) {
			name := home
			for range 1 + r.IntN(3) {
				name += "/" + names[r.IntN(len(names))]
				files = append(files, name+"/")
			}
			a := Access{Class: policy.ClassPathRead, Operation: operations[r.IntN(len(operations))], Target: name, Count: 1}
			if r.IntN(3) == 0 {
				a.Class, a.Operation = policy.ClassPathWrite, writes[r.IntN(len(writes))]
			}
			if a.Operation != "opendir" && a.Operation != "mkdir" {
				files[len(files)-1] = name
			}
			done = append(done, a)
		}
		now := compiled(t, policy.Permissions{})
		got := Propose(done, Options{Policy: now, Tree: files})
		var own policy.Permissions
		for _, line := range got.Paths {
			own.AllowedPaths = append(own.AllowedPaths, policy.PathEntry{Path: line.Path, Access: line.Access})
		}
		own.DeniedPaths = got.Denied
		next := compiled(t, own)
		for _, line := range got.Paths {
			for i := range now.Paths {
				if rule := &now.Paths[i]; rule.Effect == policy.Deny && under(rule.Path, line.Path) {
					t.Fatalf("seed %d: %s holds %s", seed, line.Path, rule.Path)
				}
			}
		}
		for _, name := range got.Secrets {
			if next.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect == policy.Allow {
				t.Fatalf("seed %d: %s is allowed by %s", seed, name, brief(got))
			}
		}
		if again := Propose(done, Options{Policy: next, Tree: files}); !again.Empty() {
			t.Fatalf("seed %d: %+v\nfirst %s\nthen  %s", seed, done, brief(got), brief(again))
		}
	}
}

// A name with a secret in it is shown without it and never gets into the config, also not
// as one of four in a folder.
func TestNamesWithSecretsAreNotProposed(t *testing.T) {
	seen := accesses("path.read open ~/a/plain", "path.read open ~/a/hunter2-x", "path.read open ~/b/1", "path.read open ~/b/2", "path.read open ~/b/3", "path.read open ~/b/hunter2")
	refused := []Refusal{{Operation: "open", Target: home + "/.ssh/hunter2", Rule: "denied_paths: /hunter2"}}
	masked := map[string]string{}
	for _, name := range Names(seen, refused) {
		masked[name] = strings.ReplaceAll(name, "hunter2", "[REDACTED]")
	}
	Hide(seen, refused, masked)
	proposal := Propose(seen, Options{Policy: compiled(t, policy.Permissions{}), Tree: tree{}})
	if text := fmt.Sprint(proposal, seen, refused); strings.Contains(text, "hunter2") || strings.Contains(fmt.Sprint(proposal.Paths), "REDACTED") {
		t.Errorf("%s", text)
	}
	odd := accesses("path.read open ~/a/\xffx", "path.read open ~/a/hunter2-y")
	Hide(odd, nil, map[string]string{odd[0].Target: strings.ToValidUTF8(odd[0].Target, "\uFFFD"), odd[1].Target: home + "/a/[REDACTED]-y"})
	why := map[string]string{}
	for _, left := range Propose(odd, Options{Policy: compiled(t, policy.Permissions{}), Tree: tree{}}).Left {
		why[left.Target] = left.Why
	}
	if len(why) != 2 || !strings.Contains(why[odd[0].Target], "not UTF-8") || !strings.Contains(why[odd[1].Target], "a secret") {
		t.Errorf("%q", why)
	}
	if len(proposal.Paths) != 4 || len(proposal.Left) != 2 || refused[0].Target != home+"/.ssh/[REDACTED]" {
		t.Errorf("%+v %+v", proposal, refused)
	}
}
