package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// given runs a command line with words on its standard input.
func (p *person) given(stdin string, args ...string) result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 3*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.binary, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.environ, p.home, strings.NewReader(stdin), &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		p.t.Fatalf("%q: %v", args, err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// A disk that fills up before a change of a secret refuses the change with what is wrong,
// takes nothing and leaves nothing half made; with room again the same change works.
// Where the logs lie on the same disk, the audit log refuses first; where they have one
// of their own, it is the writing of the secrets themselves that meets the end of it.
func TestDiskFullUnderChangesOfSecrets(t *testing.T) {
	for name, logs := range map[string]string{"with the logs": "", "logs on a disk of their own": `
		mkdir -p "$state/logs"; mount -t tmpfs -o size=16m,mode=700 none "$state/logs" || exit 98
		`} {
		t.Run(name, func(t *testing.T) { changeSecretsOnAFullDisk(t, logs) })
	}
}

func changeSecretsOnAFullDisk(t *testing.T, logs string) {
	t.Helper()
	t.Parallel()
	p := newPerson(t)
	const literal = "gsk_9fQ2mZ81LsYb20XcNd74RfTqvWm3"
	write(t, filepath.Join(p.home, ".bashrc"), "export GROQ_API_KEY="+literal+"\n")
	got := p.inNamespaces("--net", full+logs+`
		printf 'agents:\n  coder: {}\n' > "$state/config.yaml"; chmod 600 "$state/config.yaml"
		"$1" gateway & gateway=$!
		up "$1"
		say init "$1" vault init --key-file
		"$1" gateway stop; wait $gateway
		"$1" gateway & gateway=$! # with a token of its own, in the vault
		up "$1"
		say store sh -c 'echo value-of-the-first | "$1" vault set first -' sh "$1"
		say made sh -c '"$1" vault get token/gateway > "$HOME/token"' sh "$1"
		cp "$state/config.yaml" "$HOME/before.yaml"; cp "$HOME/.bashrc" "$HOME/before.bashrc"
		change() {
			say "$1 set" sh -c 'echo value-of-the-second | "$1" vault set second -' sh "$2"
			say "$1 rekey" "$2" vault rekey --key-file
			say "$1 rotate" "$2" gateway rotate-token
			say "$1 import" "$2" secrets import --yes --all
		}
		encrypt() {
			echo 'correct horse battery staple' > "$HOME/words"
			echo "== $1 encrypt"; "$2" config encrypt "$state/config.yaml" --passphrase-fd 3 3<"$HOME/words" 2>&1; echo "status $?"
		}
		fill "$1"
		change full "$1"
		encrypt full "$1"
		empty
		"$1" gateway status >/dev/null
		say value sh -c '[ "$("$1" vault get first)" = value-of-the-first ]' sh "$1"
		say token sh -c '"$1" vault get token/gateway | cmp - "$HOME/token"' sh "$1"
		say config cmp "$state/config.yaml" "$HOME/before.yaml"
		say profile cmp "$HOME/.bashrc" "$HOME/before.bashrc"
		say left find "$state" -name '*tmp*' -o -name '.*.[0-9]*'
		change room "$1"
		say newvalue sh -c '[ "$("$1" vault get second)" = value-of-the-second ]' sh "$1"
		say newtoken sh -c '"$1" vault get token/gateway > "$HOME/token.new" && ! cmp -s "$HOME/token.new" "$HOME/token"' sh "$1"
		say imported "$1" secrets test groq
		say verify "$1" audit verify
		encrypt room "$1"
		say encrypted grep -a '^openclaw-config/1$' "$state/config.yaml"
		say leftnow find "$state" -name '*tmp*' -o -name '.*.[0-9]*'
		"$1" gateway stop; wait $gateway`)
	for _, change := range []string{"set", "rekey", "rotate", "import", "encrypt"} {
		said := part(t, got.out, "full "+change)
		says(t, said, "openclaw: ")
		if strings.Contains(said, "status 0") || !strings.Contains(said, "space") && !strings.Contains(said, "disk") {
			t.Errorf("%s on a full disk: %s", change, said)
		}
		if strings.Contains(said, literal) || strings.Contains(said, "value-of") {
			t.Errorf("%s shows a secret: %s", change, said)
		}
	}
	for _, step := range []string{"init", "store", "made", "value", "token", "config", "profile", "room set", "room rekey", "room rotate", "room import", "room encrypt", "newvalue", "newtoken", "imported", "encrypted", "verify"} {
		if said := part(t, got.out, step); !strings.Contains(said, "status 0") {
			t.Errorf("%s: %s", step, said)
		}
	}
	for _, step := range []string{"left", "leftnow"} {
		if left := part(t, got.out, step); strings.Contains(left, "/") {
			t.Errorf("left behind: %s", left)
		}
	}
}

// Changes of secrets by several commands at once lose nothing: each value that was stored
// is there, the vault opens by what the last rekey said, the token is that of the last
// rotation, of two that encrypt one config one does, and a key is moved once.
func TestChangesOfSecretsAtOnce(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	port := p.configure("agents:\n  coder: {}\n")
	gateway := p.gateway()
	p.says("vault", "init", "--key-file")
	p.says("gateway", "stop")
	<-gateway.ended
	gateway = p.gateway() // with a token of its own, in the vault
	const literal = "gsk_9fQ2mZ81LsYb20XcNd74RfTqvWm3"
	profile := filepath.Join(p.home, ".bashrc")
	write(t, profile, "export GROQ_API_KEY="+literal+"\n")

	var group sync.WaitGroup
	ended := map[string][]result{}
	var mu sync.Mutex
	run := func(what, stdin string, args ...string) {
		group.Go(func() {
			r := p.given(stdin, args...)
			mu.Lock()
			defer mu.Unlock()
			ended[what] = append(ended[what], r)
		})
	}
	const each = 4
	for i := range each {
		run("set", fmt.Sprintf("value-%d", i), "vault", "set", fmt.Sprintf("name-%d", i), "-")
		run("set", fmt.Sprintf("common-%d", i), "vault", "set", "common", "-")
	}
	for range 2 {
		run("rekey", "", "vault", "rekey", "--key-file")
		run("rotate", "", "gateway", "rotate-token")
		run("import", "", "secrets", "import", "--yes", "--all")
	}
	group.Wait()
	for what, all := range ended {
		done := 0
		for _, r := range all {
			if r.code == exitOK {
				done++
			} else if !strings.HasPrefix(r.errors, "openclaw: ") || strings.Contains(r.errors, literal) || strings.Contains(r.errors, "value-") {
				t.Errorf("%s: %+v", what, r)
			}
		}
		if done == 0 || what == "set" && done != len(all) {
			t.Errorf("%s: %d of %d were done: %+v", what, done, len(all), all)
		}
	}
	value := func(name string) string { return strings.TrimSuffix(p.says("vault", "get", name), "\n") }
	look := func(when string) {
		t.Helper()
		for i := range each {
			if got := value(fmt.Sprintf("name-%d", i)); got != fmt.Sprintf("value-%d", i) {
				t.Errorf("%s: name-%d is %q", when, i, got)
			}
		}
		if got := value("common"); !strings.HasPrefix(got, "common-") || len(got) != len("common-0") {
			t.Errorf("%s: common is %q", when, got)
		}
		if got := value("groq"); got != literal {
			t.Errorf("%s: groq is %q", when, got)
		}
	}
	look("after all")
	if text := contents(t, profile); strings.Contains(text, literal) || strings.Count(text, "is kept by openclaw") != 1 {
		t.Errorf("the profile: %s", text)
	}
	// The token that is kept is the one that lets in.
	elsewhere := *p
	elsewhere.environ = append(append([]string{}, p.environ...), fmt.Sprintf("OPENCLAW_GATEWAY_URL=ws://127.0.0.1:%d", port), "OPENCLAW_GATEWAY_TOKEN="+value("token/gateway"))
	if r := elsewhere.openclaw("client", "list"); r.code != exitOK {
		t.Errorf("the token that is kept does not let in: %+v", r)
	}

	// The config: one of two passphrases opens it.
	for _, words := range []string{"the first of the passphrases", "the other of the passphrases"} {
		run("encrypt", words+"\n", "config", "encrypt", p.configFile(), "--passphrase-fd", "0")
	}
	group.Wait()
	opens := 0
	for _, words := range []string{"the first of the passphrases", "the other of the passphrases"} {
		if r := p.given(words+"\n", "config", "show", "--passphrase-fd", "0"); r.code == exitOK && strings.Contains(r.out, "coder") {
			opens++
		}
	}
	if opens != 1 {
		t.Errorf("%d of the two passphrases open the config: %+v", opens, ended["encrypt"])
	}
	p.says("gateway", "stop")
	<-gateway.ended
	if left, err := filepath.Glob(filepath.Join(p.home, ".openclaw", "*", "*.tmp-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q %v", left, err)
	}
	if info, err := os.Stat(p.configFile()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}
