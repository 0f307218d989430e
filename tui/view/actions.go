package view

import "slices"

// Name names a view.
type Name string

// The views.
const (
	Overview    Name = "Overview"
	Connections Name = "Connections"
	Denials     Name = "Denials"
	Agents      Name = "Agents"
	Logs        Name = "Logs"
	Secrets     Name = "Secrets"
	Audit       Name = "Audit"
	Config      Name = "Config"
	Chat        Name = "Chat"
)

// Names returns the views in the order of their number keys, 1 to 9.
func Names() []Name {
	return []Name{Overview, Connections, Denials, Agents, Logs, Secrets, Audit, Config, Chat}
}

// ID names an action. Keys may change, an ID never does.
type ID string

// The actions.
const (
	ActUp         ID = "list.up"
	ActDown       ID = "list.down"
	ActPageUp     ID = "list.page_up"
	ActPageDown   ID = "list.page_down"
	ActTop        ID = "list.top"
	ActBottom     ID = "list.bottom"
	ActPane       ID = "list.pane"
	ActOpen       ID = "list.open"
	ActSort       ID = "list.sort"
	ActFreeze     ID = "list.freeze"
	ActMarkRow    ID = "list.mark"
	ActFilter     ID = "filter.edit"
	ActFilterOff  ID = "filter.toggle"
	ActFilterSave ID = "filter.save"
	ActBack       ID = "back"
	ActNextView   ID = "view.next"
	ActLastView   ID = "view.previous"
	ActPalette    ID = "palette"
	ActHelp       ID = "help"
	ActRedraw     ID = "redraw"
	ActSuspend    ID = "suspend"
	ActMouse      ID = "mouse"
	ActQuit       ID = "quit"

	ActNextAsk  ID = "asks.next"
	ActAllow    ID = "asks.allow"
	ActDeny     ID = "asks.deny"
	ActAllowAll ID = "asks.allow_all"
	ActDenyAll  ID = "asks.deny_all"
	ActMark     ID = "asks.mark"
	ActScope    ID = "asks.scope"
	ActMatch    ID = "asks.match"
	ActNote     ID = "asks.note"
	ActWhy      ID = "asks.why"
	ActUndo     ID = "asks.undo"

	ActCopy       ID = "copy"
	ActCopyJSON   ID = "copy.json"
	ActDisconnect ID = "connections.close"
	ActBan        ID = "connections.ban"
	ActEvents     ID = "connections.events"
	ActTest       ID = "agents.test"
	ActStop       ID = "agents.stop"
	ActKill       ID = "agents.kill"
	ActAddAgent   ID = "agents.add"
	ActStart      ID = "agents.start"
	ActStartLive  ID = "agents.start_live"
	ActRestart    ID = "agents.restart"
	ActOutput     ID = "agents.output"
	ActExport     ID = "logs.export"
	ActSearch     ID = "logs.search"
	ActSince      ID = "logs.since"
	ActFoldAlike  ID = "logs.fold"
	ActWrap       ID = "logs.wrap"
	ActRecord     ID = "logs.json"
	ActErrors     ID = "logs.errors"
	ActSay        ID = "chat.say"
	ActAbort      ID = "chat.abort"
	ActOther      ID = "chat.agent"
	ActRotate     ID = "secrets.rotate"
	ActEdit       ID = "config.edit"

	ActFold    ID = "agents.fold"
	ActMachine ID = "overview.machine"
	ActPause   ID = "logs.pause"
	ActLevel   ID = "logs.level"

	ActMatchNext     ID = "logs.match_next"
	ActMatchPrevious ID = "logs.match_previous"

	ActSecretAdd    ID = "secrets.add"
	ActToken        ID = "secrets.token"
	ActSecretTest   ID = "secrets.test"
	ActSecretImport ID = "secrets.import"
	ActSecretDelete ID = "secrets.delete"
	ActVaultCreate  ID = "secrets.vault"
	ActVaultKeyFile ID = "secrets.keyfile"
	ActVaultUnlock  ID = "secrets.unlock"
	ActReload       ID = "config.reload"
	ActValidate     ID = "config.validate"
	ActRollback     ID = "config.rollback"
	ActCompare      ID = "config.compare"
	ActRefresh      ID = "refresh"
	ActVerify       ID = "audit.verify"
	ActCheck        ID = "audit.check"
	ActIgnore       ID = "audit.ignore"
)

