package view

import (
	"slices"
	"time"

	"openclaw/gateway/event"
)

// Talk is the conversation with one agent.
type Talk struct {
	Asked    bool // the history was asked for
	Loaded   bool
	Messages []event.ChatMessage
	Now      *event.ChatMessage // the answer that is being given
	Waiting  bool               // an answer is awaited
	Problem  string
}

// maxTalk bounds the messages that are kept of one conversation.
const maxTalk = 1000

func (d *Data) talk(agent string) *Talk {
	if d.Chats[agent] == nil {
		d.Chats[agent] = &Talk{}
	}
	return d.Chats[agent]
}

// LoadChat takes the history of a conversation.
func (d *Data) LoadChat(agent string, list []event.ChatMessage) {
	t := d.talk(agent)
	t.Loaded, t.Messages = true, list
}

// Said adds what the person said, before the gateway has it.
func (d *Data) Said(agent string, m event.ChatMessage) {
	t := d.talk(agent)
	t.add(m)
	t.Waiting, t.Problem = true, ""
}

// NotSaid says that the gateway did not take it.
func (d *Data) NotSaid(agent, problem string) {
	t := d.talk(agent)
	t.Waiting, t.Problem = false, problem
}

func (t *Talk) add(m event.ChatMessage) {
	t.Messages = append(t.Messages, m)
	if over := len(t.Messages) - maxTalk; over > 0 {
		t.Messages = append(t.Messages[:0], t.Messages[over:]...)
	}
}

// take brings in what a run did. An answer that is told twice is one.
func (t *Talk) take(c *event.Chat) {
	switch c.State {
	case event.ChatWaiting:
		t.Waiting = true
	case event.ChatDelta:
		t.Waiting, t.Now = true, &c.Message
	case event.ChatFinal, event.ChatAborted, event.ChatError:
		t.Waiting, t.Now, t.Problem = false, nil, c.Problem
		if len(c.Message.Lines) == 0 {
			return
		}
		for i := len(t.Messages) - 1; i >= 0; i-- {
			if have := &t.Messages[i]; have.Run == c.Run && have.Role == c.Message.Role {
				*have = c.Message
				return
			}
		}
		t.add(c.Message)
	}
}

// ChatView is a conversation with an agent's model. What is said goes through
// the gateway, as any other call of that agent.
type ChatView struct {
	data   *Data
	agent  string
	line   Editor
	typing bool
	up     int // rows above the newest
	more   int // rows above the sight
}

// NewChat returns the view.
func NewChat(d *Data) *ChatView {
	return &ChatView{data: d, line: Editor{Max: 16 << 10}}
}

// Captures reports whether typed text goes to the view.
func (v *ChatView) Captures() bool { return v.typing }

// Key takes typed text. What is pasted keeps its blanks and loses its line ends.
func (v *ChatView) Key(k Key) Action {
	switch k.Name {
	case "esc", "ctrl+c":
		v.typing = false
	case "enter":
		text := v.line.Text()
		if text == "" {
			v.typing = false
			return Action{}
		}
		v.line.Wipe()
		v.up = 0
		return Action{Verb: VerbSay, Name: v.who(), Text: text}
	default:
		if k.Paste {
			for len(k.Text) > 0 && (k.Text[len(k.Text)-1] == '\n' || k.Text[len(k.Text)-1] == '\r') {
				k.Text = k.Text[:len(k.Text)-1]
			}
			for i, r := range k.Text {
				if r == '\n' || r == '\r' || r == '\t' {
					k.Text[i] = ' '
				}
			}
		}
		v.line.Key(k)
	}
	return Action{}
}

// who is the agent that is talked with.
func (v *ChatView) who() string {
	for i := range v.data.Agents {
		if v.data.Agents[i].Name == v.agent {
			return v.agent
		}
	}
	if len(v.data.Agents) == 0 {
		return ""
	}
	v.agent = v.data.Agents[0].Name
	return v.agent
}

// Do answers an action.
func (v *ChatView) Do(a ID) (Action, bool) {
	const page = 10
	switch a {
	case ActSay:
		v.typing = v.who() != ""
	case ActAbort:
		if t := v.data.talk(v.who()); t.Waiting {
			return Action{Verb: VerbAbort, Name: v.who()}, true
		}
	case ActOther:
		for i := range v.data.Agents {
			if v.data.Agents[i].Name == v.who() {
				v.agent, v.up = v.data.Agents[(i+1)%len(v.data.Agents)].Name, 0
				break
			}
		}
		return v.Wants(), true
	case ActUp:
		v.up++
	case ActDown:
		v.up--
	case ActPageUp:
		v.up += page
	case ActPageDown:
		v.up -= page
	case ActTop:
		v.up = maxTalk * paneRoom
	case ActBottom:
		v.up = 0
	default:
		return Action{}, false
	}
	v.up = min(max(v.up, 0), v.more)
	return Action{}, true
}

