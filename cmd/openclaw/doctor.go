package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"openclaw/sandbox"
	"openclaw/sandbox/linux/apparmor"
)

func doctorCommand(t *terminal) *cobra.Command {
	var asJSON, fix, yes, profile bool
	var bundle string
	var lines int
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what this machine can enforce, and how to get what is missing", Args: exactly(0),
		Long: "Try each mechanism of the cage once, for real, and say what is missing and how to get it.\n\n" +
			"Ubuntu's AppArmor refuses user namespaces to programs that it does not know. --fix installs a\n" +
			"profile that allows them to this program; it shows first what it will do, and uses sudo.\n\n" +
			"--bundle writes a support bundle: one archive, for its owner alone, of what doctor says, versions, the\n" +
			"config in force with its secrets as references, the newest lines of the logs, and what the gateway\n" +
			"knows. All of it goes through the redactor, nothing is sent anywhere, and what is in it is listed.",
		Example: "  openclaw doctor\n  openclaw doctor --fix\n  openclaw doctor --bundle support.tar.gz\n  openclaw doctor clients",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case profile:
				return t.printProfile()
			case fix:
				return t.fixNamespaces(cmd.Context(), yes)
			case cmd.Flags().Changed("bundle") && bundle == "": // an empty variable is no file
				return usage("openclaw doctor --bundle support.tar.gz", "the support bundle has no name")
			case bundle != "":
				return t.writeBundle(cmd.Context(), bundle, lines)
			}
			found := sandbox.Probe(cmd.Context())
			if asJSON {
				if err := t.json(found); err != nil {
					return err
				}
			} else {
				t.showDoctor(cmd.Context(), found)
			}
			return diagnosis(found)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&fix, "fix", false, "install the AppArmor profile that lets this program make user namespaces")
	cmd.Flags().BoolVar(&yes, "yes", false, "with --fix: do not ask")
	cmd.Flags().BoolVar(&profile, "profile", false, "print that profile only")
	cmd.Flags().StringVar(&bundle, "bundle", "", "write a support bundle to this file (tar.gz), which must not be there yet")
	cmd.Flags().IntVar(&lines, "lines", 1000, "with --bundle: so many lines of the log and of the audit log, the newest")
	cmd.MarkFlagsMutuallyExclusive("json", "fix", "profile", "bundle")
	cmd.AddCommand(doctorClientsCommand(t), doctorSecretsCommand(t))
	return cmd
}

// showDoctor is all that doctor says.
func (t *terminal) showDoctor(ctx context.Context, found sandbox.Capabilities) {
	t.printCapabilities(found)
	t.showLimits(found.Limits)
	t.showMemory()
	t.showStore(ctx)
	t.showFIPS()
}

func (t *terminal) printCapabilities(found sandbox.Capabilities) {
	t.print("kernel %s", found.Kernel)
	if t.printMechanisms(found.Mechanisms) == 0 {
		return
	}
	if len(found.Reduced) > 0 {
		t.print("")
		t.print("The reduced mode, for agents that say `enforce: reduced`:")
		t.printMechanisms(found.Reduced)
	}
	if !lacksNamespaces(found) {
		return
	}
	t.print("")
	t.print("This AppArmor profile lets this program make user namespaces; `openclaw doctor --fix` installs it:")
	t.print("")
	if err := t.printProfile(); err != nil {
		t.print("  (%s)", printable(err.Error()))
	}
}

// printMechanisms prints a row each and counts those that do not hold.
func (t *terminal) printMechanisms(list []sandbox.Mechanism) (missing int) {
	for _, m := range list {
		mark := "✓"
		if !m.Enforced {
			mark = "✗"
			missing++
		}
		t.print("%s %-22s %s", mark, m.Name, printable(m.Detail))
		if m.Enforced {
			continue
		}
		t.print("    without it: %s", m.Purpose)
		if m.Fix != "" {
			t.print("    get it:     %s", m.Fix)
		}
	}
	return missing
}

// diagnosis is the failure of a machine that cannot enforce everything.
func diagnosis(found sandbox.Capabilities) error {
	for _, m := range found.Mechanisms {
		if !m.Enforced {
			return &failure{
				err:  errors.New("this machine cannot enforce every policy"),
				hint: "agents whose policy needs what is missing are refused; one that says `enforce: reduced` gets the reduced mode where that holds",
			}
		}
	}
	return nil
}

// lacksNamespaces reports whether AppArmor's profile may be the cure: user
// namespaces are refused, or AppArmor says that it refuses them.
func lacksNamespaces(found sandbox.Capabilities) bool {
	for _, m := range found.Mechanisms {
		if m.Name == "user namespace" && !m.Enforced {
			return strings.Contains(m.Fix, "AppArmor")
		}
	}
	return apparmor.Restricted() && diagnosis(found) != nil
}

func (t *terminal) printProfile() error {
	program, err := apparmor.Program()
	if err != nil {
		return err
	}
	text, err := apparmor.Profile(program)
	if err != nil {
		return err
	}
	_, err = t.out.WriteString(text)
	return err
}

// fixNamespaces installs the profile: as root by itself, otherwise by this
// program under sudo.
func (t *terminal) fixNamespaces(ctx context.Context, yes bool) error {
	installation, err := apparmor.New()
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 && diagnosis(sandbox.Probe(ctx)) == nil {
		t.print("Nothing to fix: this machine enforces every policy.")
		return nil
	}
	return t.installProfile(ctx, installation, os.Geteuid() == 0, yes)
}

// installProfile says what is to be done, asks, and does it.
func (t *terminal) installProfile(ctx context.Context, installation *apparmor.Installation, root, yes bool) error {
	steps, err := installation.Steps()
	if err != nil {
		return &failure{err: err, hint: "openclaw doctor shows what else is missing", code: exitRefused}
	}
	var command []string
	if !root {
		if command, err = apparmor.Command(installation.Program, "doctor", "--fix", "--yes"); err != nil {
			return &failure{err: err, code: exitRefused}
		}
		t.print("As root (by %s):", printable(command[0]))
	}
	for _, step := range steps {
		t.print("  %s", printable(step))
	}
	if warning := apparmor.Warning(installation.Program); warning != "" {
		t.print("Note: %s.", printable(warning))
	}
	if !yes {
		if err := t.agree("Go on?"); err != nil {
			return err
		}
	}
	if command != nil {
		return t.runAsRoot(ctx, command)
	}
	if err := installation.Install(ctx); err != nil {
		return err
	}
	t.print("Done: %s", installation.File())
	return nil
}
