package view

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// TokenPlan is a client's token to be made. The token itself never comes here.
type TokenPlan struct {
	Name   string   // of the client
	Scopes []string // without "operator."
	For    string   // such as "90d"; empty: until it is revoked
	Place  TokenPlace
	Path   string // of the file
}

// TokenPlace is where a new token goes.
type TokenPlace int

// The places. In none of them is the token drawn on the screen.
const (
	TokenStored TokenPlace = iota // in the store of the secrets, under event.TokenSecret
	TokenFile                     // in a new file that its owner alone can read
	TokenShown                    // once on the terminal, outside the screen
)

const tokenPlaces = 3

// TokenReference is what names the stored token to whoever reads it.
func TokenReference(client string) string { return "keychain://openclaw/" + event.TokenSecret(client) }

// tokenStep is what is asked for now.
type tokenStep int

const (
	tokenNothing tokenStep = iota
	tokenName
	tokenScopes
	tokenLife
	tokenPlace
	tokenPath
)

// tokenForm is a token that is being described.
type tokenForm struct {
	step             tokenStep
	name, life, path Editor
	scopes           []bool // of Data.TokenScopes
	at               int    // the scope under the cursor
	place            TokenPlace
	note             string
}

// TokenEnded is told how the making of a token ended. Where it failed, what was typed is
// there again when the form is opened the next time, with the reason. The form does not
// open by itself: keys may be meant for something else by now.
func (v *SecretsView) TokenEnded(problem string) {
	if problem == "" {
		v.kept = tokenForm{}
		return
	}
	v.kept.step, v.kept.note = tokenName, problem
}

// openToken opens the form, or says where a token is made.
func (v *SecretsView) openToken() {
	v.form.close()
	if len(v.data.TokenScopes) == 0 {
		v.form.note = v.data.T("A token is made on the gateway's own machine: there, openclaw client add NAME --scopes read")
		return
	}
	if v.kept.step != tokenNothing {
		v.token, v.kept = v.kept, tokenForm{}
		return
	}
	f := tokenForm{step: tokenName, scopes: make([]bool, len(v.data.TokenScopes))}
	f.name.Max, f.life.Max, f.path.Max = 64, 16, 4<<10
	f.scopes[0] = true // the least
	f.life.Set("90d")
	if v.data.Store.State != "unlocked" {
		f.place = TokenFile
	}
	v.token = f
}

// tokenKey takes a key of the form.
func (v *SecretsView) tokenKey(k Key) Action {
	f := &v.token
	f.note = ""
	if k.Name == "esc" || k.Name == "ctrl+c" {
		v.token = tokenForm{}
		return Action{}
	}
	switch f.step {
	case tokenName:
		if k.Name == "enter" {
			v.tokenNamed()
			break
		}
		f.name.Key(k)
	case tokenScopes:
		v.scopeKey(k)
	case tokenLife:
		if k.Name == "enter" {
			if f.step = tokenPlace; !lasts(strings.TrimSpace(f.life.Text())) {
				f.step, f.note = tokenLife, v.data.T("It is written like 12h or 30d.")
			}
			break
		}
		f.life.Key(k)
	case tokenPlace:
		return v.placeKey(k)
	case tokenPath:
		if k.Name == "enter" {
			return v.makeToken()
		}
		f.path.Key(k)
	case tokenNothing:
	}
	return Action{}
}

// tokenNamed goes on once the name can be one.
func (v *SecretsView) tokenNamed() {
	f := &v.token
	name := strings.TrimSpace(f.name.Text())
	taken := slices.ContainsFunc(v.data.Tokens, func(t event.ClientToken) bool { return t.Name == name && t.State == event.TokenGood })
	switch {
	case !clientName(name):
		f.note = v.data.T("A name is 1 to 64 of a-z, 0-9, '.', '_' and '-', such as phone")
	case taken:
		f.note = v.data.T("%s has a token that is in force; {secrets.delete} on its row revokes it", name)
	default:
		f.name.Set(name)
		f.step = tokenScopes
	}
}