// OpenView is the action that opens a view.
func OpenView(n Name) ID { return ID("view.open." + string(n)) }

// Binding is one row of the action table: it feeds the keys, the foot line, the
// help, the palette and the words of the plain mode.
type Binding struct {
	ID      ID
	View    Name     // empty: every view
	Keys    []string // the first is the one that is shown
	Label   string   // on the foot line; empty: not there
	Help    string
	Changes bool   // changes something outside the screen: absent when read-only
	Weight  int    // on the foot line the heavier come first
	Word    string // what the plain mode calls it; empty: it has no such command
	Quiet   bool   // not offered in the palette
	Not     []Name // views that it means nothing in
}

// Table returns the action table.
func Table() []Binding {
	noList, noPane := []Name{Overview, Config, Chat}, []Name{Overview, Config, Logs, Chat}
	unsorted, moving, unmarked := []Name{Overview, Agents, Logs, Config, Chat}, []Name{Overview, Logs, Config, Chat}, []Name{Overview, Denials, Config, Chat}
	rows := []Binding{
		{ID: ActHelp, Keys: []string{"?"}, Label: "help", Help: "help for this view", Weight: 90, Word: "help"},
		{ID: ActUp, Keys: []string{"k", "up"}, Help: "one row up", Quiet: true},
		{ID: ActDown, Keys: []string{"j", "down"}, Help: "one row down", Quiet: true},
		{ID: ActPageUp, Keys: []string{"ctrl+b", "pgup"}, Help: "one page up", Quiet: true},
		{ID: ActPageDown, Keys: []string{"ctrl+f", "pgdown", "space"}, Help: "one page down", Quiet: true},
		{ID: ActTop, Keys: []string{"g", "home"}, Help: "first row", Quiet: true},
		{ID: ActBottom, Keys: []string{"G", "end"}, Help: "last row; in Logs: follow", Quiet: true},
		{ID: ActPane, Keys: []string{"tab"}, Label: "pane", Help: "list or pane: which one the movement keys move", Weight: 30, Quiet: true, Not: noPane},
		{ID: ActOpen, Keys: []string{"enter"}, Help: "open the selected row over the whole screen; again or esc closes it", Quiet: true, Not: noList},
		{ID: ActSort, Keys: []string{"o"}, Help: "sort by the next column, or as they come again; what comes later stands above", Not: unsorted},
		{ID: ActFreeze, Keys: []string{"p"}, Help: "have the list stand still, or go on; what comes meanwhile is counted", Not: moving},
		{ID: ActMarkRow, Keys: []string{"m"}, Help: "mark the row for copying and for what acts on many, or take the mark away; esc takes all", Not: unmarked},
		{ID: ActFilter, Keys: []string{"/"}, Label: "filter", Help: "filter: words, key:value, since:10m, -not, /expression/", Weight: 60, Not: noList},
		{ID: ActFilterOff, Keys: []string{"\\"}, Help: "filter off and on again", Not: noList},
		{ID: ActFilterSave, Keys: []string{"S"}, Help: "save the filter under a name, in the config; its line is shown first; without a filter: take a name out", Changes: true, Not: noList},
		{ID: ActBack, Keys: []string{"esc"}, Help: "back", Quiet: true},
		{ID: ActNextView, Keys: []string{"]"}, Help: "next view", Quiet: true},
		{ID: ActLastView, Keys: []string{"[", "-"}, Help: "the view before", Quiet: true},
		{ID: ActPalette, Keys: []string{"ctrl+k", ":"}, Label: "commands", Help: "find a command by its name", Weight: 50, Quiet: true},
		{ID: ActCopy, Keys: []string{"y"}, Help: "copy the selected row, through the terminal (OSC 52)", Not: noList},
		{ID: ActCopyJSON, Keys: []string{"Y"}, Help: "copy the selected row as JSON", Not: []Name{Overview, Config, Secrets, Chat}},
		{ID: ActRefresh, Keys: []string{"ctrl+r"}, Help: "fetch everything anew from the gateway", Word: "refresh"},
		{ID: ActRedraw, Keys: []string{"ctrl+l"}, Help: "draw the screen anew", Quiet: true},
		{ID: ActMouse, Keys: []string{"M"}, Help: "mouse on or off: on, a click selects and the wheel scrolls"},
		{ID: ActSuspend, Keys: []string{"ctrl+z"}, Help: "back to the shell; fg returns", Quiet: true},
		{ID: ActQuit, Keys: []string{"q", "ctrl+c"}, Label: "quit", Help: "leave; says what is running first", Weight: 80, Word: "quit"},

		{ID: ActNextAsk, Keys: []string{"n"}, Label: "next ask", Help: "the next held request, from every view", Weight: 88, Word: "asks"},

		{ID: ActAllow, View: Denials, Keys: []string{"a"}, Help: "allow the selected request, as far as scope and match say; on a denial: show the rule that would", Changes: true, Word: "allow", Quiet: true},
		{ID: ActDeny, View: Denials, Keys: []string{"d"}, Help: "deny the selected request", Changes: true, Word: "deny", Quiet: true},
		{ID: ActAllowAll, View: Denials, Keys: []string{"A"}, Help: "allow the marked requests, or all of this agent and kind; asks first", Changes: true, Quiet: true},
		{ID: ActDenyAll, View: Denials, Keys: []string{"D"}, Help: "deny the marked requests, or all of this agent and kind; asks first", Changes: true, Quiet: true},
		{ID: ActScope, View: Denials, Keys: []string{"s"}, Help: "scope of an allow: once, this run, always", Changes: true, Quiet: true},
		{ID: ActMatch, View: Denials, Keys: []string{"m"}, Help: "how far an allow reaches: this target, its host, its domain, its folder", Changes: true, Quiet: true},
		{ID: ActNote, View: Denials, Keys: []string{"c"}, Help: "deny with a note, which stands beside the denial", Changes: true, Quiet: true},
		{ID: ActUndo, View: Denials, Keys: []string{"u"}, Label: "undo", Help: "take back what the last answer allowed, within 30 seconds", Changes: true, Weight: 72, Word: "undo", Quiet: true},
		{ID: ActMark, View: Denials, Keys: []string{"space"}, Help: "mark a request for A or D, or take the mark away", Changes: true, Quiet: true},
		{ID: ActWhy, View: Denials, Keys: []string{"w"}, Label: "why", Help: "every rule that was looked at, in order", Weight: 71, Quiet: true},

		{ID: ActEdit, View: Denials, Keys: []string{"e"}, Help: "open the config in $EDITOR, at the rule that is the reason; it is read when it is saved", Changes: true, Quiet: true},

		{ID: ActMachine, View: Overview, Keys: []string{"m"}, Label: "mechanisms", Help: "list what this machine can enforce, or fold it", Weight: 70},
		{ID: ActDisconnect, View: Connections, Keys: []string{"x"}, Label: "close…", Help: "close the selected connection; asks first", Changes: true, Weight: 75},
		{ID: ActBan, View: Connections, Keys: []string{"b"}, Label: "ban…", Help: "shut the address of the selected row out for an hour; asks first", Changes: true, Weight: 74},
		{ID: ActEvents, View: Connections, Keys: []string{"e"}, Label: "events", Help: "what happened on the selected connection, and what the audit log holds of it", Weight: 73, Word: "events"},

		{ID: ActWhy, View: Connections, Keys: []string{"w"}, Label: "why", Help: "every rule that was looked at, in order", Weight: 72},

		{ID: ActSort, View: Agents, Keys: []string{"O"}, Help: "sort by the next column, or as they come again; what comes later stands above"},
		{ID: ActAddAgent, View: Agents, Keys: []string{"a"}, Label: "add…", Help: "add an agent to the config; its lines are shown first", Changes: true, Weight: 71, Word: "create"},
		{ID: ActTest, View: Agents, Keys: []string{"t"}, Label: "test", Help: "try a request on the policy; runs nothing", Weight: 76},
		{ID: ActStop, View: Agents, Keys: []string{"x"}, Label: "stop…", Help: "end the newest run of the selected agent; asks first", Changes: true, Weight: 75},
		{ID: ActStart, View: Agents, Keys: []string{"s"}, Label: "start…", Help: "start a command of the selected agent without a terminal; what it says is kept", Changes: true, Weight: 78, Word: "start"},
		{ID: ActStartLive, View: Agents, Keys: []string{"l"}, Label: "live…", Help: "start a command of the selected agent in a terminal here, which goes on when the screen is left", Changes: true, Weight: 77},
		{ID: ActRestart, View: Agents, Keys: []string{"r"}, Label: "restart…", Help: "end the newest run of the selected agent and start the same command again, where it was started; asks first", Changes: true, Weight: 73, Word: "restart"},
		{ID: ActOutput, View: Agents, Keys: []string{"o"}, Label: "output", Help: "the terminal of the newest run that has one here, or what the newest without one says", Weight: 74, Word: "output"},
		{ID: ActKill, View: Agents, Keys: []string{"K"}, Help: "kill the newest run of the selected agent; asks first", Changes: true},
		{ID: ActWhy, View: Agents, Keys: []string{"w"}, Help: "every rule that was looked at for the request that is tried, in order"},
		{ID: ActEdit, View: Agents, Keys: []string{"e"}, Help: "open the config in $EDITOR, at the agent; it is read when it is saved", Changes: true},
		{ID: ActFold, View: Agents, Keys: []string{"space"}, Label: "built-in rules", Help: "show the built-in rules of the policy, or fold them", Weight: 70},

		{ID: ActPause, View: Logs, Keys: []string{"p"}, Label: "pause", Help: "hold the lines still, or follow again", Weight: 75},
		{ID: ActBottom, View: Logs, Keys: []string{"G", "end"}, Label: "follow", Help: "last line, and follow", Weight: 74, Quiet: true},
		{ID: ActLevel, View: Logs, Keys: []string{"l"}, Label: "level", Help: "least level shown: debug, info, warn, error", Weight: 73},
		{ID: ActSearch, View: Logs, Keys: []string{"s"}, Label: "search", Help: "find lines and mark them, without hiding others; written as a filter is", Weight: 72},
		{ID: ActMatchNext, View: Logs, Keys: []string{"n"}, Label: "next match", Help: "while a search is on: the next line that it finds", Weight: 79, Quiet: true},
		{ID: ActMatchPrevious, View: Logs, Keys: []string{"N"}, Help: "while a search is on: the line before that it finds", Quiet: true},
		{ID: ActSince, View: Logs, Keys: []string{"t"}, Label: "since", Help: "only the lines of a time: then 1 the last 5 minutes, 2 of 15, 3 of an hour, 4 of 6, 5 of a day, 6 all", Weight: 70},
		{ID: ActFoldAlike, View: Logs, Keys: []string{"f"}, Label: "fold", Help: "lines alike that follow each other as one, with their count, or each again", Weight: 69},
		{ID: ActExport, View: Logs, Keys: []string{"ctrl+s"}, Label: "save", Help: "write the lines that pass to a file in the home folder, redacted as they are here", Weight: 68},

		{ID: ActWrap, View: Logs, Keys: []string{"w"}, Label: "wrap", Help: "a line that is too long goes on in the next row, or is cut again", Weight: 49},
		{ID: ActRecord, View: Logs, Keys: []string{"v"}, Label: "JSON", Help: "the selected record as JSON, or as words again", Weight: 48},
		{ID: ActErrors, View: Logs, Keys: []string{"e"}, Label: "errors", Help: "only what went wrong on this screen, with the time of it, or every line again", Weight: 47},

		{ID: ActCheck, View: Audit, Keys: []string{"r"}, Label: "check", Help: "look at all of it anew: what the gateway found enforced here, the chain, and the records", Weight: 76},
		{ID: ActEdit, View: Audit, Keys: []string{"e"}, Label: "edit", Help: "open the config in $EDITOR, at the agent of the record; it is read when it is saved", Changes: true, Weight: 67},
		{ID: ActIgnore, View: Audit, Keys: []string{"i"}, Help: "ignore a finding with a reason: comes with openclaw security audit, which is not built yet", Quiet: true},
		{ID: ActExport, View: Audit, Keys: []string{"x", "ctrl+s"}, Label: "save", Help: "write the records that pass to a file in the home folder, as they are in the log", Weight: 68},
		{ID: ActVerify, View: Audit, Keys: []string{"v"}, Label: "verify", Help: "look at every line of the audit log, and whether their chain is whole", Weight: 75, Word: "verify"},

		{ID: ActRotate, View: Secrets, Keys: []string{"R"}, Label: "rotate", Help: "give the selected secret a new value", Changes: true, Weight: 75},
		{ID: ActSecretAdd, View: Secrets, Keys: []string{"a"}, Label: "add", Help: "add a secret, typed or pasted, masked", Changes: true, Weight: 76, Word: "store"},
		{ID: ActToken, View: Secrets, Keys: []string{"t"}, Label: "token…", Help: "make a token of its own for a client of the gateway; it goes into the store, a file or onto the terminal, never onto the screen", Changes: true, Weight: 72, Word: "token"},
		{ID: ActSecretTest, View: Secrets, Keys: []string{"T"}, Label: "test", Help: "see whether the marked secrets resolve, or the selected one, and whether the providers that use them take them; never shows them", Changes: true, Weight: 74, Word: "test"},
		{ID: ActSecretImport, View: Secrets, Keys: []string{"i"}, Label: "import…", Help: "find keys that stand in clear in the config, shell profiles, agents' settings and this folder, and move the marked ones here", Changes: true, Weight: 46, Word: "import"},
		{ID: ActSecretDelete, View: Secrets, Keys: []string{"d"}, Label: "delete…", Help: "delete the marked secrets or revoke the marked tokens, or the selected one; asks first", Changes: true, Weight: 73, Word: "delete"},
		{ID: ActVaultCreate, View: Secrets, Keys: []string{"v"}, Label: "vault…", Help: "where no keychain runs: create the encrypted vault, with a passphrase", Changes: true, Weight: 79, Word: "vault"},
		{ID: ActVaultKeyFile, View: Secrets, Keys: []string{"f"}, Label: "key file…", Help: "where no keychain runs: create the vault with a key file; asks first", Changes: true, Weight: 78, Word: "keyfile"},
		{ID: ActVaultUnlock, View: Secrets, Keys: []string{"u"}, Label: "unlock", Help: "open a locked vault", Changes: true, Weight: 77, Word: "unlock"},

		{ID: ActSay, View: Chat, Keys: []string{"i", "enter"}, Label: "say", Help: "say something; enter sends it, esc leaves the line", Changes: true, Weight: 77, Word: "say"},
		{ID: ActAbort, View: Chat, Keys: []string{"x"}, Label: "abort", Help: "end the answer that is being given; what was said is kept", Changes: true, Weight: 76, Word: "abort"},
		{ID: ActOther, View: Chat, Keys: []string{"o", "tab"}, Label: "agent", Help: "talk with the next agent", Weight: 75},
		{ID: ActEdit, View: Config, Keys: []string{"e"}, Label: "edit", Help: "open the config in $EDITOR; it is read when it is saved", Changes: true, Weight: 76},
		{ID: ActRollback, View: Config, Keys: []string{"R", "enter"}, Label: "roll back…", Help: "choose a config that was in force, see what it would change, and bring it back; asks first", Changes: true, Weight: 74, Word: "rollback"},
		{ID: ActCompare, View: Config, Keys: []string{"d"}, Label: "diff", Help: "choose a config that was in force and see what has changed since; again leaves it", Weight: 72},
		{ID: ActValidate, View: Config, Keys: []string{"v"}, Label: "validate", Help: "say what reading the config file would come to, and put nothing into force", Weight: 73, Word: "validate"},
		{ID: ActReload, View: Config, Keys: []string{"r"}, Label: "reload", Help: "read the config file now", Changes: true, Weight: 75, Word: "reload"},
	}
	words := map[Name]string{
		Overview: "overview", Connections: "connections", Denials: "denials", Agents: "agents",
		Logs: "logs", Secrets: "secrets", Audit: "audit", Config: "config", Chat: "chat",
	}
	for i, n := range Names() {
		rows = append(rows, Binding{
			ID: OpenView(n), Keys: []string{string(rune('1' + i))}, Help: "open " + string(n), Word: words[n],
		})
	}
	return rows
}

