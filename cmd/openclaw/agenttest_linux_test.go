package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What 'agent test' says of a path is what the kernel does with it in a real cage, however
// the path is written and whatever lies on its way; each case is tried in both.
func TestWhatAgentTestSaysIsWhatTheKernelDoes(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure(`agents:
  coder:
    permissions:
      allowed_paths:
        - ~/rw
        - {path: ~/ro, access: read}
        - ~/ro/none
        - {path: ~/served, access: read}
        - ~/served/none
        - {path: ~/way/a, access: read}
        - {path: ~/held/b, access: read}
      denied_paths: [~/served/no, "~/rw/**/.env", ~/rw/no]
      system_commands: false
`)
	at := func(name string) string { return p.home + "/" + name } // not cleaned
	long := "rw" + strings.Repeat("/"+strings.Repeat("d", 200), 18)
	for _, name := range []string{"rw/a", "rw/two\nlines", "rw/\xff\xfe", "rw/deep/.env", "rw/no/x", "ro/a", "served/no", "out/x", "led/a", "led2/b", "hold/none", long + "/a", "rw/locked/x"} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, at(name), "#!/bin/sh\n")
	}
	for name, target := range map[string]string{
		"rw/out": "../out", "alias": "rw", "alias2": "alias", "rw/hop": "../alias/a", "rw/hop2": "../alias2/a", "out/back": "../rw/a", "rw/loop": "loop",
		"rw/mount": "/usr/bin/true", "rw/fine": "/usr/bin/true", "rw/env": "deep/.env", "way": "way2", "way2": "led", "held": "hold/led", "hold/led": "../led2",
	} {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	host, err := os.CreateTemp("", "openclaw-of-the-host-") //nolint:usetesting // a cage has another folder in the place of this one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(host.Name()) })
	_ = host.Close()
	cases := []struct {
		operation, path string
		allowed         bool
	}{
		{"read", at("rw/two\nlines"), true},
		{"write", at("rw/\xff\xfe"), true},
		{"read", at(long + "/a"), true},
		{"write", at("rw/deep/.env"), false},
		{"read", at("rw/env"), false},
		{"write", at("rw/fresh"), true},
		{"read", at("rw/no/x"), false},
		{"read", at("rw/out/x"), false},
		// A link in a folder that is refused is followed where its text tells nothing.
		{"read", at("alias/a"), true},
		{"write", at("out/back"), true},
		{"read", at("alias2/a"), false},
		{"read", at("way/a"), true}, // a rule goes through these
		{"read", at("rw/hop"), true},
		{"read", at("rw/hop2"), false},
		{"read", at("rw/loop"), false},
		// The folder above a link's target is not the one that the link lies in.
		{"write", at("rw/out/../ro/a"), false},
		{"read", at("rw/out/../ro/a"), true},
		{"write", at("rw/out/../a"), false},
		{"read", at("rw/../rw/a"), true},
		// What does not exist: in a folder that is bound to read, and in one that is served.
		{"write", at("ro/none"), false},
		{"write", at("served/none"), true},
		{"write", at("served/other"), false},
		// A folder on the way shows what it leads to; a folder of the cage's own is not this one.
		{"read", p.home, true},
		{"read", "/", true},
		{"read", at("out"), false},
		{"read", at("alias2/.."), false}, // the link may not be read, wherever it leads
		{"read", at("hold"), true},       // a link of a rule's lies in it
		{"read", host.Name(), false},
		{"write", host.Name() + "-new", true},
		{"exec", at("rw/fine"), true},
		{"exec", at("rw/mount"), false},
		{"exec", "/usr/bin/mount", false},
		{"exec", at("rw/a"), false}, // it has no x bit
		{"exec", at("rw/locked"), false},
		{"exec", "ls", true}, // from PATH, as a shell finds it
		{"exec", "mount", false},
	}
	var script strings.Builder
	for _, one := range cases {
		quoted := "'" + one.path + "'"
		try := map[string]string{"read": "if [ -d " + quoted + " ]; then ls " + quoted + "; else exec 3< " + quoted + "; fi", "write": "exec 3>> " + quoted, "exec": quoted}
		script.WriteString("( " + try[one.operation] + " ) > /dev/null 2>&1 && echo y || echo n\n")
	}
	ran := p.openclaw("agent", "run", "coder", "--", "sh", "-c", script.String())
	kernel := strings.Fields(ran.out)
	if len(kernel) != len(cases) {
		t.Fatalf("%d answers to %d cases: %s%s", len(kernel), len(cases), ran.out, ran.errors)
	}
	_ = os.Remove(at("rw/fresh"))
	_ = os.Remove(at("served/none"))
	for i, one := range cases {
		said := p.openclaw("agent", "test", "coder", one.operation, one.path)
		if did := kernel[i] == "y"; did != one.allowed || (said.code == exitOK) != did || said.code != exitOK && said.code != exitRefused {
			t.Errorf("%s %q: the kernel lets it through: %v, and 'agent test' ends with %d: %s%s", one.operation, one.path, did, said.code, said.out, said.errors)
		}
	}
	// A path is written as in the config, too, and from where one stands.
	for _, path := range []string{"~/rw/a", "rw/a", "./rw/../rw/a"} {
		if said := p.openclaw("agent", "test", "coder", "write", path); said.code != exitOK {
			t.Errorf("%s: %+v", path, said)
		}
	}
	if said := p.openclaw("agent", "test", "coder", "write", "rw/out/../ro/a"); said.code != exitRefused {
		t.Errorf("above a link's target: %+v", said)
	}
	for _, words := range [][]string{{"read", ""}, {"exec", "no-such-program"}, {"connect", "http://example.com/"}, {"connect", "https://example.com:443"}} {
		said := p.openclaw(append([]string{"agent", "test", "coder"}, words...)...)
		if said.code != exitUsage || words[0] == "connect" && !strings.Contains(said.errors, "write it like") {
			t.Errorf("%q: %+v", words, said)
		}
	}
}