// clientName reports whether the gateway takes the name.
func clientName(s string) bool {
	for i, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && (i == 0 || !strings.ContainsRune("._-", r)) {
			return false
		}
	}
	return s != "" && len(s) <= 64 && !strings.Contains(s, "..")
}

// lasts reports whether a text is a length of time, such as 30d, or empty: without end.
func lasts(text string) bool {
	if days, is := strings.CutSuffix(text, "d"); is {
		n, err := strconv.ParseUint(days, 10, 16)
		return err == nil && n > 0
	}
	span, err := time.ParseDuration(text)
	return text == "" || err == nil && span > 0
}

// pressed is a key by its name, or by the one character that it types.
func pressed(k Key) string {
	if k.Name == "" && !k.Paste && len(k.Text) == 1 {
		return string(k.Text)
	}
	return k.Name
}

func (v *SecretsView) scopeKey(k Key) {
	f := &v.token
	switch pressed(k) {
	case "right", "down", "tab", "l", "j":
		f.at = (f.at + 1) % len(f.scopes)
	case "left", "up", "h", "k":
		f.at = (f.at + len(f.scopes) - 1) % len(f.scopes)
	case " ", "space":
		f.scopes[f.at] = !f.scopes[f.at]
	case "enter":
		if !slices.Contains(f.scopes, true) {
			f.note = v.data.T("At least one: space takes the one at the cursor, or leaves it.")
			break
		}
		f.step = tokenLife
	}
}

func (v *SecretsView) placeKey(k Key) Action {
	f := &v.token
	switch key := pressed(k); key {
	case "down", "right", "tab", "j", "l":
		f.place = (f.place + 1) % tokenPlaces
	case "up", "left", "k", "h":
		f.place = (f.place + tokenPlaces - 1) % tokenPlaces
	case "1", "2", "3":
		f.place = TokenPlace(key[0] - '1')
	case "enter":
		name := f.name.Text()
		switch {
		case f.place == TokenStored && v.data.Store.State != "unlocked":
			f.note = v.trouble()
		case f.place == TokenStored && v.stored(event.TokenSecret(name)):
			f.note = v.data.T("%s is stored already: {secrets.delete} on its row takes it away, or choose another place", event.TokenSecret(name))
		case f.place == TokenFile:
			if f.path.Len() == 0 {
				f.path.Set("~/" + name + ".token")
			}
			f.step = tokenPath
		default:
			return v.makeToken()
		}
	}
	return Action{}
}

// makeToken closes the form and asks for the token.
func (v *SecretsView) makeToken() Action {
	f := &v.token
	plan := TokenPlan{Name: f.name.Text(), For: strings.TrimSpace(f.life.Text()), Place: f.place}
	for i, taken := range f.scopes {
		if taken {
			plan.Scopes = append(plan.Scopes, v.data.TokenScopes[i])
		}
	}
	if plan.Place == TokenFile {
		if plan.Path = strings.TrimSpace(f.path.Text()); plan.Path == "" {
			f.note = v.data.T("Type or paste it first.")
			return Action{}
		}
	}
	v.kept, v.token = *f, tokenForm{}
	v.kept.step = tokenNothing // until it is known to have failed
	v.want = tokenID(plan.Name)
	return Action{Verb: VerbAddToken, Token: plan}
}

// tokenScopeText says what a scope lets a client do.
func tokenScopeText(w *Words, scope string) string {
	switch scope {
	case "read":
		return w.T("sees everything, changes nothing")
	case "write":
		return w.T("read, and calls the models and talks with agents")
	case "approvals":
		return w.T("answers held requests")
	case "questions":
		return w.T("answers what agents ask a person")
	case "pairing":
		return w.T("pairs devices")
	case "talk":
		return w.T("speaks with agents")
	case "talk.secrets":
		return w.T("reads the keys of the speech services")
	case "admin":
		return w.T("all of it, the config and the secrets too")
	}
	return ""
}

