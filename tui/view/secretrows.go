package view

import (
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// secretRow is a row of the Secrets view: a secret, or a client's token.
type secretRow struct {
	secret *event.Secret
	token  *event.ClientToken
}

func (v *SecretsView) rows() int { return len(v.data.Secrets) + len(v.data.Tokens) }

// get is row i as they come: the secrets, then the tokens.
func (v *SecretsView) get(i int) secretRow {
	if i < len(v.data.Secrets) {
		return secretRow{secret: &v.data.Secrets[i]}
	}
	return secretRow{token: &v.data.Tokens[i-len(v.data.Secrets)]}
}

func (r secretRow) id() string {
	if r.token != nil {
		return tokenID(r.token.Name)
	}
	return r.secret.Name
}

// store is where it is kept; of a token only the hash is, by the gateway.
func (r secretRow) store() string {
	if r.token != nil {
		return "token"
	}
	return r.secret.Store
}

func (r secretRow) changed() time.Time {
	if r.token != nil {
		return r.token.Created
	}
	return r.secret.Changed
}

func (r secretRow) users() string {
	if r.token != nil {
		return shortScopes(r.token)
	}
	return strings.Join(r.secret.UsedBy, ", ")
}

// rank is where the state of a row stands in a list that is sorted by it: what needs
// something first.
func (v *SecretsView) rank(r secretRow) int {
	switch {
	case r.token != nil && r.token.State != event.TokenGood:
		return 3
	case r.token != nil:
		return 2
	case r.secret.Missing:
		return 0
	case v.old(r.secret):
		return 1
	}
	return 2
}

// goes asks whether what is marked, or selected, is to go: secrets that are stored, and
// tokens that are in force.
func (v *SecretsView) goes() {
	f := &v.form
	for _, id := range v.marked() {
		switch t := v.tokenOf(id); {
		case t != nil && t.State == event.TokenGood:
			f.tokens = append(f.tokens, t.Name)
		case t != nil:
			f.note = v.data.T("%s: nothing is left to revoke", TokenEnd(v.data, t))
		case v.stored(id):
			f.targets = append(f.targets, id)
		}
	}
	if len(f.targets)+len(f.tokens) > 0 {
		f.step, f.note = stepDelete, ""
	}
}

// drawGoes draws that question.
func (v *SecretsView) drawGoes(c *Canvas) {
	f := &v.form
	say := func(text string) {
		c.Gap(1)
		c.Wrap(Plain, text, 1)
	}
	switch n := len(f.targets); {
	case n > 1:
		say(c.T("Delete %s: %s? Whatever uses them fails from then on. They cannot be brought back.", c.N(n, "secret"), strings.Join(f.targets, ", ")))
	case n == 1:
		say(c.T("Delete %s? Whatever uses it fails from then on. It cannot be brought back.", f.targets[0]))
	}
	if len(f.tokens) > 0 {
		say(c.T("Revoke the token of %s? It opens nothing from then on, and what it has open is cut.", strings.Join(f.tokens, ", ")))
	}
}

// LoadTokens takes the tokens of clients: of each client the one that is in force, or the
// newest.
func (d *Data) LoadTokens(list []event.ClientToken) {
	d.Tokens = nil
	for i := range list {
		t := &list[i]
		at := slices.IndexFunc(d.Tokens, func(x event.ClientToken) bool { return x.Name == t.Name })
		switch {
		case at < 0:
			d.Tokens = append(d.Tokens, *t)
		case d.Tokens[at].State != event.TokenGood:
			d.Tokens[at] = *t
		}
	}
	slices.SortFunc(d.Tokens, func(a, b event.ClientToken) int { return strings.Compare(a.Name, b.Name) })
}

// tokenID is the row of a client's token. No secret has a name with a blank.
func tokenID(client string) string { return tokenRow + client }

const tokenRow = "client "

// tokenOf is the client's token of a row; nil: the row is a secret's.
func (v *SecretsView) tokenOf(id string) *event.ClientToken {
	name, is := strings.CutPrefix(id, tokenRow)
	if !is {
		return nil
	}
	for i := range v.data.Tokens {
		if v.data.Tokens[i].Name == name {
			return &v.data.Tokens[i]
		}
	}
	return nil
}

// tokenState is the word for how a token stands.
func tokenState(w *Words, t *event.ClientToken) string {
	switch t.State {
	case event.TokenGood:
		return w.T("good")
	case event.TokenExpired:
		return w.T("expired")
	case event.TokenRevoked:
		return w.T("revoked")
	}
	return t.State
}

func (v *SecretsView) drawTokenRow(c *Canvas, t *event.ClientToken) {
	name, changed, usedBy := secretColumns(c.Width())
	c.FieldMiddle(Plain, tokenID(t.Name), name)
	c.Field(Plain, c.T("token"), 8)
	if t.State == event.TokenGood {
		c.Put(Good, c.Theme.Glyphs.Yes)
	} else {
		c.Put(Bad, c.Theme.Glyphs.No)
	}
	c.Gap(1)
	c.Field(Plain, tokenState(c.Theme.Words, t), 7)
	if changed {
		c.Age(Plain, v.data.Since(t.Created), 7)
		c.Gap(1)
	}
	if usedBy {
		c.Put(Plain, shortScopes(t))
	}
}

// shortScopes are a token's scopes without what all of them begin with.
func shortScopes(t *event.ClientToken) string {
	short := make([]string, len(t.Scopes))
	for i, scope := range t.Scopes {
		short[i] = strings.TrimPrefix(scope, "operator.")
	}
	return strings.Join(short, ",")
}

// TokenEnd says until when a token is good, or since when it is not.
func TokenEnd(d *Data, t *event.ClientToken) string {
	day := func(at time.Time) string { return d.Local(at).Format(time.DateOnly) }
	switch {
	case !t.Revoked.IsZero():
		return d.T("revoked on %s", day(t.Revoked))
	case t.Expires.IsZero():
		return d.T("good until it is revoked")
	case t.State == event.TokenExpired:
		return d.T("expired on %s", day(t.Expires))
	}
	return d.T("good until %s", day(t.Expires))
}

func (v *SecretsView) tokenPane(c *Canvas, t *event.ClientToken) {
	fact(c, c.T("client"), t.Name)
	fact(c, c.T("token"), c.T("•••••••• (never shown; the gateway keeps its hash only)"))
	fact(c, c.T("state"), TokenEnd(v.data, t))
	fact(c, c.T("scopes"), shortScopes(t))
	for scope := range strings.SplitSeq(shortScopes(t), ",") {
		if text := tokenScopeText(c.Theme.Words, scope); text != "" {
			fact(c, "", scope+": "+text)
		}
	}
	c.Field(Faint, c.T("created"), labelWidth)
	c.Time(Plain, v.data.Local(t.Created), time.DateTime)
	c.Put(Faint, ", ")
	c.Age(Faint, v.data.Since(t.Created), 0)
	c.Put(Faint, c.T(" ago"))
	c.End()
	fact(c, c.T("open now"), c.N(t.Connected, "connection"))
	if t.State == event.TokenGood {
		fact(c, "", c.T("{secrets.delete} revokes it, and cuts what it has open"))
	}
}
