package tui

import (
	"context"
	"strconv"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// add queues work. It gets a context with a deadline.
func (s *screen) add(t task) {
	s.pending = append(s.pending, func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return t(ctx)
	})
}

// fetch queues a call for data. What comes back is made printable off the
// screen's goroutine.
func fetch[T any](s *screen, what string, call func(context.Context) (T, error), use func(T)) {
	s.loading++
	generation := s.generation
	s.add(func(ctx context.Context) func() {
		value, err := call(ctx)
		if err == nil {
			value = view.Clean(value)
		}
		return func() {
			s.loading--
			s.dirty = true
			switch {
			case err != nil:
				s.say(view.Bad, s.data.T("could not load %s: %s", what, problemText(err)))
			case generation == s.generation:
				use(value)
			}
			if s.loading == 0 {
				s.feed.signal() // events waited for this
				if s.data.Result.Text == s.data.T("fetching everything anew") {
					s.say(view.Plain, s.data.T("everything was fetched anew"))
				}
			}
		}
	})
}

// load fetches everything. What the views hold stays until the answer is there.
func (s *screen) load() {
	const denials, connections = "denials", "connections"
	s.fetchOverview()
	fetch(s, s.data.T("agents"), s.backend.Agents, func(a []event.Agent) {
		s.data.LoadAgents(a)
		clear(s.data.Details)
		s.agents.Forget()
		s.want()
	})
	fetch(s, denials, s.backend.Denials, s.data.LoadDenials)
	s.fetchAsks()
	fetch(s, connections, s.backend.Connections, s.data.LoadConnections)
	fetch(s, s.data.T("the log"), func(ctx context.Context) ([]event.LogLine, error) {
		return s.backend.Logs(ctx, 1000)
	}, s.data.LoadLogs)
	fetch(s, s.data.T("the config"), s.backend.Config, func(c event.ConfigStatus) { s.data.Config = c })
	s.fetchSecrets()
	s.fetchAudit()
	for _, talk := range s.data.Chats {
		talk.Asked = false // what was said while the connection was gone
	}
}

func (s *screen) fetchAsks() {
	fetch(s, s.data.T("held requests"), s.backend.Asks, func(list []event.Ask) {
		s.data.LoadAsks(list)
		s.told = true // those that waited before the screen opened ring no bell
	})
}

// makeUp fetches the held requests after events were missed: one of them may be among
// those, and nobody would say it again.
func (s *screen) makeUp() {
	if s.data.Missed != s.madeUp && s.data.Link.Up && s.loading == 0 {
		s.madeUp, s.stale = s.data.Missed, true
		s.fetchAsks()
	}
}

func (s *screen) fetchOverview() {
	s.stale, s.fetching, s.fetched = false, true, time.Now()
	s.add(func(ctx context.Context) func() {
		o, err := s.backend.Overview(ctx)
		o = view.Clean(o)
		return func() {
			s.fetching, s.dirty = false, true
			if err == nil {
				s.data.Overview, s.data.Store, s.data.Home, s.data.Loaded = o, o.Store, o.Home, true
			}
		}
	})
}

type secretsAnswer struct {
	Store   event.SecretStore
	Secrets []event.Secret
	Tokens  []event.ClientToken
}

// fetchSecrets fetches what the Secrets view shows. That a vault is locked is nothing that
// went wrong: the view says it, and how to unlock it.
func (s *screen) fetchSecrets() {
	const locked = "locked"
	fetch(s, s.data.T("the secrets"), func(ctx context.Context) (secretsAnswer, error) {
		store, list, err := s.backend.Secrets(ctx)
		if err != nil {
			o, failed := s.backend.Overview(ctx)
			if failed != nil || o.Store.State != locked {
				return secretsAnswer{}, err
			}
			store = o.Store
		}
		tokens, err := s.backend.ClientTokens(ctx)
		return secretsAnswer{store, list, tokens}, err
	}, func(a secretsAnswer) {
		if s.data.Store = a.Store; a.Store.State != locked { // else what was there is there still
			s.data.Secrets = a.Secrets
		}
		s.data.LoadTokens(a.Tokens)
	})
}

