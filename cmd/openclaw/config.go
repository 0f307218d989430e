package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/keychain/ref"
	"openclaw/tui/view"
)

func configCommand(t *terminal) *cobra.Command {
	return group("config", "Check, show and edit the config",
		configValidateCommand(t), configShowCommand(t), configSchemaCommand(t), configEditCommand(t),
		configSetCommand(t), configUnsetCommand(t), configEncryptCommand(t), configDecryptCommand(t),
		configHistoryCommand(t), configRollbackCommand(t))
}

// configOptions is how this process reads a config.
func (t *terminal) configOptions() (configs.Options, error) {
	layout, err := t.layout()
	return configs.Options{Layout: layout, Getenv: t.variables(layout), Open: t.encrypted.opener(t, layout), JudgeKeys: judgeKeys, JudgeFilter: view.JudgeFilter}, err
}

// variables looks a name up in the environment, then in the .env file.
func (t *terminal) variables(layout configs.Layout) func(string) string {
	resolver := ref.New(ref.Options{LookupEnv: t.lookupEnv, EnvFile: layout.Env()})
	return func(name string) string {
		if value := t.getenv(name); value != "" {
			return value
		}
		value, _, err := resolver.Resolve(context.Background(), "${"+name+"}")
		if err != nil {
			return "" // who needs the variable says what is wrong with it
		}
		return string(value.Reveal())
	}
}

func configValidateCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "validate [FILE]", Short: "Report every error and warning of a config, with its place",
		Example: "  openclaw config validate\n  openclaw config validate ./candidate.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := t.configOptions()
			if err != nil {
				return err
			}
			path := options.Layout.Config()
			if len(args) == 1 {
				path = args[0]
			}
			snapshot, err := configs.Load(path, options)
			var refused *configs.Error
			if err != nil && !errors.As(err, &refused) {
				return err
			}
			problems := []configs.Problem{}
			switch {
			case refused != nil:
				problems = append(problems, refused.Problems...)
			default:
				problems = append(problems, snapshot.Warnings...)
				problems = append(problems, slowPatterns(snapshot)...)
			}
			return t.withoutKnown(cmd.Context(), func(t *terminal) error { return t.judged(path, problems, refused, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// judged prints the problems of a config and ends with 1 when it is refused.
func (t *terminal) judged(path string, problems []configs.Problem, refused *configs.Error, asJSON bool) error {
	failed := refused != nil
	if asJSON {
		if err := t.json(map[string]any{"file": path, "valid": !failed, "problems": problems}); err != nil {
			return err
		}
		if failed {
			return exitStatus(exitFailed)
		}
		return nil
	}
	errs := 0
	for _, p := range problems {
		kind := "error"
		if p.Warning {
			kind = "warning"
		} else {
			errs++
		}
		t.print("%s: %s", kind, printable(t.masked(describeProblem(p))))
		if p.Hint != "" {
			t.print("    %s", printable(t.masked(p.Hint)))
		}
	}
	if failed {
		return &failure{err: fmt.Errorf("%s is refused: %d error(s)", path, errs), hint: refused.Hint}
	}
	t.print("%s is valid, %d warning(s)", path, len(problems))
	return nil
}

// describeProblem gives "config.yaml:12:5: key: message".
func describeProblem(p configs.Problem) string {
	text := p.File
	if p.Line > 0 {
		text += fmt.Sprintf(":%d:%d", p.Line, p.Column)
	}
	if p.Key != "" {
		text += ": " + p.Key
	}
	return text + ": " + p.Message
}

func configShowCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Print the effective config, with where each value comes from", Args: exactly(0),
		Long: "Print the effective config as YAML, with where each value comes from. Secrets are shown as references, never as values.\n" +
			"What looks like one, and what a gateway that runs here knows to be one, is taken out wherever it stands: it is for reading.",
		Example: "  openclaw config show",
		RunE: func(cmd *cobra.Command, _ []string) error {
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			text, err := configs.Show(snapshot)
			if err != nil {
				return err
			}
			return t.withoutKnown(cmd.Context(), func(t *terminal) error {
				_, err := t.out.Write(text)
				return err
			})
		},
	}
}

// loadConfig reads the config of the state folder; with none, the defaults.
func (t *terminal) loadConfig() (*configs.Snapshot, error) {
	options, err := t.configOptions()
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(options.Layout.Config()); errors.Is(err, os.ErrNotExist) {
		return configs.Parse(options.Layout.Config(), configs.DefaultFile(), options)
	}
	return configs.Load(options.Layout.Config(), options)
}

func configSchemaCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print a JSON Schema of the config, for editors", Args: exactly(0),
		Example: "  openclaw config schema > ~/.openclaw/config.schema.json",
		RunE: func(*cobra.Command, []string) error {
			text, err := configs.Schema()
			if err != nil {
				return err
			}
			t.print("%s", text)
			return nil
		},
	}
}

func configEditCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "edit", Short: "Open the config in $EDITOR, then validate it", Args: exactly(0),
		Example: "  EDITOR=nano openclaw config edit",
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := t.configOptions()
			if err != nil {
				return err
			}
			path := options.Layout.Config()
			if err := refuseEditor(path); err != nil {
				return err
			}
			edit, err := t.editor(cmd.Context(), path, 0)
			if err != nil {
				return err
			}
			edit.Stdin, edit.Stdout, edit.Stderr = t.in, t.out, t.err
			if err := edit.Run(); err != nil {
				return fmt.Errorf("run the editor: %w", err)
			}
			snapshot, err := configs.Load(path, options)
			if err != nil {
				return err
			}
			if err := t.withoutKnown(cmd.Context(), func(t *terminal) error { return t.judged(path, snapshot.Warnings, nil, false) }); err != nil {
				return err
			}
			return t.inForce(cmd.Context(), options.Layout)
		},
	}
}
