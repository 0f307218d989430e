package main

import (
	"github.com/spf13/cobra"

	"openclaw/gateway/wire"
)

func vaultRotateKeyCommand(t *terminal) *cobra.Command {
	var fromEnv string
	var untested, undo bool
	cmd := &cobra.Command{
		Use: "rotate-key NAME [-]", Short: "Put a new provider key in the place of the stored one, once the provider takes it",
		Long: "Put a new provider key in the place of the stored one. The new key is asked for (or read, as 'secrets set' does), the\n" +
			"providers that use it are asked for their list of models with it, and only if each takes it is it stored. The key\n" +
			"of before is kept as previous/NAME until you delete it, so that --undo can put it back.",
		Example: "  openclaw vault rotate-key anthropic\n  openclaw vault rotate-key anthropic --undo",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var rotated wire.SecretRotated
			if undo {
				if err := t.ask(cmd.Context(), wire.MethodSecretUndo, wire.SecretParams{Name: args[0]}, &rotated); err != nil {
					return err
				}
				t.print("%s has its value of before again; the other one is kept as %s", rotated.Name, rotated.Previous)
				return nil
			}
			value, err := t.secretValue(args, fromEnv)
			if err != nil {
				return err
			}
			defer clear(value)
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				if err := call(wire.MethodSecretRotate, wire.SecretRotateParams{Name: args[0], Value: value, Untested: untested}, &rotated); err != nil {
					return err
				}
				for _, name := range rotated.Tried {
					t.print("provider %s takes the new key", name)
				}
				t.print("%[1]s has its new value. Now revoke the old key at the provider, and then: openclaw secrets delete %[2]s\n"+
					"until then 'openclaw vault rotate-key %[1]s --undo' puts it back", rotated.Name, rotated.Previous)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&fromEnv, "from-env", "", "take the new key from this environment variable")
	cmd.Flags().BoolVar(&untested, "untested", false, "store it though no provider took it")
	cmd.Flags().BoolVar(&undo, "undo", false, "put the value of before back")
	return cmd
}