// tokensEach is how often the tokens, and the secrets of an open store, are fetched while
// they are in sight: no event says that a token was made elsewhere, or that either was used.
const tokensEach = 5 * time.Second

func (s *screen) fetchTokens() {
	s.tokensAt = s.data.Instant
	open := s.data.Store.State == "unlocked"
	s.add(func(ctx context.Context) func() {
		tokens, err := s.backend.ClientTokens(ctx)
		tokens = view.Clean(tokens)
		var list []event.Secret
		var locked error
		if open {
			_, list, locked = s.backend.Secrets(ctx)
			list = view.Clean(list)
		}
		return func() {
			if err == nil {
				s.data.LoadTokens(tokens)
			}
			if open && locked == nil {
				s.data.Secrets = list
			}
			s.dirty = true
		}
	})
}

func (s *screen) fetchAudit() {
	const since, limit = time.Hour, 1000
	s.add(func(ctx context.Context) func() {
		lines, err := s.backend.Audit(ctx, since, limit)
		return func() {
			s.dirty = true
			if err != nil {
				s.say(view.Bad, s.data.T("could not load the audit log: %s", problemText(err)))
				return
			}
			s.data.LoadAudit(lines)
			if s.entered == view.Audit {
				s.enter(view.Audit)
				s.entered = ""
			}
		}
	})
}

// verifyAudit has the chain of the audit log looked at.
func (s *screen) verifyAudit() {
	if s.verifying {
		return
	}
	s.verifying = true
	s.add(func(ctx context.Context) func() {
		found, err := s.backend.VerifyAudit(ctx)
		found = view.Clean(found)
		return func() {
			s.verifying, s.dirty = false, true
			if err != nil {
				s.data.ChainProblem = problemText(err)
				return
			}
			s.data.Chain, s.data.ChainProblem = found, ""
		}
	})
}

// act does what a view asks for.
func (s *screen) act(a view.Action) {
	if s.operate(a) || s.talks(a) || s.lives(a) {
		return
	}
	switch a.Verb { //nolint:exhaustive // the rest is operate's
	case view.VerbNone:
	case view.VerbOpen:
		s.open(view.Name(a.Name))
	case view.VerbRun:
		s.over = overlayNone
		if a.Text != "" {
			s.open(view.Name(a.Text))
			s.draw() // a list that was never drawn has no row that is selected
		}
		s.run(view.ID(a.Name))
	case view.VerbDecide:
		s.answer(a.Answers)
	case view.VerbPreview:
		s.preview(view.PreviewKey{ID: a.Name, Match: a.Match})
	case view.VerbCheck:
		s.check()
	case view.VerbVerify:
		s.verifyAudit()
	case view.VerbUndo:
		s.undo(a.Name)
	case view.VerbLoadAgent:
		s.loadAgent(a.Name)
	case view.VerbReload:
		s.reload()
	case view.VerbValidate:
		s.validate()
	case view.VerbLookBack, view.VerbRollback:
		s.goBack(a.Name, a.Verb == view.VerbLookBack)
	case view.VerbTestSecret:
		s.testSecrets(a.Words)
	case view.VerbDeleteSecret:
		s.goes(&a)
	case view.VerbFindLiterals:
		s.findLiterals()
	case view.VerbMoveLiterals:
		s.moveLiterals(a.Words)
	case view.VerbAddToken:
		s.addToken(a.Token)
	case view.VerbStoreSecret:
		s.change(s.data.T("stored %s", a.Name), func(ctx context.Context) error {
			defer clear(a.Value)
			return s.backend.StoreSecret(ctx, a.Name, a.Value)
		})
	case view.VerbCreateVault:
		s.change(s.data.T("the vault is there and open"), func(ctx context.Context) error {
			defer clear(a.Value)
			_, err := s.backend.CreateVault(ctx, a.Value)
			return err
		})
	case view.VerbUnlockVault:
		s.change(s.data.T("the vault is open"), func(ctx context.Context) error {
			defer clear(a.Value)
			_, err := s.backend.UnlockVault(ctx, a.Value)
			return err
		})
	}
}

