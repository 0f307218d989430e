package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"openclaw/configs"
	safe "openclaw/gateway/printable"
	"openclaw/keychain/redact"
)

// Exit codes are an interface: scripts read them.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 3
)

// terminal is everything of the outside that a command may touch.
type terminal struct {
	args    []string
	in      *os.File
	out     *os.File
	err     *os.File
	environ []string
	getenv  func(string) string

	insecure     bool         // --insecure
	handed       net.Listener // the gateway's port where a service manager opened it
	passphraseFD int          // --passphrase-fd; below 0: ask at the terminal
	passphrases  *os.File     // of passphraseFD, once something was read of it
	encrypted    *encryptedConfig

	known func(string) string // of a gateway, or by the one that runs here: takes out the values that it knows

	unwritten error // the first failure of writing to out
}

// rules are those of a program that has no config, or has not read it yet.
var rules = sync.OnceValues(func() (*redact.Masker, error) { return redact.New(redact.Options{}) })

// masked takes out of a text what looks like a secret, and the token that this
// program itself was given. The values of the store are known to the gateway
// only, which takes them out of what it answers.
func (t *terminal) masked(text string) string {
	masker, err := rules()
	if err != nil {
		return "(not shown: the rules that take out secrets do not load)"
	}
	if token := t.getenv("OPENCLAW_GATEWAY_TOKEN"); token != "" {
		masker.Add("OPENCLAW_GATEWAY_TOKEN", []byte(token))
	}
	if t.known != nil {
		text = t.known(text)
	}
	return masker.Text(text)
}

// maskedOpen is masked for a text that goes on: what may still become a secret is
// left out of it.
func (t *terminal) maskedOpen(text string) string {
	masker, err := rules()
	if err != nil {
		return t.masked(text)
	}
	return masker.Open(t.masked(text))
}

// layout finds the state folder.
func (t *terminal) layout() (configs.Layout, error) { return configs.FindLayout(t.getenv) }

// print writes one line to standard output.
func (t *terminal) print(format string, values ...any) {
	_, err := fmt.Fprintf(t.out, format+"\n", values...)
	t.written(err)
}

// written keeps why standard output did not take something: what was asked for and is
// not there, as on a full disk, is a failure of the command. A reader that has gone, as
// of a pager, has what it wanted.
func (t *terminal) written(err error) {
	if t.unwritten == nil && err != nil && !errors.Is(err, syscall.EPIPE) {
		t.unwritten = fmt.Errorf("write to standard output: %w", err)
	}
}

// warn writes one line to standard error.
func (t *terminal) warn(format string, values ...any) {
	fmt.Fprintln(t.err, t.warning(fmt.Sprintf(format, values...)))
}

// warning is the line that warn shows.
func (t *terminal) warning(text string) string { return "openclaw: " + t.masked(text) }

// json writes a value as indented JSON, which a terminal shows and does not
// obey, and without what looks like a secret: it is piped into files and tickets.
func (t *terminal) json(value any) error {
	text, err := encodeJSON(value)
	if err != nil {
		return err
	}
	_, err = t.out.Write(safe.JSON([]byte(t.masked(string(text)))))
	return err
}

// jsonWithSecret is json for the one answer whose point is a secret.
func (t *terminal) jsonWithSecret(value any) error {
	text, err := encodeJSON(value)
	if err != nil {
		return err
	}
	_, err = t.out.Write(safe.JSON(text))
	return err
}

func encodeJSON(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return text.Bytes(), err
}

// jsonLine writes a value as one line of JSON.
func (t *terminal) jsonLine(value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		t.print("%s", safe.JSON([]byte(t.masked(string(text)))))
	}
	return err
}

// failure is an error with a cure and an exit code.
type failure struct {
	err  error
	hint string
	code int
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Hint is the cure, where the screen shows the failure of a command of its own.
func (f *failure) Hint() string { return f.hint }

// usage is a failure of the command line itself.
func usage(hint, format string, values ...any) error {
	return &failure{err: fmt.Errorf(format, values...), hint: hint, code: exitUsage}
}

// exitStatus ends the program with a code and no words.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run is the whole program but for the process around it.
func run(ctx context.Context, t *terminal) int {
	t.encrypted = &encryptedConfig{}
	defer t.encrypted.close()
	root := newRoot(t)
	root.SetArgs(t.args)
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = t.unwritten
	}
	if err == nil {
		return exitOK
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	t.report(err)
	return codeOf(err)
}

// report prints what happened and, on the next lines, what to do. Errors end in
// journals and in tickets: secrets are taken out of their words, those too that only the
// gateway knows which runs here, if it answers.
func (t *terminal) report(err error) {
	if t.known == nil {
		t.knowByGateway(context.Background())
	}
	fmt.Fprintf(t.err, "openclaw: %s\n", t.masked(strings.TrimRight(err.Error(), "\n")))
	if hint := hintOf(err); hint != "" && !strings.Contains(err.Error(), hint) {
		for line := range strings.SplitSeq(strings.TrimRight(hint, "\n"), "\n") {
			fmt.Fprintf(t.err, "  %s\n", t.masked(line))
		}
	}
}

func newRoot(t *terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "openclaw",
		Short: "Run AI agents without handing over your keys, your home folder or the open internet",
		Long: "openclaw runs an AI agent in a cage that the kernel enforces, keeps provider keys in the\n" +
			"OS keychain, and shows every refusal while it happens.",
		Example:           "  openclaw tui\n  openclaw agent run coder -- claude",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("see '"+cmd.CommandPath()+" --help'", "%w", err)
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return t.hide(cmd) }
	root.PersistentFlags().BoolVar(&t.insecure, "insecure", false, "with client.tls.verify_server: false, do not check the certificate of a gateway elsewhere")
	root.PersistentFlags().IntVar(&t.passphraseFD, "passphrase-fd", -1, "read what would be asked for from this descriptor, a line each: the passphrase that holds, then a new one")
	root.AddCommand(
		tuiCommand(t), gatewayCommand(t), clientCommand(t), agentCommand(t), certCommand(t), denialsCommand(t), asksCommand(t), allowCommand(t), denyCommand(t),
		undoCommand(t), secretsCommand(t), vaultCommand(t),
		configCommand(t), auditCommand(t), integrateCommand(t), firewallCommand(t), logsCommand(t), redactCommand(t), doctorCommand(t),
		versionCommand(t), measureCommand(t),
	)
	return root
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			hint := "see '" + cmd.CommandPath() + " --help'"
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = "did you mean '" + cmd.CommandPath() + " " + near[0] + "'?"
			}
			return usage(hint, "unknown command %q for %q", args[0], cmd.CommandPath())
		}}
	cmd.AddCommand(commands...)
	return cmd
}

// exactly is cobra.ExactArgs with our exit code.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("usage: "+cmd.UseLine(), "%s takes %d argument(s), not %d", cmd.CommandPath(), n, len(args))
		}
		return nil
	}
}
