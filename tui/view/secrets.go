package view

import (
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// SecretsView lists what may be known of the secrets and takes new ones,
// masked. What is typed lives in the form's own bytes: they are handed over
// with the Action or wiped.
type SecretsView struct {
	data *Data
	browse
	form form
}

// step is what the form asks for now.
type step int

const (
	stepNone step = iota
	stepName
	stepValue
	stepDelete
	stepPassphrase
	stepAgain
	stepKeyFile
	stepUnlock
)

type form struct {
	step    step
	name    Editor
	value   Editor
	again   Editor
	target  string // of a deletion
	suggest int
	note    string
}

func (f *form) close() {
	f.value.Wipe()
	f.again.Wipe()
	f.name.Wipe()
	*f = form{value: f.value, again: f.again}
	f.value.Masked, f.again.Masked = true, true
	f.value.Exact, f.again.Exact = false, false
}

// NewSecrets returns the view.
func NewSecrets(d *Data) *SecretsView {
	v := &SecretsView{data: d, browse: browse{keys: []string{"name", "store"}}}
	v.form.close()
	return v
}

// Captures reports whether typed text goes to the view.
func (v *SecretsView) Captures() bool { return v.form.step != stepNone || v.captures() }

// Masked reports whether what is typed now is a secret.
func (v *SecretsView) Masked() bool {
	switch v.form.step {
	case stepValue, stepPassphrase, stepAgain, stepUnlock:
		return true
	case stepNone, stepName, stepDelete, stepKeyFile:
	}
	return false
}

// Close wipes what was typed.
func (v *SecretsView) Close() { v.form.close() }

func (v *SecretsView) id(i int) string { return v.data.Secrets[v.at(i)].Name }

func (v *SecretsView) noStore() bool {
	return v.data.Store.State == "none" || v.data.Store.State == "unreachable"
}

// Offers reports whether an action can do anything now, for the foot line.
func (v *SecretsView) Offers(a ID) bool {
	locked := v.data.Store.State == "locked"
	switch a {
	case ActVaultCreate, ActVaultKeyFile:
		return v.noStore()
	case ActVaultUnlock:
		return locked
	case ActSecretAdd, ActSecretTest, ActSecretDelete:
		return !v.noStore() && !locked
	}
	return true
}

// Do answers an action.
func (v *SecretsView) Do(a ID) (Action, bool) {
	f := &v.form
	switch a {
	case ActSecretAdd:
		f.close()
		switch {
		case v.noStore():
			f.note = "There is no place to keep it yet: v creates the encrypted vault, f does so with a key file."
		case v.data.Store.State == "locked":
			f.note = "The vault is locked: u unlocks it."
		default:
			f.step = stepName
			if s := v.selected(); s != nil && s.Missing {
				f.name.Set(s.Name)
			}
		}
	case ActSecretTest:
		if s := v.selected(); s != nil {
			return Action{Verb: VerbTestSecret, Name: s.Name}, true
		}
	case ActSecretDelete:
		f.close()
		if s := v.selected(); s != nil && !s.Missing {
			f.step, f.target = stepDelete, s.Name
		}
	case ActVaultCreate, ActVaultKeyFile:
		f.close()
		switch {
		case !v.noStore():
			f.note = "Secrets are kept in the " + orDash(v.data.Store.Backend) + " already; it is never switched silently."
		case a == ActVaultCreate:
			f.step, f.value.Exact, f.again.Exact = stepPassphrase, true, true
		default:
			f.step = stepKeyFile
		}
	case ActVaultUnlock:
		f.close()
		if v.data.Store.State != "locked" {
			f.note = "Nothing is locked."
			break
		}
		f.step, f.value.Exact = stepUnlock, true
	case ActBack:
		if f.note != "" {
			f.note = ""
			return Action{}, true
		}
		return Action{}, v.do(a, v.id)
	default:
		return Action{}, v.do(a, v.id)
	}
	return Action{}, true
}

func (v *SecretsView) selected() *event.Secret {
	for i := range v.data.Secrets {
		if v.data.Secrets[i].Name == v.list.Selected() {
			return &v.data.Secrets[i]
		}
	}
	return nil
}

// Key takes typed text for the form or the filter line.
func (v *SecretsView) Key(k Key) Action {
	f := &v.form
	if f.step == stepNone {
		v.key(k)
		return Action{}
	}
	if k.Name == "esc" || k.Name == "ctrl+c" {
		f.close()
		return Action{}
	}
	f.note = ""
	switch f.step {
	case stepName:
		v.nameKey(k)
	case stepDelete, stepKeyFile:
		return v.confirmKey(k)
	case stepAgain:
		if k.Name != "enter" {
			f.again.Key(k)
			break
		}
		return v.vault()
	case stepValue, stepPassphrase, stepUnlock:
		if k.Name == "enter" {
			return v.valueEntered()
		}
		f.value.Key(k)
	case stepNone:
	}
	return Action{}
}

func (v *SecretsView) nameKey(k Key) {
	f := &v.form
	switch k.Name {
	case "enter":
		if f.name.Len() == 0 {
			f.name.Set(v.suggestion())
		}
		if !goodName(f.name.Text()) {
			f.note = "A name is 1 to 200 letters, digits and . _ - /"
			return
		}
		f.step = stepValue
	case "tab", "down":
		f.name.Set(v.suggestion())
		f.suggest++
	default:
		f.name.Key(k)
	}
}

// suggestion is a name that the config misses, or a provider's.
func (v *SecretsView) suggestion() string {
	var names []string
	for _, s := range v.data.Secrets {
		if s.Missing {
			names = append(names, s.Name)
		}
	}
	for _, n := range [...]string{"anthropic", "openai"} {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names[v.form.suggest%len(names)]
}

func goodName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-/", r) {
			return false
		}
	}
	return s != "" && len(s) <= 200
}

