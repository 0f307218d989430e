package tui

import (
	"context"
	"errors"
	"slices"
	"strings"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

func (p *plain) secrets(ctx context.Context, _ string) error {
	store, list, err := p.backend.Secrets(ctx)
	if err != nil {
		return err
	}
	store = view.Clean(store)
	p.storeLine(&store)
	for _, s := range view.Clean(list) {
		state := p.T("stored in the %s", s.Store)
		if s.Missing {
			state = p.T("missing")
		}
		p.sayf(p.T("secret"), p.T("%s, %s, used by %s"), s.Name, state, orWord(strings.Join(s.UsedBy, p.T(" and ")), p.T("nothing")))
	}
	tokens, err := p.backend.ClientTokens(ctx)
	if err != nil {
		return err
	}
	d := view.NewData()
	d.Words, d.Now = p.words, p.o.Now()
	d.LoadTokens(view.Clean(tokens))
	for i := range d.Tokens {
		t := &d.Tokens[i]
		p.sayf(p.T("token"), p.T("client %s, %s, %s, %d connections now"), t.Name, strings.Join(t.Scopes, p.T(" and ")), view.TokenEnd(d, t), t.Connected)
	}
	return nil
}

// token NAME SCOPES store, or token NAME SCOPES file PATH
func (p *plain) token(ctx context.Context, rest string) error {
	words, err := view.SplitCommand(p.words, rest)
	if err != nil {
		return err
	}
	if p.o.Tokens == nil {
		return errors.New(p.T("A token is made on the gateway's own machine: there, openclaw client add NAME --scopes read"))
	}
	stored, filed := len(words) == 3 && words[2] == "store", len(words) == 4 && words[2] == "file"
	if !stored && !filed {
		return errors.New(p.T("token NAME SCOPES store, or token NAME SCOPES file PATH; scopes such as read,approvals. openclaw client add prints one"))
	}
	plan := view.TokenPlan{Name: words[0], Scopes: strings.Split(words[1], ","), Place: view.TokenStored}
	if filed {
		plan.Place, plan.Path = view.TokenFile, words[3]
	} else if err := p.notStored(ctx, event.TokenSecret(plan.Name)); err != nil {
		return err
	}
	if _, err := p.o.Tokens.Make(ctx, plan); err != nil {
		return err
	}
	p.say(p.T("done"), tokenDone(p.words, &plan))
	return nil
}

// notStored refuses where a secret of the name is there: it would be replaced.
func (p *plain) notStored(ctx context.Context, name string) error {
	_, list, err := p.backend.Secrets(ctx)
	if err == nil && slices.ContainsFunc(list, func(s event.Secret) bool { return s.Name == name && !s.Missing }) {
		err = errors.New(p.T("%s is stored already: delete %s yes", name, name))
	}
	return err
}

func (p *plain) store(_ context.Context, name string) error {
	if name == "" {
		return errors.New(p.T("store NAME; the key of a provider is named like it: anthropic, openai"))
	}
	value, err := p.secret(p.T("value of %s", name))
	if err != nil {
		return err
	}
	return p.send(p.T("stored %s", name), func(ctx context.Context) error {
		defer clear(value)
		return p.backend.StoreSecret(ctx, name, value)
	})
}

// send makes a call that came after a typed secret: its deadline starts now, not
// when the command was typed.
func (p *plain) send(done string, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	err := call(ctx)
	if err == nil {
		p.say(p.T("done"), done)
	}
	return err
}

// secret asks for a masked value.
func (p *plain) secret(label string) ([]byte, error) {
	value, err := p.in.secret(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.write(p.T("%s, typed without echo, then enter: ", view.Printable(label, 300)))
		p.hold = true
	})
	p.mu.Lock()
	p.write("\n")
	p.hold = false
	for _, line := range p.held {
		p.write(line)
	}
	p.held = nil
	p.mu.Unlock()
	if err == nil && len(value) == 0 {
		err = errors.New(p.T("nothing was typed"))
	}
	return value, err
}

func (p *plain) test(ctx context.Context, name string) error {
	test, err := p.backend.TestSecret(ctx, name)
	if err != nil {
		return err
	}
	p.say(p.T("test"), name+" "+view.TestText(p.words, &test))
	return nil
}

func (p *plain) remove(ctx context.Context, rest string) error {
	name, yes, _ := strings.Cut(rest, " ")
	if client, is := strings.CutSuffix(yes, " yes"); is && name == "client" {
		if err := p.backend.RevokeToken(ctx, client); err != nil {
			return err
		}
		p.say(p.T("done"), p.T("revoked the token of %s", client))
		return nil
	}
	if name == "" || yes != "yes" {
		return errors.New(p.T("delete NAME yes; it cannot be brought back. delete client NAME yes revokes its token"))
	}
	if err := p.backend.DeleteSecret(ctx, name); err != nil {
		return err
	}
	p.say(p.T("done"), p.T("deleted %s", name))
	return nil
}

func (p *plain) vault(context.Context, string) error {
	one, err := p.secret(p.T("passphrase of the new vault, at least 8 characters"))
	if err != nil {
		return err
	}
	two, err := p.secret(p.T("the passphrase again"))
	same := slices.Equal(one, two)
	clear(two)
	if err != nil || !same || len(one) < 8 {
		clear(one)
		if err == nil {
			err = errors.New(p.T("the two were not the same, or too short; nothing was made"))
		}
		return err
	}
	return p.send(p.T("the vault is there and open"), func(ctx context.Context) error {
		defer clear(one)
		_, err := p.backend.CreateVault(ctx, one)
		return err
	})
}

func (p *plain) keyFile(ctx context.Context, rest string) error {
	if rest != "yes" {
		return errors.New(p.T("keyfile yes; whoever can read your files can then read the vault"))
	}
	_, err := p.backend.CreateVault(ctx, nil)
	if err == nil {
		p.say(p.T("done"), p.T("the vault is there and open"))
	}
	return err
}

func (p *plain) unlock(context.Context, string) error {
	value, err := p.secret(p.T("passphrase of the vault"))
	if err != nil {
		return err
	}
	return p.send(p.T("the vault is open"), func(ctx context.Context) error {
		defer clear(value)
		_, err := p.backend.UnlockVault(ctx, value)
		return err
	})
}
