package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/gateway/audit"
	"openclaw/gateway/wire"
)

func auditCommand(t *terminal) *cobra.Command {
	return group("audit", "Search the audit log", auditSearchCommand(t), auditVerifyCommand(t))
}

func auditSearchCommand(t *terminal) *cobra.Command {
	var params wire.AuditSearchParams
	cmd := &cobra.Command{
		Use: "search", Short: "Print matching audit records, one JSON object a line", Args: exactly(0),
		Example: "  openclaw audit search --since 1h\n  openclaw audit search --event api_call --since 24h --agent coder",
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := t.auditPath()
			if err != nil {
				return err
			}
			entries, truncated, err := searchAuditFile(cmd.Context(), path, params)
			if err != nil {
				return err
			}
			for _, entry := range entries {
				t.print("%s", entry)
			}
			if truncated {
				t.warn("only the newest %d are shown; narrow the search or raise --limit", len(entries))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&params.Event, "event", "", "only this event type, such as api_call")
	cmd.Flags().StringVar(&params.Agent, "agent", "", "only this agent's")
	cmd.Flags().StringVar(&params.Connection, "connection", "", "only of this connection, by its id")
	cmd.Flags().StringVar(&params.Since, "since", "24h", "how far back, such as 1h or 7d")
	cmd.Flags().IntVar(&params.Limit, "limit", 1000, "at most this many, the newest")
	cmd.Flags().Bool("json", true, "records are always JSON")
	return cmd
}

// auditPath is the audit log of the state folder. Reading it needs no gateway.
func (t *terminal) auditPath() (string, error) {
	if err := t.onlyHere("reading the audit log"); err != nil {
		return "", err
	}
	snapshot, err := t.loadConfig()
	if err != nil {
		return "", err
	}
	layout, err := t.layout()
	if err != nil {
		return "", err
	}
	return auditPath(layout, snapshot.Config), nil
}

func auditPath(layout configs.Layout, config *configs.Config) string {
	if config.Audit.LogPath != "" {
		return config.Audit.LogPath
	}
	return layout.AuditLog()
}

func auditVerifyCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the audit log's chain", Args: exactly(0),
		Long: "Check that no line of the audit log was changed, removed from the middle or reordered. Lines cut off at the\n" +
			"end leave no trace in the file itself: compare the last number and hash with what was kept elsewhere.",
		Example: "  openclaw audit verify",
		RunE: func(*cobra.Command, []string) error {
			path, err := t.auditPath()
			if err != nil {
				return err
			}
			report, err := audit.Verify(path)
			if err != nil {
				return err
			}
			if asJSON {
				err = t.json(report)
			} else {
				t.print("%s: %d records, last number %d, last hash %s", report.Status, report.Records, report.LastSeq, report.Head)
			}
			if report.Status != audit.StatusOK && report.Status != audit.StatusEmpty {
				return &failure{err: fmt.Errorf("line %d: %s", report.Line, report.Detail), hint: "keep a copy of " + path + " before anything else"}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
