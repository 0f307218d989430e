package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/gateway/wire"
)

// referenceRow is a reference of the config that leads out of the store.
type referenceRow struct {
	Reference string   `json:"reference"`
	UsedBy    []string `json:"used_by"`
	State     string   `json:"state"` // "resolves", "fails", "not asked"
	Source    string   `json:"source,omitempty"`
	Detail    string   `json:"detail,omitempty"`
	Hint      string   `json:"hint,omitempty"`
	Note      string   `json:"note,omitempty"`
}

// unproven is what a person who trusts a cloud with a key should know.
func unproven(form configs.Form) string {
	switch form {
	case configs.FormAWS, configs.FormGCP, configs.FormAzure:
		return string(form) + ":// is tested with the cloud's own library against servers that speak its protocol; it was never run against the cloud itself"
	default:
		return ""
	}
}

// outsideReferences are those of the config that neither the keychain nor the vault
// of openclaw answers, sorted. A literal is none.
func outsideReferences(config *configs.Config) []referenceRow {
	users := map[configs.Reference][]string{}
	for key, reference := range references(config) {
		text := string(reference)
		if text == "" || reference.Literal() && !strings.HasPrefix(text, "${") || strings.HasPrefix(text, "keychain://openclaw/") || strings.HasPrefix(text, "vault://") {
			continue
		}
		users[reference] = append(users[reference], key)
	}
	rows := make([]referenceRow, 0, len(users))
	for reference, by := range users {
		slices.Sort(by)
		rows = append(rows, referenceRow{Reference: string(reference), UsedBy: by, State: "not asked"})
	}
	slices.SortFunc(rows, func(a, b referenceRow) int { return strings.Compare(a.Reference, b.Reference) })
	return rows
}

// askReferences has the gateway resolve them. Without all it asks only for what is
// on this machine: a program may wake a person, a server takes its time.
func askReferences(rows []referenceRow, all bool, call func(string, any, any) error) error {
	for i := range rows {
		row := &rows[i]
		form, _, _ := configs.Reference(row.Reference).Parse()
		if !all && form != configs.FormVariable && form != configs.FormFile {
			continue
		}
		var tested wire.SecretTested
		if err := call(wire.MethodSecretTest, wire.SecretTestParams{Reference: row.Reference}, &tested); err != nil {
			return err
		}
		row.Reference = configs.Reference(row.Reference).String()
		row.State, row.Source, row.Detail, row.Hint, row.Note = "fails", tested.Source, tested.Detail, tested.Hint, unproven(form)
		if tested.OK {
			row.State = "resolves"
		}
	}
	return nil
}

func (t *terminal) printReferences(rows []referenceRow) {
	if len(rows) == 0 {
		return
	}
	cells := make([][]string, 0, len(rows))
	for _, row := range rows {
		shown := configs.Reference(row.Reference).String()
		cells = append(cells, []string{shown, strings.Join(row.UsedBy, ", "), row.State})
	}
	t.print("")
	t.table("REFERENCE\tUSED BY\tSTATE", cells)
	for _, row := range rows {
		if row.State == "fails" {
			t.print("%s: %s", printable(configs.Reference(row.Reference).String()), printable(row.Detail))
			if row.Hint != "" {
				t.print("    %s", printable(row.Hint))
			}
		}
	}
	var notes []string
	for _, row := range rows {
		if row.Note != "" && !slices.Contains(notes, row.Note) {
			notes = append(notes, row.Note)
			t.print("note: %s", row.Note)
		}
	}
}

func doctorSecretsCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "secrets", Short: "Resolve every reference of the config, and say what is wrong with each", Args: exactly(0),
		Long: "Have the gateway resolve every reference of the config once, also those that a program (exec:, pass://, op://) or a\n" +
			"server (hcvault://, aws-secrets://, gcp-secrets://, azure-keyvault://) answers, and say where each comes from and what\n" +
			"is wrong with it. No value is shown.",
		Example: "  openclaw doctor secrets",
		RunE: func(cmd *cobra.Command, _ []string) error {
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			var store wire.SecretsResult
			rows := outsideReferences(snapshot.Config)
			err = t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				if err := call(wire.MethodSecrets, nil, &store); err != nil {
					return err
				}
				return askReferences(rows, true, call)
			})
			if err != nil {
				return err
			}
			wrong := slices.DeleteFunc(slices.Clone(rows), func(r referenceRow) bool { return r.State != "fails" })
			missing := 0
			for _, s := range store.Secrets {
				if s.Missing {
					missing++
				}
			}
			if asJSON {
				if err := t.json(map[string]any{"store": store.Store, "secrets": store.Secrets, "references": rows}); err != nil {
					return err
				}
			} else {
				t.print("store: %s", describeStore(store.Store))
				for _, s := range store.Secrets {
					if s.Missing {
						t.print("missing: %s, used by %s", s.Name, strings.Join(s.UsedBy, ", "))
					}
				}
				t.printReferences(rows)
			}
			if len(wrong)+missing > 0 {
				return &failure{err: fmt.Errorf("%d references do not resolve, %d secrets are missing", len(wrong), missing), hint: "each fails alone: only who uses it is without its key"}
			}
			if store.Store.State != "unlocked" {
				return &failure{err: errors.New("the store is " + store.Store.State), hint: store.Store.Hint}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
