package view

import (
	"strings"
	"time"

	"openclaw/gateway/event"
)

// Draw paints the view.
func (v *SecretsView) Draw(c *Canvas) {
	v.drawStore(c)
	secrets := v.data.Secrets
	for i := range secrets {
		if v.want != "" && secrets[i].Name == v.want {
			v.list.id, v.want = v.want, ""
		}
	}
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
	if v.form.step == stepNone && v.form.note == "" {
		switch {
		case v.data.Store.State == "locked":
			l.empty = "What is stored shows here once it is unlocked."
		case !v.noStore():
			l.empty = "No secret is stored. a adds one: the key of a provider is named like the provider (anthropic, openai)."
		}
		v.draw(c, &l)
		return
	}
	form := 10
	if l.count > 0 && c.Left() >= form+3 {
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
	switch {
	case v.noStore() && v.data.ReadOnly:
		c.Gap(1)
		c.Wrap(Plain, "There is no place for secrets yet.", 1)
	case v.noStore() && v.form.step == stepNone:
		c.Gap(1)
		c.Wrap(Plain, "No keychain answers on this machine, so there is no place for secrets yet. Nothing is ever kept in plain text.", 1)
		for _, way := range [...][2]string{
			{"v", "create the encrypted vault, opened by a passphrase after each start"},
			{"f", "create it with a key file beside it, opened without a question"},
		} {
			c.Gap(3)
			c.Put(Bold, way[0])
			c.Gap(2)
			c.Line(Plain, way[1])
		}
	case v.lockedVault():
		c.Gap(1)
		c.Put(Bold, "u")
		c.Line(Plain, " unlocks it with its passphrase")
	case s.Hint != "" && s.State != "unlocked" && s.State != "":
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
	} else if v.old(s) {
		c.Put(Warn, "!")
		c.Gap(1)
		c.Field(Plain, "old", 7)
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

// oldAge is the age from which a secret should be replaced.
const oldAge = 90 * 24 * time.Hour

func (v *SecretsView) old(s *event.Secret) bool {
	return !s.Missing && !s.Changed.IsZero() && v.data.Since(s.Changed) >= oldAge
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
	if v.old(s) {
		fact(c, "age", "over 90 days: R gives it a new value. The old one is to be revoked where it came from.")
	}
	fact(c, "used by", orDash(strings.Join(s.UsedBy, ", ")))
	fact(c, "test", v.data.Tests[s.Name])
}

func (v *SecretsView) drawForm(c *Canvas) {
	f := &v.form
	titles := map[step]string{ //nolint:gosec // headings, not credentials
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
		if f.offered && f.step == stepName {
			c.Gap(1)
			c.Field(Faint, "name", 10)
			c.Put(Selected, f.name.Text())
			c.End()
			c.Gap(12)
			c.Line(Faint, "enter keeps this name; typing replaces it")
		} else {
			field("name", &f.name, f.step == stepName)
		}
		if f.step == stepName {
			foot = "enter next   tab another name   esc cancel"
			if !f.offered {
				c.Gap(12)
				c.Line(Faint, "the key of a provider is named like the provider: anthropic, openai")
			}
		} else {
			if v.stored(f.name.Text()) {
				c.Gap(12)
				c.Line(Warn, "a secret of this name is stored already; saving replaces it")
			}
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