func (v *SecretsView) confirmKey(k Key) Action {
	f := &v.form
	yes := k.Name == "" && !k.Paste && len(k.Text) == 1 && k.Text[0] == 'y'
	step, target := f.step, f.target
	f.close()
	switch {
	case !yes:
		return Action{}
	case step == stepDelete:
		return Action{Verb: VerbDeleteSecret, Name: target}
	}
	return Action{Verb: VerbCreateVault}
}

func (v *SecretsView) valueEntered() Action {
	f := &v.form
	switch {
	case f.value.Len() == 0:
		f.note = "Type or paste it first."
		return Action{}
	case f.value.Skipped > 0:
		f.note = "Some characters were left out, so this is not what was typed. ctrl+u clears."
		return Action{}
	case f.step == stepPassphrase && f.value.Len() < minPassphrase:
		f.note = "At least " + itoa(minPassphrase) + " characters."
		return Action{}
	case f.step == stepPassphrase:
		f.step = stepAgain
		return Action{}
	}
	verb, name := VerbStoreSecret, f.name.Text()
	if f.step == stepUnlock {
		verb, name = VerbUnlockVault, ""
	}
	value := f.value.Take()
	f.close()
	if len(value) == 0 {
		f.note = "That was only blanks; nothing was stored."
		return Action{}
	}
	return Action{Verb: verb, Name: name, Value: value}
}

const minPassphrase = 8

func (v *SecretsView) vault() Action {
	f := &v.form
	one, two := f.value.Take(), f.again.Take()
	same := subtle.ConstantTimeCompare(one, two) == 1
	clear(two)
	f.close()
	if !same {
		clear(one)
		f.step, f.value.Exact, f.again.Exact = stepPassphrase, true, true
		f.note = "The two were not the same. Type it again."
		return Action{}
	}
	return Action{Verb: VerbCreateVault, Value: one}
}

// Draw paints the view.
func (v *SecretsView) Draw(c *Canvas) {
	v.drawStore(c)
	secrets := v.data.Secrets
	l := layout{
		title: "secrets; values are never shown", total: len(secrets), share: 58, id: v.id, head: v.head,
		name: v.list.Selected,
	}
	l.count = v.count(l.total, func(i int, yield func(key, value string) bool) {
		_ = yield("name", secrets[i].Name) && yield("store", secrets[i].Store)
	})
	l.row = func(c *Canvas, i int, _ bool) { v.row(c, &secrets[v.at(i)]) }
	l.pane = func(c *Canvas) {
		if s := v.selected(); s != nil {
			v.pane(c, s)
		}
	}
	if v.form.step == stepNone && v.form.note == "" && (l.total > 0 || !v.noStore()) {
		l.empty = "No secret is stored. a adds one: the key of a provider is named like the provider (anthropic, openai)."
		v.draw(c, &l)
		return
	}
	form := 10
	if l.count > 0 {
		v.drawFilter(c, &l)
		upper := c.Sub(0, c.Width(), max(min(l.count+1, c.Left()-form), 1))
		v.drawList(upper, &l)
		c.Copy(upper, 0)
	}
	v.drawForm(c)
}

func (v *SecretsView) drawStore(c *Canvas) {
	s := &v.data.Store
	c.Gap(1)
	glyph, style := stateMark(c.Theme, s.State)
	if v.noStore() {
		glyph, style = c.Theme.Glyphs.No, Bad
	}
	name := s.Backend
	if name == "" {
		name = "store"
	}
	c.Put(Bold, name)
	c.Gap(1)
	c.Put(style, glyph)
	c.Gap(1)
	c.Put(Plain, orDash(s.State))
	if s.Detail != "" {
		c.Gap(2)
		c.Put(Faint, s.Detail)
	}
	c.End()
	if s.Hint != "" && s.State != "unlocked" {
		c.Gap(1)
		c.Wrap(Plain, s.Hint, 1)
	}
}

func secretColumns(width int) (name int, changed, usedBy bool) {
	name = width - 3 - 9 - 10
	if width >= 60 {
		changed = true
		name -= 8
	}
	if width >= 76 {
		usedBy = true
		name = min(name, 24)
	}
	return name, changed, usedBy
}