// Keys finds actions by key. It is immutable.
type Keys struct {
	rows  []Binding
	byID  map[Name]map[string]int
	first map[ID]string // the key that is shown, of every action
}

// NewKeys builds the look-up from the table, without what changes things when
// readOnly is set.
func NewKeys(table []Binding, readOnly bool) *Keys {
	k := &Keys{byID: map[Name]map[string]int{}, first: map[ID]string{}}
	for _, row := range table {
		if k.first[row.ID] == "" {
			k.first[row.ID] = row.Keys[0]
		}
		if readOnly && row.Changes {
			continue
		}
		k.rows = append(k.rows, row)
		for _, key := range row.Keys {
			if k.byID[row.View] == nil {
				k.byID[row.View] = map[string]int{}
			}
			k.byID[row.View][key] = len(k.rows) - 1
		}
	}
	return k
}

// Find returns the action of a key in a view; the view's own come first. sleeps
// names those that mean nothing now, whose keys are free; nil: none.
func (k *Keys) Find(n Name, key string, sleeps func(ID) bool) (ID, bool) {
	for _, scope := range [2]Name{n, ""} {
		if i, ok := k.byID[scope][key]; ok && !slices.Contains(k.rows[i].Not, n) && (sleeps == nil || !sleeps(k.rows[i].ID)) {
			return k.rows[i].ID, true
		}
	}
	return "", false
}

