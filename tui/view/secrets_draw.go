package view

import (
	"strings"
	"time"

	"openclaw/gateway/event"
)

// Draw paints the view.
func (v *SecretsView) Draw(c *Canvas) {
	v.drawStore(c)
	if v.literals.step != literalsNone {
		v.drawLiterals(c)
		return
	}
	for i := range v.rows() {
		if v.want != "" && v.get(i).id() == v.want {
			v.order.reveal(v.want)
			v.list.id, v.want = v.want, ""
		}
	}
	l := layout{
		title: c.T("secrets and tokens; values are never shown"), total: v.rows(), share: 58, id: v.id, head: v.head,
		name: v.list.Selected,
	}
	l.count = v.count(l.total, func(i int, yield func(key, value string) bool) {
		r := v.get(i)
		_ = yield("name", r.id()) && yield("store", r.store())
	})
	l.row = func(c *Canvas, i int, _ bool) {
		if r := v.get(v.at(i)); r.token != nil {
			v.drawTokenRow(c, r.token)
		} else {
			v.row(c, r.secret)
		}
	}
	l.pane = func(c *Canvas) {
		if t := v.tokenOf(v.list.Selected()); t != nil {
			v.tokenPane(c, t)
		} else if s := v.selected(); s != nil {
			v.pane(c, s)
		}
	}
	if v.form.step == stepNone && v.form.note == "" && v.token.step == tokenNothing {
		switch {
		case v.data.Store.State == "locked":
			l.empty = c.T("What is stored shows here once it is unlocked.")
		case !v.noStore():
			l.empty = c.T("No secret is stored. {secrets.add} adds one: the key of a provider is named like the provider (anthropic, openai). {secrets.import} finds those that stand in your files.")
		}
		v.draw(c, &l)
		return
	}
	form := 10
	if l.count > 0 && c.Left() >= form+3 {
		v.drawFilter(c, &l)
		upper := c.Sub(0, c.Width(), max(min(l.count+1, c.Left()-form), 1))
		v.drawList(upper, &l, c.Rows())
		c.Copy(upper, 0)
	}
	if v.token.step != tokenNothing {
		v.drawToken(c)
		return
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
		name = c.T("store")
	}
	c.Put(Bold, name)
	c.Gap(1)
	c.Put(style, glyph)
	c.Gap(1)
	c.Put(Plain, c.T(orDash(s.State)))
	if left := s.Until.Sub(v.data.Now); !s.Until.IsZero() {
		c.Put(Bold, c.T(" until %s, %s left", whenText(v.data, s.Until), string(AppendLeft(nil, left))))
	}
	if s.Detail != "" {
		c.Gap(2)
		c.Put(Faint, s.Detail)
	}
	c.End()
	switch {
	case v.noStore() && v.data.ReadOnly:
		c.Gap(1)
		c.Wrap(Plain, c.T("There is no place for secrets yet."), 1)
	case v.noStore() && v.form.step == stepNone:
		c.Gap(1)
		c.Wrap(Plain, c.T("No keychain answers on this machine, so there is no place for secrets yet. Nothing is ever kept in plain text."), 1)
		for _, way := range [...][2]string{
			{c.Key(ActVaultCreate), c.T("create the encrypted vault, opened by a passphrase after each start")},
			{c.Key(ActVaultKeyFile), c.T("create it with a key file beside it, opened without a question")},
		} {
			c.Gap(3)
			c.Put(Bold, way[0])
			c.Gap(2)
			c.Line(Plain, way[1])
		}
	case v.lockedVault():
		c.Gap(1)
		c.Put(Bold, c.Key(ActVaultUnlock))
		c.Line(Plain, c.T(" unlocks it with its passphrase"))
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
	c.Field(Faint, c.T("NAME"), name)
	c.Field(Faint, c.T("STORE"), 8)
	c.Field(Faint, c.T("STATE"), 9)
	if changed {
		c.Field(Faint, c.T("    AGE"), 7)
	}
	if usedBy {
		c.Put(Faint, c.T("USED BY"))
	}
}

func (v *SecretsView) row(c *Canvas, s *event.Secret) {
	name, changed, usedBy := secretColumns(c.Width())
	c.FieldMiddle(Plain, s.Name, name)
	c.Field(Plain, orDash(s.Store), 8)
	if s.Missing {
		c.Put(Bad, c.Theme.Glyphs.No)
		c.Gap(1)
		c.Field(Plain, c.T("missing"), 7)
	} else if v.old(s) {
		c.Put(Warn, "!")
		c.Gap(1)
		c.Field(Plain, c.T("old"), 7)
	} else {
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Gap(1)
		c.Field(Plain, c.T("stored"), 7)
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
	fact(c, c.T("name"), s.Name)
	if s.Missing {
		fact(c, c.T("state"), c.T("missing: the config needs it. {secrets.add} stores it."))
	} else {
		fact(c, c.T("value"), c.T("•••••••• (never shown)"))
		fact(c, c.T("store"), s.Store)
	}
	for _, at := range [...]struct {
		label string
		t     time.Time
	}{{c.T("created"), s.Created}, {c.T("changed"), s.Changed}, {c.T("last read"), s.LastUsed}} {
		if !at.t.IsZero() {
			c.Field(Faint, at.label, labelWidth)
			c.Time(Plain, v.data.Local(at.t), time.DateTime)
			c.Put(Faint, ", ")
			c.Age(Faint, v.data.Since(at.t), 0)
			c.Put(Faint, c.T(" ago"))
			c.End()
		}
	}
	if s.LastUsed.IsZero() && !s.Missing {
		fact(c, c.T("last read"), c.T("never"))
	}
	if v.old(s) {
		fact(c, c.T("age"), c.T("over 90 days: {secrets.rotate} gives it a new value. The old one is to be revoked where it came from."))
	}
	fact(c, c.T("used by"), orDash(strings.Join(s.UsedBy, ", ")))
	fact(c, c.T("test"), v.data.Tests[s.Name])
}

func (v *SecretsView) drawForm(c *Canvas) {
	f := &v.form
	titles := map[step]string{
		stepName: c.T("Add secret"), stepValue: c.T("Add secret"), stepDelete: c.T("Delete secret"), stepPassphrase: c.T("Create the encrypted vault"),
		stepAgain: c.T("Create the encrypted vault"), stepKeyFile: c.T("Create the encrypted vault with a key file"), stepUnlock: c.T("Unlock the vault"),
		stepNone: c.T("Secrets"),
	}
	if f.step == stepDelete && len(f.targets) == 0 {
		titles[f.step] = c.T("Revoke a client's token")
	}
	if f.rotates {
		titles[stepValue] = c.T("Rotate secret")
	}
	c.Rule(titles[f.step], Bold)
	field := func(label string, e *Editor, focus bool) {
		c.Gap(1)
		c.Field(Faint, label, 10)
		e.Draw(c, focus)
		c.End()
	}
	foot := c.T("enter save   esc cancel   ctrl+u clear")
	switch f.step {
	case stepName, stepValue:
		if f.offered && f.step == stepName {
			c.Gap(1)
			c.Field(Faint, c.T("name"), 10)
			c.Put(Selected, f.name.Text())
			c.End()
			c.Gap(12)
			c.Line(Faint, c.T("enter keeps this name; typing replaces it"))
		} else {
			field(c.T("name"), &f.name, f.step == stepName)
		}
		if f.step == stepName {
			foot = c.T("enter next   tab another name   esc cancel")
			if !f.offered {
				c.Gap(12)
				c.Line(Faint, c.T("the key of a provider is named like the provider: anthropic, openai"))
			}
		} else {
			if v.stored(f.name.Text()) {
				c.Gap(12)
				c.Line(Warn, c.T("a secret of this name is stored already; saving replaces it"))
			}
			field(c.T("value"), &f.value, true)
			c.Gap(12)
			c.Wrap(Faint, c.T("Type or paste. Kept in the %s, never in YAML, never in the log; wiped here after saving.", orDash(v.data.Store.Backend)), 12)
		}
	case stepDelete:
		v.drawGoes(c)
		foot = c.T("y delete   any other key keeps it")
		if len(f.targets) == 0 {
			foot = c.T("y revoke   any other key keeps it")
		}
	case stepPassphrase, stepAgain:
		field(c.T("passphrase"), &f.value, f.step == stepPassphrase)
		if f.step == stepAgain {
			field(c.T("again"), &f.again, true)
		}
		c.Gap(12)
		c.Wrap(Faint, c.T("It encrypts the vault file. Without it nothing in the vault can be read again. The gateway asks for it after each start."), 12)
		foot = c.T("enter next   esc cancel   ctrl+u clear")
	case stepKeyFile:
		c.Gap(1)
		c.Wrap(Plain, c.T("A random key is written beside the vault, readable by you alone. No passphrase is asked for, and whoever can read your files can read the vault."), 1)
		foot = c.T("y create   any other key cancels")
	case stepUnlock:
		field(c.T("passphrase"), &f.value, true)
		foot = c.T("enter unlock   esc cancel   ctrl+u clear")
	case stepNone:
		foot = ""
	}
	drawFormEnd(c, f.note, foot)
}

// drawFormEnd draws what ends a form: what is wrong with it, if anything, and its keys.
func drawFormEnd(c *Canvas, note, foot string) {
	if note != "" {
		c.Gap(1)
		c.Put(Warn, "! ")
		c.Wrap(Plain, note, 3)
	}
	c.Gap(1)
	c.Line(Bold, foot)
}

// whenText is a time with its day where that is not today.
func whenText(d *Data, t time.Time) string {
	t = d.Local(t)
	if t.Format(time.DateOnly) == d.Now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}
