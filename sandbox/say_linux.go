package sandbox

// Say shows one line to the person on whose terminal the command runs, between what that
// writes, and reports whether it did: not to a run without a terminal or in the
// background, and never over a program that draws (terminal.Terminal.Say). It is shown
// as it is: what an agent can choose of it is to be made printable before.
func (p *Process) Say(line string) bool { return p.job.say(line) }

// say shows a line while this process has the foreground of the person's terminal.
func (j *job) say(line string) bool {
	return j != nil && j.foreground() && j.terminal.Say(line, settleTime)
}