// drawToken draws the form.
func (v *SecretsView) drawToken(c *Canvas) {
	f := &v.token
	c.Rule(c.T("New client token"), Bold)
	line := func(step tokenStep, label string, e *Editor, empty string) {
		if f.step < step {
			return
		}
		c.Gap(1)
		c.Field(Faint, label, 10)
		if f.step == step {
			e.Draw(c, true)
		} else {
			c.Put(Plain, orText(e.Text(), empty))
		}
		c.End()
	}
	hint := func(text string) {
		c.Gap(12)
		c.Wrap(Faint, text, 12)
	}
	foot := c.T("enter next   esc cancel")
	line(tokenName, c.T("client"), &f.name, "")
	if f.step == tokenName {
		hint(c.T("a program, person or device that calls this gateway, such as phone"))
	}
	if f.step >= tokenScopes {
		v.drawScopes(c)
	}
	if f.step == tokenScopes {
		hint(v.data.TokenScopes[f.at] + ": " + tokenScopeText(c.Theme.Words, v.data.TokenScopes[f.at]))
		foot = c.T("space takes it   arrows move   enter next   esc cancel")
	}
	line(tokenLife, c.T("good for"), &f.life, c.T("until it is revoked"))
	if f.step == tokenLife {
		hint(c.T("such as 30d or 12h; empty: until it is revoked"))
	}
	if f.step == tokenPlace {
		foot = c.T("enter makes it   arrows choose   esc cancel")
		v.drawPlaces(c)
		if f.place == TokenStored {
			hint(c.T("its program reads it as %s", TokenReference(f.name.Text())))
		}
	}
	line(tokenPath, c.T("file"), &f.path, "")
	if f.step == tokenPath {
		foot = c.T("enter makes it   esc cancel")
		hint(c.T("A new file that you alone can read (0600); one that is there is left as it is."))
	}
	drawFormEnd(c, f.note, foot)
}

// drawScopes draws the scopes side by side, those that are taken with an x.
func (v *SecretsView) drawScopes(c *Canvas) {
	f := &v.token
	c.Gap(1)
	c.Field(Faint, c.T("scopes"), 10)
	for i, scope := range v.data.TokenScopes {
		text := "[ ] " + scope
		if f.scopes[i] {
			text = "[x] " + scope
		}
		if f.step != tokenScopes {
			if !f.scopes[i] {
				continue
			}
			text = scope
		}
		if c.Room() < Width(text)+2 {
			c.End()
			c.Gap(11)
		}
		style := Plain
		c.Gap(1)
		if f.step == tokenScopes && i == f.at {
			style = Selected
			c.Put(Bold, c.Theme.Glyphs.Cursor)
		} else if f.step == tokenScopes {
			c.Gap(1)
		}
		c.Put(style, text)
	}
	c.End()
}

// drawPlaces draws where the token can go.
func (v *SecretsView) drawPlaces(c *Canvas) {
	f := &v.token
	for i, text := range [tokenPlaces]string{
		TokenStored: c.T("into the %s", orText(v.data.Store.Backend, c.T("keychain"))),
		TokenFile:   c.T("into a file that you alone can read"),
		TokenShown:  c.T("onto the terminal, once, outside this screen"),
	} {
		c.Gap(1)
		if i == 0 {
			c.Field(Faint, c.T("to"), 8)
		} else {
			c.Gap(9)
		}
		if TokenPlace(i) == f.place {
			c.Put(Bold, c.Theme.Glyphs.Cursor)
			c.Gap(1)
			c.Put(Selected, itoa(i+1)+" "+text)
			c.End()
			continue
		}
		c.Gap(2)
		c.Line(Plain, itoa(i+1)+" "+text)
	}
}