// Offers reports whether an action can do anything now, for the foot line.
func (v *ChatView) Offers(a ID) bool {
	switch a {
	case ActSay:
		return v.who() != ""
	case ActAbort:
		return v.data.talk(v.who()).Waiting
	case ActOther:
		return len(v.data.Agents) > 1
	default:
		return true
	}
}

// Wants asks for the history that the view lacks.
func (v *ChatView) Wants() Action {
	who := v.who()
	if who == "" {
		return Action{}
	}
	if t := v.data.talk(who); !t.Asked {
		t.Asked = true
		return Action{Verb: VerbLoadChat, Name: who}
	}
	return Action{}
}

// Draw paints the view.
func (v *ChatView) Draw(c *Canvas) {
	who := v.who()
	if who == "" {
		c.End()
		c.Gap(1)
		c.Wrap(Plain, c.T("No agents yet: a conversation is with the model of an agent. View {view.open.Config} says where the config lies."), 1)
		return
	}
	t := v.data.talk(who)
	c.Gap(1)
	c.Put(Bold, c.T("chat with %s", who))
	for _, m := range slices.Backward(t.Messages) {
		if m.Model != "" {
			c.Put(Faint, "   "+m.Model)
			break
		}
	}
	c.End()
	foot := 3
	height := c.Left() - foot
	body := c.Sub(2, c.Width(), paneRoom*4)
	v.drawTalk(body, t)
	v.more = max(body.Rows()-height, 0)
	v.up = min(v.up, v.more)
	from := max(body.Rows()-height-v.up, 0)
	for i := range height {
		c.copyRow(body, from+i)
		c.End()
	}
	c.Rule("", Faint)
	c.Gap(1)
	switch {
	case t.Problem != "":
		c.Put(Bad, c.Theme.Glyphs.No+" ")
		c.Put(Plain, t.Problem)
	case v.up > 0:
		c.Put(Faint, c.T("%s rows below: {list.bottom}", itoa(v.up)))
	case t.Waiting && t.Now == nil:
		c.Put(Faint, c.T("the model was asked and says nothing yet; {chat.abort} ends it"))
	case t.Waiting:
		c.Put(Faint, c.T("answering; {chat.abort} ends it, what was said is kept"))
	}
	c.End()
	c.Gap(1)
	c.Put(Bold, "> ")
	switch {
	case v.typing || v.line.Len() > 0:
		v.line.Draw(c, v.typing)
	case v.data.ReadOnly:
		c.Put(Faint, c.T("this screen is read-only"))
	default:
		c.Put(Faint, c.T("{chat.say}, then type; enter sends"))
	}
	c.End()
}

// drawTalk draws the messages, oldest first; only the newest ones where there are
// more than fit into what is kept of the sight.
func (v *ChatView) drawTalk(c *Canvas, t *Talk) {
	if len(t.Messages) == 0 && t.Now == nil {
		c.Gap(1)
		text := c.T("Nothing was said yet. It goes to the model of the agent, through the gateway: the key stays there, and each call is on record.")
		if !t.Loaded {
			text = c.T("reading what was said before")
		}
		c.Wrap(Faint, text, 1)
		return
	}
	const most = 200
	for i := max(len(t.Messages)-most, 0); i < len(t.Messages); i++ {
		v.message(c, &t.Messages[i])
	}
	if t.Now != nil {
		v.message(c, t.Now)
	}
}

func (v *ChatView) message(c *Canvas, m *event.ChatMessage) {
	who, style := c.T("you"), Bold
	if m.Role != "user" {
		who, style = v.who(), Good
	}
	c.Gap(1)
	c.Put(style, who)
	if !m.Time.IsZero() {
		c.Gap(1)
		c.Time(Faint, v.data.Local(m.Time), time.TimeOnly)
	}
	c.End()
	for _, line := range m.Lines {
		c.Gap(3)
		c.Wrap(Plain, line, 3)
	}
	if m.Problem != "" {
		c.Gap(3)
		c.Put(Bad, c.Theme.Glyphs.No+" ")
		c.Wrap(Plain, m.Problem, 5)
	}
}
