package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain/scan"
)

// importFlags are what a person or a script chose beforehand.
type importFlags struct {
	yes, all, dryRun bool
	json             bool // with dryRun
	projects         []string
	undo             string
}

func secretsImportCommand(t *terminal) *cobra.Command {
	var flags importFlags
	cmd := &cobra.Command{
		Use: "import [NAME|KEY|FILE:LINE...]", Short: "Move keys that stand in clear in files into the keychain or the vault",
		Long: "Find keys that stand in clear in the config, in .env files, in shell profiles and in the settings of known agents\n" +
			"(Claude Code, Codex, aider, Continue, opencode, Gemini CLI, Goose), and show each with its place, never its value.\n" +
			"The chosen ones are stored, read back and compared; then the file's text is replaced: in the config by a reference,\n" +
			"in .env files and shell profiles by a comment, elsewhere by what the program understands. Where it understands\n" +
			"nothing of the kind, what to do by hand is said and the file stays as it is.\n\n" +
			"The files of before are kept in the state folder's backups, encrypted with a key that is itself in the store;\n" +
			"--undo puts them back.\n\n" +
			"Without arguments it asks which. --yes does not ask: it takes what is named, everything with --all, and with\n" +
			"neither what stands in the config.",
		Example: "  openclaw secrets import\n  openclaw secrets import --dry-run --project ~/work/app\n" +
			"  openclaw secrets import --yes OPENAI_API_KEY ~/.zshrc:12\n  openclaw secrets import --undo ~/.openclaw/backups/import-20261128-071500.age",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.undo != "" {
				return t.undoImport(cmd.Context(), flags.undo, flags.yes)
			}
			if flags.all && len(args) > 0 {
				return usage("give either names or --all", "--all takes everything")
			}
			if flags.json && !flags.dryRun {
				return usage("openclaw secrets import --dry-run --json", "--json is what would be moved: give --dry-run with it")
			}
			return t.importSecrets(cmd.Context(), args, flags)
		},
	}
	cmd.Flags().BoolVar(&flags.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&flags.all, "all", false, "take everything that was found")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show what would be done, and do nothing")
	cmd.Flags().BoolVar(&flags.json, "json", false, "with --dry-run: print what was found as JSON")
	cmd.Flags().StringArrayVar(&flags.projects, "project", nil, "look into this folder's .env files and agents' settings too; may be given more than once")
	cmd.Flags().StringVar(&flags.undo, "undo", "", "put back the files of this backup of an import")
	cmd.MarkFlagsMutuallyExclusive("undo", "all")
	cmd.MarkFlagsMutuallyExclusive("undo", "dry-run")
	return cmd
}

func (t *terminal) importSecrets(ctx context.Context, args []string, flags importFlags) error {
	layout, err := t.layout()
	if err != nil {
		return err
	}
	found, err := t.findLiterals(layout, flags.projects)
	if err != nil {
		return err
	}
	defer found.wipe()
	if flags.json {
		return t.literalsJSON(found, args, flags)
	}
	for _, note := range found.notes {
		t.warn("%s", noteText(note))
	}
	if len(found.literals) == 0 {
		if len(found.notes) > 0 {
			t.print("no keys that can be moved were found; what was said above is done by hand")
			return nil
		}
		t.print("no literal keys were found in the config, shell profiles and agents' settings; --project FOLDER looks into a project")
		return nil
	}
	t.showLiterals(found.literals)
	chosen, err := t.chooseLiterals(found.literals, args, flags)
	if err != nil {
		return err
	}
	if flags.dryRun {
		for _, l := range chosen {
			t.print("would move %s from %s into secret %s%s", printable(l.key), printable(l.where()), l.name, byHand(l))
		}
		t.print("nothing was changed")
		return nil
	}
	if len(chosen) == 0 {
		t.print("nothing was chosen, nothing was changed")
		return nil
	}
	if err := layout.Make(); err != nil {
		return err
	}
	release, err := scan.Lock(ctx, filepath.Join(layout.State(), "import.lock"))
	if err != nil {
		return &failure{err: fmt.Errorf("wait for another import: %w", err), hint: "nothing was changed; try again when it has ended"}
	}
	defer release()
	return t.withGateway(ctx, func(call func(string, any, any) error) error {
		return t.moveLiterals(layout, found, chosen, call)
	})
}

func byHand(l *literal) string {
	if l.advice == "" {
		return ""
	}
	return "; the file stays: " + printable(l.advice)
}

// hiddenValue stands for a value in the list.
const hiddenValue = "••••"