// In calls yield with each binding that works in a view: the view's own first.
func (k *Keys) In(n Name, yield func(Binding) bool) {
	for _, scope := range [2]Name{n, ""} {
		for _, row := range k.rows {
			if row.View == scope && !slices.Contains(row.Not, n) && !yield(row) {
				return
			}
		}
	}
}

// Key is the key of an action that is shown; empty: there is no such action.
func (k *Keys) Key(id ID) string { return k.first[id] }

// All returns every binding.
func (k *Keys) All() []Binding { return k.rows }

// Verb is what a view asks the screen to do.
type Verb int

// The verbs. VerbNone: nothing, but the view may have changed.
const (
	VerbNone Verb = iota
	VerbOpen
	VerbStoreSecret
	VerbTestSecret
	VerbDeleteSecret // Words, and revoke the tokens of the clients Tokens
	VerbAddToken     // make the token of Token
	VerbCreateVault
	VerbUnlockVault
	VerbReload
	VerbValidate
	VerbLookBack // what version Name of the config would change
	VerbRollback // bring version Name of the config back
	VerbLoadAgent
	VerbPlanAgent // ask what adding the agent of Plan would write
	VerbAddAgent  // add it
	VerbDecide    // give Answers
	VerbPreview   // ask what "always" would write, for Name and Match
	VerbDisconnect
	VerbBan
	VerbLoadTrail   // what happened on connection Name; Count > 0: with the records of the audit log
	VerbLoadTraffic // the bytes of the gateway's clients
	VerbStopRun
	VerbKillRun
	VerbRestartRun
	VerbStart        // Words, a command of agent Name
	VerbStartLive    // as above, in a terminal of this screen
	VerbShowPane     // the terminal of run Name, of agent Text
	VerbLookUp       // show what stands Count lines above the newest of the terminal
	VerbLeavePane    // the run goes on without it
	VerbOutput       // fetch what run Name says
	VerbPlanFilter   // ask what saving the filter Text as Name would write
	VerbSaveFilter   // save it; no Text: take Name out
	VerbTell         // Text to the person
	VerbExport       // write Value, lines of Name, to a file
	VerbEdit         // open the config in an editor, at line Count; 0: anywhere
	VerbFindLiterals // look for keys that stand in clear in files
	VerbMoveLiterals // move those at Words, as FILE:LINE, into the store
	VerbCheck        // look at the posture, the audit log's chain and its records anew
	VerbVerify       // look at the audit log's chain
	VerbUndo         // take the answer to ask Name back; empty: the newest
	VerbSay          // Text to agent Name
	VerbAbort        // the answer that agent Name gives
	VerbLoadChat     // what was said with agent Name
	VerbRun          // an action of the table, by Name, in the view Text; empty: where it is
)

// Action is one wish of a view. Value is owned by whoever gets the Action, and
// wiped by them.
type Action struct {
	Verb  Verb
	Name  string
	Match string
	Text  string
	Words []string
	Value []byte
	Count int

	Answers []Answer
	Plan    AgentPlan
	Token   TokenPlan
	Tokens  []string
}

// Answer is what the person says to one ask.
type Answer struct {
	ID    string
	Allow bool
	Scope string // "once", "run", "always"
	Match string // "exact", "host", "folder"
	Note  string // of a denial
}
