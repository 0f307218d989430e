package main

import (
	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"openclaw/configs"
)

func configSetCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "set KEY VALUE", Short: "Write one value into the config, keeping its comments", Args: exactly(2),
		Long: "Write one value into the config, keeping its comments. VALUE is read as YAML: a word, a number, true, [a, b],\n" +
			"{path: /srv, access: read}; 'null' is a word here. A secret is refused: store it, and write its reference.",
		Example: "  openclaw config set gateway.port 18790\n  openclaw config set agents.coder.permissions.network.allowed_domains '[api.anthropic.com]'",
		RunE: func(cmd *cobra.Command, args []string) error {
			value, err := valueOf(args[1])
			if err != nil {
				return err
			}
			return t.changeConfig(cmd.Context(), func(document *configs.Document, _ *configs.Snapshot) error {
				return document.Set(args[0], value)
			}, "set "+printable(args[0]))
		},
	}
}

func configUnsetCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "unset KEY", Short: "Take a key out of the config: its default holds", Args: exactly(1),
		Example: "  openclaw config unset gateway.port",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.changeConfig(cmd.Context(), func(document *configs.Document, _ *configs.Snapshot) error {
				return document.Remove(args[0])
			}, "unset "+printable(args[0]))
		},
	}
}

// valueOf reads a value as YAML, on one line.
func valueOf(text string) (any, error) {
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil { // its words may hold the value, which may be a secret
		return nil, usage("put quotes around a text with ': ' or one that starts with @, *, & or a bracket: '\"…\"'", "the value is not YAML")
	}
	if value == nil {
		value = text
	}
	return value, nil
}