// change queues a call that changes the secrets, says how it ended, and fetches
// the list anew.
func (s *screen) change(done string, call func(context.Context) error) {
	s.say(view.Plain, s.data.T("working"))
	s.add(func(ctx context.Context) func() {
		err := call(ctx)
		return func() {
			if err != nil {
				s.say(view.Bad, s.data.T("not done: %s", problemText(err)))
				return
			}
			if len(s.data.Agents) == 0 && s.current == view.Secrets {
				done += s.data.T("; next: {view.open.Agents}, an agent")
			}
			s.say(view.Good, done)
			s.fetchSecrets()
			s.fetchOverview()
		}
	})
}

// testSecrets sees whether each resolves and is taken, and says how that ended once all
// have.
func (s *screen) testSecrets(names []string) {
	s.say(view.Plain, s.data.T("testing %s", strings.Join(names, ", ")))
	rest, taken, failed := len(names), 0, []string(nil)
	for _, name := range names {
		s.add(func(ctx context.Context) func() {
			test, err := s.backend.TestSecret(ctx, name)
			return func() {
				if err != nil {
					test = event.SecretTest{Problem: problemText(err)}
				}
				ok, text := test.OK, view.TestText(s.data.Words, &test)
				if !ok {
					failed = append(failed, name)
				}
				sure := ok && len(test.Unknown) == 0 && len(test.Taken) > 0
				if sure {
					taken++
				}
				s.data.Tests[name], s.dirty = text, true
				switch rest--; {
				case rest > 0:
				case len(names) > 1 && len(failed) > 0:
					s.say(view.Bad, s.data.T("%s of %s do not work: %s", strconv.Itoa(len(failed)), strconv.Itoa(len(names)), strings.Join(failed, ", ")))
				case len(names) > 1:
					s.say(view.Good, s.data.T("all %s resolve; providers take %s of them", strconv.Itoa(len(names)), strconv.Itoa(taken)))
				case sure:
					s.say(view.Good, name+" "+text)
				case ok:
					s.say(view.Plain, name+" "+text)
				default:
					s.say(view.Bad, name+" "+text)
				}
			}
		})
	}
}

func (s *screen) loadAgent(name string) {
	s.add(func(ctx context.Context) func() {
		agent, err := s.backend.Agent(ctx, name)
		agent = view.Clean(agent)
		return func() {
			if err != nil {
				s.say(view.Bad, s.data.T("could not load agent %s: %s", name, problemText(err)))
				return
			}
			s.data.LoadAgent(&agent)
			s.dirty = true
		}
	})
}

// loadTrail fetches what happened on a connection. One that is not there any more is
// said in its place.
func (s *screen) loadTrail(id string, records bool) {
	s.add(func(ctx context.Context) func() {
		trail, err := s.backend.Connection(ctx, id, records)
		return func() {
			s.dirty = true
			if err != nil {
				trail = event.ConnectionTrail{Connection: event.Connection{ID: id}, Problem: problemText(err)}
				records = true
			}
			s.data.LoadTrail(&trail, records)
		}
	})
}

// loadTraffic brings the bytes of the gateway's clients up to date. Where that fails the
// connection is lost, which is said elsewhere.
func (s *screen) loadTraffic() {
	s.add(func(ctx context.Context) func() {
		rows, err := s.backend.Sockets(ctx)
		return func() {
			if err == nil {
				s.dirty = true
				s.data.LoadTraffic(rows)
			}
		}
	})
}

func (s *screen) reload() {
	s.say(view.Plain, s.data.T("reading the config file"))
	s.add(func(ctx context.Context) func() {
		status, err := s.backend.ReloadConfig(ctx)
		status = view.Clean(status)
		return func() {
			if err != nil {
				s.say(view.Bad, s.data.T("not reloaded: %s", problemText(err)))
				return
			}
			s.data.Config = status
			if status.Rejected {
				s.say(view.Bad, s.data.T("rejected: the file on disk has problems; #%s stays active, {config.edit} opens the file", strconv.Itoa(status.Version)))
				return
			}
			s.say(view.Good, s.data.T("read; what is on disk is active"))
		}
	})
}
