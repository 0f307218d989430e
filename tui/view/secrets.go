package view

import (
	"cmp"
	"crypto/subtle"
	"slices"
	"strings"

	"openclaw/gateway/event"
)

// SecretsView lists what may be known of the secrets and takes new ones,
// masked. What is typed lives in the form's own bytes: they are handed over
// with the Action or wiped.
type SecretsView struct {
	data *Data
	browse
	form     form
	token    tokenForm
	literals literalsForm
	kept     tokenForm // of the token that is being made; its step says whether that failed
	want     string    // select this one as soon as it is there
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
	targets []string // of a deletion
	tokens  []string // the clients whose tokens go with it
	suggest int
	rotates bool // a new value for one that is there
	offered bool // the name is a suggestion: what is typed takes its place
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
	v := &SecretsView{data: d, browse: browse{saved: &d.Filters, keys: []string{"name", "store"}}}
	v.order.rows, v.order.rowID = v.rows, func(i int) string { return v.get(i).id() }
	v.order.sorts = []sorting{
		{"STORE", func(i, j int) int { return strings.Compare(v.get(i).store(), v.get(j).store()) }},
		{"STATE", func(i, j int) int { return cmp.Compare(v.rank(v.get(i)), v.rank(v.get(j))) }},
		{"AGE", func(i, j int) int { return cmp.Compare(d.Since(v.get(j).changed()), d.Since(v.get(i).changed())) }},
		{"USED BY", func(i, j int) int { return strings.Compare(v.get(i).users(), v.get(j).users()) }},
	}
	v.form.close()
	return v
}

// YesOrNo reports whether only y goes on: every other key, Enter too, leaves.
func (v *SecretsView) YesOrNo() bool { return v.form.step == stepDelete || v.form.step == stepKeyFile }

// Captures reports whether typed text goes to the view.
func (v *SecretsView) Captures() bool {
	return v.form.step != stepNone || v.literals.step != literalsNone || v.token.step != tokenNothing || v.captures()
}

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
func (v *SecretsView) Close() {
	v.form.close()
	v.token = tokenForm{}
	if v.literals.step != literalsMoving { // how it goes is still to be told
		v.literals = literalsForm{}
	}
}

func (v *SecretsView) id(i int) string { return v.get(v.at(i)).id() }

// noStore reports whether no place for secrets was ever chosen. A chosen one
// that does not answer is not switched for another.
func (v *SecretsView) noStore() bool {
	s := &v.data.Store
	return s.Backend == "" && (s.State == "none" || s.State == "unreachable")
}

func (v *SecretsView) lockedVault() bool {
	return v.data.Store.Backend == "vault" && v.data.Store.State == "locked"
}

// trouble says why the store cannot be used, and the cure.
func (v *SecretsView) trouble() string {
	s := &v.data.Store
	switch {
	case s.State == "":
		return v.data.T("The gateway has not said yet where secrets are kept.")
	case v.noStore():
		return v.data.T("There is no place to keep it yet: {secrets.vault} creates the encrypted vault, {secrets.keyfile} does so with a key file.")
	case v.lockedVault():
		return v.data.T("The vault is locked: {secrets.unlock} unlocks it.")
	}
	text := v.data.T("The %s is %s", orDash(s.Backend), v.data.T(s.State))
	if s.Detail != "" {
		text += ": " + s.Detail
	}
	if s.Hint != "" {
		text += ". " + s.Hint
	}
	return text
}

// Offers reports whether an action can do anything now, for the foot line.
func (v *SecretsView) Offers(a ID) bool {
	switch a {
	case ActVaultCreate, ActVaultKeyFile:
		return v.noStore()
	case ActVaultUnlock:
		return v.lockedVault()
	case ActSecretAdd, ActSecretTest, ActSecretDelete, ActRotate:
		return v.data.Store.State == "unlocked"
	case ActSecretImport:
		return v.data.Store.State == "unlocked" && !v.data.Elsewhere
	default:
		return true
	}
}