func (v *SecretsView) head(c *Canvas) {
	name, changed, usedBy := secretColumns(c.Width())
	c.Field(Faint, "NAME", name)
	c.Field(Faint, "STORE", 8)
	c.Field(Faint, "STATE", 9)
	if changed {
		c.Field(Faint, "    AGE", 7)
	}
	if usedBy {
		c.Put(Faint, "USED BY")
	}
}

func (v *SecretsView) row(c *Canvas, s *event.Secret) {
	name, changed, usedBy := secretColumns(c.Width())
	c.FieldMiddle(Plain, s.Name, name)
	c.Field(Plain, orDash(s.Store), 8)
	if s.Missing {
		c.Put(Bad, c.Theme.Glyphs.No)
		c.Gap(1)
		c.Field(Plain, "missing", 7)
	} else {
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Gap(1)
		c.Field(Plain, "stored", 7)
	}
	if changed {
		if s.Changed.IsZero() {
			c.Field(Plain, "      -", 7)
		} else {
			c.Age(Plain, v.data.Since(s.Changed), 7)
			c.Gap(1)
		}
	}
	if usedBy {
		c.Put(Plain, orDash(strings.Join(s.UsedBy, ", ")))
	}
}

func (v *SecretsView) pane(c *Canvas, s *event.Secret) {
	fact(c, "name", s.Name)
	if s.Missing {
		fact(c, "state", "missing: the config needs it. a stores it.")
	} else {
		fact(c, "value", "•••••••• (never shown)")
		fact(c, "store", s.Store)
	}
	for _, at := range [...]struct {
		label string
		t     time.Time
	}{{"created", s.Created}, {"changed", s.Changed}, {"last read", s.LastUsed}} {
		if !at.t.IsZero() {
			c.Field(Faint, at.label, labelWidth)
			c.Time(Plain, v.data.Local(at.t), time.DateTime)
			c.Put(Faint, ", ")
			c.Age(Faint, v.data.Since(at.t), 0)
			c.Put(Faint, " ago")
			c.End()
		}
	}
	if s.LastUsed.IsZero() && !s.Missing {
		fact(c, "last read", "never")
	}
	fact(c, "used by", orDash(strings.Join(s.UsedBy, ", ")))
	fact(c, "test", v.data.Tests[s.Name])
}

func (v *SecretsView) drawForm(c *Canvas) {
	f := &v.form
	titles := map[step]string{
		stepName: "Add secret", stepValue: "Add secret", stepDelete: "Delete secret", stepPassphrase: "Create the encrypted vault",
		stepAgain: "Create the encrypted vault", stepKeyFile: "Create the encrypted vault with a key file", stepUnlock: "Unlock the vault",
		stepNone: "Secrets",
	}
	c.Rule(titles[f.step], Bold)
	field := func(label string, e *Editor, focus bool) {
		c.Gap(1)
		c.Field(Faint, label, 10)
		e.Draw(c, focus)
		c.End()
	}
	foot := "enter save   esc cancel   ctrl+u clear"
	switch f.step {
	case stepName, stepValue:
		field("name", &f.name, f.step == stepName)
		if f.step == stepName {
			c.Gap(12)
			c.Line(Faint, "tab suggests: "+v.suggestion())
			foot = "enter next   tab suggestion   esc cancel"
		} else {
			field("value", &f.value, true)
			c.Gap(12)
			c.Wrap(Faint, "Type or paste. Kept in the "+orDash(v.data.Store.Backend)+", never in YAML, never in the log; wiped here after saving.", 12)
		}
	case stepDelete:
		c.Gap(1)
		c.Wrap(Plain, "Delete "+f.target+"? Whatever uses it fails from then on. It cannot be brought back.", 1)
		foot = "y delete   any other key keeps it"
	case stepPassphrase, stepAgain:
		field("passphrase", &f.value, f.step == stepPassphrase)
		if f.step == stepAgain {
			field("again", &f.again, true)
		}
		c.Gap(12)
		c.Wrap(Faint, "It encrypts the vault file. Without it nothing in the vault can be read again. The gateway asks for it after each start.", 12)
		foot = "enter next   esc cancel   ctrl+u clear"
	case stepKeyFile:
		c.Gap(1)
		c.Wrap(Plain, "A random key is written beside the vault, readable by you alone. No passphrase is asked for, and whoever can read your files can read the vault.", 1)
		foot = "y create   any other key cancels"
	case stepUnlock:
		field("passphrase", &f.value, true)
		foot = "enter unlock   esc cancel   ctrl+u clear"
	case stepNone:
		c.Gap(1)
		if v.noStore() && f.note == "" {
			c.Wrap(Plain, "No keychain runs on this machine, so there is no place for secrets yet. Nothing is ever kept in plain text.", 1)
			c.End()
			c.Gap(1)
			c.Line(Plain, "v  create the encrypted vault, opened by a passphrase")
			c.Gap(1)
			c.Line(Plain, "f  create it with a key file, opened without a question")
		}
		foot = ""
	}
	if f.note != "" {
		c.Gap(1)
		c.Put(Warn, "! ")
		c.Wrap(Plain, f.note, 3)
	}
	c.Gap(1)
	c.Line(Bold, foot)
}
