package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"openclaw/configs"
	"openclaw/keychain"
	"openclaw/keychain/scan"
)

// literal is a key that stands in clear in a file.
type literal struct {
	path     string
	line     int
	key      string // "providers.anthropic.api_key", "OPENAI_API_KEY"
	variable string
	name     string // of the secret that it becomes
	value    keychain.Secret
	advice   string // not empty: the file stays as it is
	config   bool   // it stands in the config

	finding scan.Finding
	users   []string // keys of the config that take it from the state folder's .env
}

func (l *literal) where() string { return fmt.Sprintf("%s:%d", l.path, l.line) }

func (l *literal) reference(store string) string {
	if store == "vault" {
		return "vault://" + l.name
	}
	return "keychain://openclaw/" + l.name
}

// literals is all that was found.
type literals struct {
	snapshot *configs.Snapshot
	literals []*literal
	files    []scan.File
	notes    []scan.Note
}

// wipe clears the values and the texts in which they stand.
func (f *literals) wipe() {
	for _, l := range f.literals {
		l.value.Wipe()
	}
	for _, file := range f.files {
		clear(file.Content)
	}
}

// findLiterals looks into the config, the state folder's .env, the home folder and
// the projects. One value under several names becomes one secret.
func (t *terminal) findLiterals(layout configs.Layout, projects []string) (*literals, error) {
	snapshot, err := t.loadConfig()
	if err != nil {
		return nil, err
	}
	found := &literals{snapshot: snapshot}
	if !snapshot.Encrypted { // what stands in an encrypted one is in no clear
		found.literals = configLiterals(snapshot)
	}
	places := []scan.Place{scan.EnvFile(layout.Env())}
	home, err := filepath.Abs(t.getenv("HOME"))
	if err == nil && t.getenv("HOME") != "" {
		places = append(places, scan.Home(home, t.getenv)...)
	}
	for _, project := range projects {
		folder, err := filepath.Abs(project)
		if err != nil {
			return nil, fmt.Errorf("find the project: %w", err)
		}
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return nil, usage("give the folder of a project", "%s is no folder", printable(project))
		}
		places = append(places, scan.Project(folder)...)
	}
	found.files, found.notes = scan.Find(places)
	for _, file := range found.files {
		refused := scan.Judge(file.Path)
		for _, f := range file.Findings {
			l := &literal{path: f.Path, line: f.Line, key: f.Key, variable: f.Variable, name: f.Name(), value: f.Value, advice: f.Advice, finding: f}
			switch {
			case keychain.CheckName("import", l.name) != nil:
				l.name = fmt.Sprintf("imported-%d", len(found.literals)+1)
			case refused != nil:
				l.advice = "the file is not changed: " + refused.Error()
			case file.Path == layout.Env():
				l.useInConfig(snapshot)
			}
			found.literals = append(found.literals, l)
		}
	}
	found.unite()
	return found, nil
}

// unite gives one value one name, and two values two.
func (f *literals) unite() {
	values, names := map[string]string{}, map[string]string{}
	for _, l := range f.literals {
		value := string(l.value.Reveal())
		if name, ok := values[value]; ok {
			l.name = name
			continue
		}
		base := l.name
		for n := 2; names[l.name] != ""; n++ {
			l.name = fmt.Sprintf("%s-%d", base, n)
		}
		values[value], names[l.name] = l.name, l.key
	}
}

// configLiterals finds the keys in clear in the config, in the order of the file.
func configLiterals(snapshot *configs.Snapshot) []*literal {
	var found []*literal
	for key, reference := range references(snapshot.Config) {
		if !reference.Literal() || strings.HasPrefix(string(reference), "${") {
			continue
		}
		line, _ := snapshot.Where(key)
		name := gatewayTokenName
		if rest, ok := strings.CutPrefix(key, "providers."); ok {
			name = strings.TrimSuffix(rest, ".api_key")
		}
		value := keychain.NewSecret([]byte(strings.ReplaceAll(string(reference), "$$", "$")))
		found = append(found, &literal{path: snapshot.Path, line: line, key: key, name: name, value: value, config: true})
	}
	slices.SortFunc(found, func(a, b *literal) int { return a.line - b.line })
	return found
}