// Do answers an action.
func (v *SecretsView) Do(a ID) (Action, bool) {
	f := &v.form
	switch a {
	case ActSecretAdd:
		f.close()
		if v.data.Store.State != "unlocked" {
			f.note = v.trouble()
			break
		}
		f.step = stepName
		name := v.suggestion()
		if s := v.selected(); s != nil && s.Missing {
			name = s.Name
		}
		f.name.Set(name)
		f.offered = name != ""
	case ActRotate:
		f.close()
		if v.data.Store.State != "unlocked" {
			f.note = v.trouble()
		} else if s := v.selected(); s != nil {
			f.name.Set(s.Name)
			f.step, f.rotates = stepValue, true
		} else if t := v.tokenOf(v.list.Selected()); t != nil {
			f.note = v.data.T("A token takes no new value: {secrets.token} makes another, {secrets.delete} revokes this one.")
		}
	case ActToken:
		v.openToken()
	case ActSecretImport:
		return v.openLiterals(), true
	case ActSecretTest:
		names := slices.DeleteFunc(v.marked(), func(id string) bool { return v.tokenOf(id) != nil })
		if len(names) > 0 {
			return Action{Verb: VerbTestSecret, Words: names}, true
		}
		if t := v.tokenOf(v.list.Selected()); t != nil {
			return Action{Verb: VerbTell, Text: v.data.T("the token of %s is %s; only its holder can try it", t.Name, TokenEnd(v.data, t))}, true
		}
	case ActSecretDelete:
		f.close()
		v.goes()
	case ActVaultCreate, ActVaultKeyFile:
		f.close()
		switch {
		case !v.noStore():
			f.note = v.data.T("Secrets are kept in the %s already; it is never switched silently.", orDash(v.data.Store.Backend))
		case a == ActVaultCreate:
			f.step, f.value.Exact, f.again.Exact = stepPassphrase, true, true
		default:
			f.step = stepKeyFile
		}
	case ActVaultUnlock:
		f.close()
		switch {
		case v.data.Store.State == "unlocked":
			f.note = v.data.T("Nothing is locked.")
			return Action{}, true
		case !v.lockedVault():
			f.note = v.trouble()
			return Action{}, true
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
	switch {
	case v.token.step != tokenNothing:
		return v.tokenKey(k)
	case v.literals.step != literalsNone:
		return v.literalsKey(k)
	case f.step == stepNone:
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
		if !goodName(f.name.Text()) {
			f.note = v.data.T("A name is 1 to 200 letters, digits and . _ - /")
			return
		}
		f.step = stepValue
	case "tab", "down":
		if f.offered {
			f.suggest++
		}
		f.name.Set(v.suggestion())
		f.offered = f.name.Len() > 0
	default:
		if f.offered && k.Name == "" {
			f.name.Wipe()
		}
		f.offered = false
		f.name.Key(k)
	}
}

// stored reports whether a secret of this name is kept already.
func (v *SecretsView) stored(name string) bool {
	return slices.ContainsFunc(v.data.Secrets, func(s event.Secret) bool { return s.Name == name && !s.Missing })
}

// suggestion is a name that the config misses, or a provider's that is not
// stored yet; there may be none.
func (v *SecretsView) suggestion() string {
	var names []string
	for _, s := range v.data.Secrets {
		if s.Missing {
			names = append(names, s.Name)
		}
	}
	for _, n := range [...]string{"anthropic", "openai"} {
		if !slices.Contains(names, n) && !v.stored(n) {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return ""
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
	step, targets, tokens := f.step, f.targets, f.tokens
	f.close()
	switch {
	case !yes:
		return Action{}
	case step == stepDelete:
		clear(v.order.marks)
		return Action{Verb: VerbDeleteSecret, Words: targets, Tokens: tokens}
	}
	return Action{Verb: VerbCreateVault}
}

func (v *SecretsView) valueEntered() Action {
	f := &v.form
	switch {
	case f.value.Len() == 0:
		f.note = v.data.T("Type or paste it first.")
		return Action{}
	case f.value.Skipped > 0:
		f.note = v.data.T("Some characters were left out, so this is not what was typed. ctrl+u clears.")
		return Action{}
	case f.step == stepPassphrase && f.value.Len() < minPassphrase:
		f.note = v.data.T("At least %s characters.", itoa(minPassphrase))
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
		f.note = v.data.T("That was only blanks; nothing was stored.")
		return Action{}
	}
	v.want = name
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
		f.note = v.data.T("The two were not the same. Type it again.")
		return Action{}
	}
	return Action{Verb: VerbCreateVault, Value: one}
}