// showLiterals prints the numbered list. Of a value it shows the length.
func (t *terminal) showLiterals(list []*literal) {
	for i, l := range list {
		note := ""
		if l.advice != "" {
			note = "  (the file is changed by hand)"
		}
		t.print("%3d  %s: %s: %s (%d characters) → secret %s%s", i+1, printable(l.where()), printable(l.key), hiddenValue, l.value.Len(), l.name, note)
	}
}

// chooseLiterals asks, or takes what the command line says.
func (t *terminal) chooseLiterals(list []*literal, args []string, flags importFlags) ([]*literal, error) {
	switch {
	case flags.all:
		if !flags.yes && !flags.dryRun {
			return list, t.confirm("move all of them?")
		}
		return list, nil
	case len(args) > 0:
		chosen, err := t.named(list, args)
		if err == nil && !flags.yes && !flags.dryRun {
			err = t.confirm(fmt.Sprintf("move %d of them?", len(chosen)))
		}
		return chosen, err
	case flags.dryRun:
		return list, nil
	case flags.yes:
		var chosen []*literal
		for _, l := range list {
			if l.config {
				chosen = append(chosen, l)
			}
		}
		if len(chosen) == 0 {
			t.print("no literal keys stand in the config; name others, or give --all")
		}
		return chosen, nil
	case !term.IsTerminal(int(t.in.Fd())):
		return nil, usage("name them with --yes, as: openclaw secrets import --yes "+list[0].name, "no terminal to ask at")
	}
	fmt.Fprint(t.err, "which are moved? numbers such as 1,3-5, all, or none [none] ")
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil {
		return nil, errors.New("nothing was changed")
	}
	return chosenNumbers(list, answer)
}

// chosenNumbers reads 1,3-5, all or none.
func chosenNumbers(list []*literal, answer string) ([]*literal, error) {
	switch answer = strings.ToLower(strings.TrimSpace(answer)); answer {
	case "", "none", "n", "no":
		return nil, nil
	case "all":
		return list, nil
	}
	picked := map[int]bool{}
	for part := range strings.FieldsFuncSeq(answer, func(r rune) bool { return r == ',' || r == ' ' }) {
		low, high, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(low)
		last := first
		if err == nil && isRange {
			last, err = strconv.Atoi(high)
		}
		if err != nil || first < 1 || last > len(list) || first > last {
			return nil, usage(fmt.Sprintf("write numbers from 1 to %d, such as 1,3-5", len(list)), "%q is none of the list; nothing was changed", printable(part))
		}
		for i := first; i <= last; i++ {
			picked[i-1] = true
		}
	}
	var chosen []*literal
	for i, l := range list {
		if picked[i] {
			chosen = append(chosen, l)
		}
	}
	return chosen, nil
}

// named takes names of secrets, keys, and FILE:LINE.
func (t *terminal) named(list []*literal, args []string) ([]*literal, error) {
	picked := map[*literal]bool{}
	for _, arg := range args {
		hit := false
		path := arg
		if absolute, err := filepath.Abs(arg); err == nil {
			path = absolute
		}
		for _, l := range list {
			if arg == l.name || arg == l.key || arg == l.variable || path == l.where() {
				picked[l], hit = true, true
			}
		}
		if !hit {
			return nil, usage("see the list above; give a secret's name, a key or FILE:LINE", "%q was not found; nothing was changed", printable(arg))
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(l *literal) bool { return !picked[l] }), nil
}

// moveLiterals stores and checks every key, and writes the backup, before a file
// changes: at no moment is a key in neither place.
func (t *terminal) moveLiterals(layout configs.Layout, found *literals, chosen []*literal, call func(string, any, any) error) error {
	store, err := t.storeLiterals(chosen, call)
	if err != nil {
		return err
	}
	changes, err := t.planChanges(layout, found, chosen, store)
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		path, err := t.backUp(layout, changes, call)
		if err != nil {
			return err
		}
		t.print("the files of before are in %s, encrypted; 'openclaw secrets import --undo' puts them back", path)
	}
	failed := 0
	for _, c := range changes {
		if err := c.apply(); err != nil {
			failed++
			t.warn("%s is unchanged and its keys are in the store as well: %v", printable(c.original.Path), err)
			continue
		}
		for _, l := range c.literals {
			t.print("%s: %s is now %s", printable(l.where()), printable(l.key), l.reference(store))
		}
	}
	for _, l := range chosen {
		if l.advice != "" {
			t.print("%s: %s is stored as %s; by hand: %s", printable(l.where()), printable(l.key), l.name, printable(l.advice))
		}
	}
	t.sayHowToRead(chosen, store)
	t.print("old copies of the files (editors, backups, git, shell history) still hold the keys: rotate them at the provider")
	if failed > 0 {
		return &failure{err: fmt.Errorf("%d of %d files could not be changed", failed, len(changes)), hint: "mend what was said of each and run it again: what is stored already is used"}
	}
	return nil
}

