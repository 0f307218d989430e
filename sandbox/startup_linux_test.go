package sandbox_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// An agent with the whole home folder cannot write what the person's next shell,
// session or editor runs: not what is there, not what is not, not by a way around.
func TestStartUpFilesCannotBeWritten(t *testing.T) {
	w := newWorld(t).allow("")
	w.write(".local/bin/tool", "#!/bin/sh\n")
	before := w.names("")
	got := w.sh(`cd "$HOME" || exit 9
echo evil >> .bashrc
echo evil > .zshrc
mkdir .vim
ln -s project/main.go .profile
cp project/main.go new; mv new .bash_profile
mv .bashrc moved
mv .local elsewhere
mv .local/bin .local/others
rm .bashrc
ln .bashrc hard && echo evil >> hard
echo evil > .local/bin/ls
echo evil >> .local/bin/tool
chmod +x .local/bin/tool
truncate -s 0 .bashrc
mkdir -p .config/fish
mkdir -p .config/systemd/user
python3 -c 'import os; os.rename("project", ".vim")'
cat .bashrc`)
	if got.status.Code != 0 || !strings.Contains(got.out, "alias ll") {
		t.Errorf("%+v", got.status)
	}
	after := slices.DeleteFunc(w.names(""), func(name string) bool {
		return name == "/new" || name == "/.config" || strings.HasPrefix(name, "/.openclaw")
	})
	before = slices.DeleteFunc(before, func(name string) bool { return strings.HasPrefix(name, "/.openclaw") })
	if !slices.Equal(before, after) {
		t.Errorf("before %q, after %q", before, after)
	}
	if text := w.read(".bashrc"); text != "alias ll='ls -l'" {
		t.Errorf(".bashrc is %q", text)
	}
	if text := w.read(".local/bin/tool"); text != "#!/bin/sh\n" {
		t.Errorf(".local/bin/tool is %q", text)
	}
	if info, err := os.Stat(w.path(".local/bin/tool")); err != nil || info.Mode()&0o111 != 0 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	var named int
	for _, d := range got.denials {
		if strings.Contains(d.Rule, "start-up file of a shell") {
			named++
		}
	}
	if named < 5 {
		t.Errorf("%d denials name the rule: %q", named, w.brief(got.denials))
	}
}