// references are the fields of a config that name a secret, by their keys.
func references(config *configs.Config) map[string]configs.Reference {
	all := map[string]configs.Reference{"gateway.gateway_token": config.Gateway.Token}
	for name, provider := range config.Providers {
		all["providers."+name+".api_key"] = provider.APIKey
	}
	return all
}

// useInConfig finds which fields take the variable. They get the reference
// instead; a use that is more than the variable alone keeps it where it is.
func (l *literal) useInConfig(snapshot *configs.Snapshot) {
	for key, reference := range references(snapshot.Config) {
		switch text := string(reference); {
		case text == "${"+l.key+"}":
			l.users = append(l.users, key)
		case strings.Contains(text, "${"+l.key):
			l.advice = "the config takes it as a part of " + key + ": write " + l.reference("") + " there"
			return
		}
	}
	slices.Sort(l.users)
}

// change is a file that is to be written.
type change struct {
	original scan.Original
	literals []*literal
	apply    func() error
}

// planChanges works out the new texts, and so what an undo will have to find. The
// config comes first: what it takes from the .env file must not go before.
func (t *terminal) planChanges(layout configs.Layout, found *literals, chosen []*literal, store string) ([]change, error) {
	values := map[string]string{}
	var inConfig []*literal
	for _, l := range chosen {
		switch {
		case l.config:
			values[l.key] = l.reference(store)
			inConfig = append(inConfig, l)
		case l.advice == "":
			for _, key := range l.users {
				values[key] = l.reference(store)
			}
		}
	}
	var changes []change
	if len(values) > 0 {
		c, err := t.configChange(found.snapshot.Path, values)
		if err != nil {
			return nil, err
		}
		c.literals = inConfig
		changes = append(changes, c)
	}
	for _, file := range found.files {
		var list []scan.Finding
		c := change{}
		needsConfig := false
		for _, l := range chosen {
			if !l.config && l.advice == "" && l.path == file.Path {
				list = append(list, l.finding)
				c.literals = append(c.literals, l)
				needsConfig = needsConfig || len(l.users) > 0
			}
		}
		if len(list) == 0 {
			continue
		}
		after, err := file.Replace(list)
		if err != nil {
			return nil, fmt.Errorf("change %s: %w", file.Path, err)
		}
		c.original = scan.Original{Path: file.Path, Content: file.Content, After: scan.Sum(after)}
		c.apply = func() error { return scan.Rewrite(file.Path, file.Content, after) }
		if needsConfig {
			c.apply = func() error {
				if err := t.stillTaken(layout, list); err != nil {
					return err
				}
				return scan.Rewrite(file.Path, file.Content, after)
			}
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// stillTaken refuses while the config takes one of the variables.
func (t *terminal) stillTaken(layout configs.Layout, list []scan.Finding) error {
	snapshot, err := t.loadConfig()
	if err != nil {
		return err
	}
	for key, reference := range references(snapshot.Config) {
		for _, f := range list {
			if strings.Contains(string(reference), "${"+f.Key) {
				return fmt.Errorf("%s of %s still takes %s", key, layout.Config(), f.Key)
			}
		}
	}
	return nil
}

var errPreview = errors.New("this was only a preview")

// configChange edits the config in place, comments and all.
func (t *terminal) configChange(path string, values map[string]string) (change, error) {
	options, err := t.configOptions()
	if err != nil {
		return change{}, err
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return change{}, fmt.Errorf("read the config: %w", err)
	}
	if configs.Encrypted(before) { // a backup of it could not be put back: it is an older one by then
		return change{}, &failure{
			err:  errors.New("the config takes a variable that is to be moved, and it is encrypted"),
			hint: "write the reference first, such as: openclaw config set providers.anthropic.api_key keychain://openclaw/anthropic",
		}
	}
	var after []byte
	set := func(document *configs.Document) error {
		for key, value := range values {
			if err := document.Set(key, value); err != nil {
				return err
			}
		}
		after = document.Text()
		return nil
	}
	preview := false
	_, err = configs.Edit(path, options, func(document *configs.Document) error {
		if err := set(document); err != nil {
			return err
		}
		preview = true
		return errPreview
	})
	if !preview {
		return change{}, err
	}
	return change{
		original: scan.Original{Path: path, Content: before, After: scan.Sum(after)},
		apply: func() error {
			_, err := configs.Edit(path, options, set)
			return err
		},
	}, nil
}