// sayHowToRead tells how a program outside of a cage still gets its variable.
func (t *terminal) sayHowToRead(chosen []*literal, store string) {
	for _, l := range chosen {
		if l.config || l.variable == "" {
			continue
		}
		command := "openclaw vault get " + l.name
		if store != "vault" {
			if runtime.GOOS != "linux" {
				return // there is no command that prints an item as it was stored
			}
			command = "secret-tool lookup service openclaw username " + l.name
		}
		t.print("agents in a cage need none of them: the gateway puts the key in. For another program: %s=\"$(%s)\" COMMAND", l.variable, command)
		return
	}
}

// storeLiterals gives each value a name that is free or holds that very value
// already, stores it and compares what reads back.
func (t *terminal) storeLiterals(chosen []*literal, call func(string, any, any) error) (store string, err error) {
	var known wire.SecretsResult
	if err := call(wire.MethodSecrets, nil, &known); err != nil {
		return "", err
	}
	if known.Store.State != "unlocked" {
		return "", &failure{err: errors.New("there is no store to move keys into: " + describeStore(known.Store)), hint: "openclaw vault init"}
	}
	there := map[string]bool{}
	for _, s := range known.Secrets {
		there[s.Name] = !s.Missing
	}
	holds := func(name string, value []byte) (bool, error) {
		var tested wire.SecretTested
		err := call(wire.MethodSecretTest, wire.SecretTestParams{Reference: name, Value: value}, &tested)
		return tested.OK && tested.Equal, err
	}
	for _, l := range chosen {
		base := l.name
		for n := 2; there[l.name]; n++ {
			same, err := holds(l.name, l.value.Reveal())
			if err != nil {
				return "", err
			}
			if same {
				break
			}
			l.name = fmt.Sprintf("%s-%d", base, n)
		}
		if !there[l.name] {
			var stored event.Secret
			if err := call(wire.MethodSecretSet, wire.SecretSetParams{Name: l.name, Value: l.value.Reveal()}, &stored); err != nil {
				return "", fmt.Errorf("store %s (no file was changed): %w", l.name, err)
			}
			there[l.name] = true
		}
		same, err := holds(l.name, l.value.Reveal())
		if err != nil {
			return "", err
		}
		if !same {
			return "", &failure{err: fmt.Errorf("%s was stored and does not read back; no file was changed", l.name), hint: "openclaw secrets test " + l.name}
		}
	}
	return known.Store.Backend, nil
}

// backUp writes the files of before under a key of their own, which the store
// keeps: deleting that secret makes the backup unreadable for ever.
func (t *terminal) backUp(layout configs.Layout, changes []change, call func(string, any, any) error) (string, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", fmt.Errorf("make a key for the backup: %w", err)
	}
	folder := filepath.Join(layout.Root, "backups")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of backups: %w", err)
	}
	stamp := time.Now().UTC().Format("20060102-150405.000")
	key := []byte(identity.String())
	defer clear(key)
	name := backupKey("import-" + stamp)
	if err := call(wire.MethodSecretSet, wire.SecretSetParams{Name: name, Value: key}, nil); err != nil {
		return "", fmt.Errorf("store the backup's key (no file was changed): %w", err)
	}
	originals := make([]scan.Original, 0, len(changes))
	for _, c := range changes {
		originals = append(originals, c.original)
	}
	path := filepath.Join(folder, "import-"+stamp+".age")
	if err := scan.WriteBackup(path, originals, identity.Recipient()); err != nil {
		return "", fmt.Errorf("%w (no file was changed)", err)
	}
	return path, nil
}

// backupKey is the secret that opens a backup of the name.
func backupKey(name string) string { return "backup/" + name }

// confirm asks at the terminal; anything but y is no.
func (t *terminal) confirm(question string) error {
	if !term.IsTerminal(int(t.in.Fd())) {
		return usage("use --yes", "no terminal to ask at")
	}
	fmt.Fprintf(t.err, "%s [y/N] ", question)
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return errors.New("nothing was changed")
	}
	return nil
}
