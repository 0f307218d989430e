package main

import (
	"errors"

	"github.com/spf13/cobra"

	"openclaw/sandbox"
)

func doctorCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what this machine can enforce, and how to get what is missing", Args: exactly(0),
		Long:    "Try each mechanism of the cage once, for real, and say what is missing and how to get it.",
		Example: "  openclaw doctor",
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := sandbox.Probe(cmd.Context())
			if asJSON {
				if err := t.json(found); err != nil {
					return err
				}
			} else {
				t.print("kernel %s", found.Kernel)
			}
			missing := 0
			for _, m := range found.Mechanisms {
				if !m.Enforced {
					missing++
				}
				if asJSON {
					continue
				}
				mark := "✓"
				if !m.Enforced {
					mark = "✗"
				}
				t.print("%s %-22s %s", mark, m.Name, printable(m.Detail))
				if !m.Enforced {
					t.print("    without it: %s", m.Purpose)
					t.print("    get it:     %s", m.Fix)
				}
			}
			if missing > 0 {
				return &failure{err: errors.New("this machine cannot enforce every policy"), hint: "agents whose policy needs what is missing are refused"}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
